/**
 * The judging page: one pair after another, without a reload.
 *
 * @typedef {{key: string, wording: string, help: string, tie: boolean, both_bad: boolean}} Question
 * @typedef {{
 *   assignment: string, left: string, right: string, prompt: string, image_px: number,
 *   question: Question, also: {assignment: string, question: Question}[],
 *   block: {number: number, of: number, first: boolean}, practice: boolean, pause: boolean, undoable: boolean,
 *   progress: {done: number, total: number},
 * }} Payload
 */
import { choose } from "./choices.js";
import { Courier, Refusal, StalePage, Unowned } from "./courier.js";
import { askForReport, closed } from "./dialogs.js";
import { Draft } from "./draft.js";
import { decodePair, loadAhead, nextPaint } from "./images.js";
import { handFocusOn, ignoreHeldKeys, isElsewhere, offerSingleKeys } from "./keys.js";
import { newKey, Outbox } from "./outbox.js";
import { answered } from "./pace.js";
import { reloadOnce } from "./renewal.js";
import * as view from "./view.js";
import { content, element, pair, questionsOf, stackedScreen, words } from "./view.js";
import { Zoom } from "./zoom.js";

const SLOW_MS = 400;

const status = element("status");
const { answerUrl, undoUrl, reportUrl, thanksUrl, session } = element("judging").dataset;
const token = document.querySelector('meta[name="csrf-token"]').content;
const courier = new Courier(token, words, (text) => (status.textContent = text));
const outbox = new Outbox(answerUrl, session, courier, words);
const draft = new Draft(answerUrl, session);
const zoom = new Zoom(pair, element("zoom"));

/**
 * @template T
 * @param {string} text shown if the work takes long
 * @param {Promise<T>} work
 */
async function saidWhileSlow(text, work) {
  const slow = setTimeout(() => (status.textContent ||= text), SLOW_MS);
  try {
    return await work;
  } finally {
    clearTimeout(slow);
    status.textContent = "";
  }
}

/**
 * @param {Payload} payload
 * @param {AbortSignal} signal
 * @returns {Promise<{left: HTMLImageElement, right: HTMLImageElement} | null>} null when the rater left the pair
 */
async function loadImages(payload, signal) {
  const left = new Promise((resolve) => signal.addEventListener("abort", () => resolve(null)));
  const again = element("reload-images");
  while (!signal.aborted) {
    const images = await saidWhileSlow(words.loading, Promise.race([decodePair(payload), left]));
    if (images || signal.aborted) return images;
    view.showTrouble(true);
    await Promise.race([left, new Promise((resolve) => again.addEventListener("click", resolve, { once: true }))]);
    view.showTrouble(false);
  }
  return null;
}

/**
 * Show the pair and wait for what the rater does with it.
 * @param {Payload} payload
 * @returns {Promise<import("./outbox.js").Reply>} what the server says to it
 */
async function judge(payload) {
  const given = draft.recall(payload.assignment);
  const leaving = new AbortController();
  view.describe(payload);
  view.ask(payload, given);
  zoom.reset();
  const commanded = command(payload, given, leaving);
  try {
    return await Promise.race([commanded, answer(payload, given, leaving).then((reply) => reply ?? commanded)]);
  } finally {
    leaving.abort();
  }
}

/**
 * @param {Payload} payload
 * @param {import("./outbox.js").Answer[]} given before a reload; answers are added to it
 * @param {AbortController} leaving given up when everything is chosen: then nothing else can be done with the pair
 * @returns {Promise<import("./outbox.js").Reply | null>} null when the rater left the pair before it could be seen
 */
async function answer(payload, given, leaving) {
  const loading = loadImages(payload, leaving.signal);
  if (payload.block.first) await view.introduceBlock(payload);
  const images = await loading;
  if (!images) return null;
  view.showImages(images);
  view.announcePair(payload, given);
  await chooseAll(payload, given, leaving.signal);
  leaving.abort();
  answered(given.reduce((sum, each) => sum + each.response_ms, 0));
  const [first, ...also] = given;
  const saving = save(also.length ? { ...first, also } : first);
  draft.drop();
  return saving;
}

/** Until each question has its answer. A question that comes again after a step back keeps the time that it took. */
async function chooseAll(payload, given, signal) {
  const questions = questionsOf(payload);
  const spent = questions.map((_, place) => given[place]?.response_ms ?? 0);
  let since = await nextPaint();
  while (given.length < questions.length) {
    const place = given.length;
    const { outcome, at } = await choose(pair, stackedScreen, signal);
    spent[place] += Math.max(0, Math.round(at - since));
    since = at;
    const { assignment } = questions[place];
    if (outcome === null) given.pop();
    else given.push({ assignment, key: newKey(), outcome, response_ms: spent[place] });
    if (given.length === questions.length) return;
    draft.keep(payload.assignment, given);
    view.ask(payload, given);
    view.announceQuestion(payload, given);
  }
}

/**
 * Undo, or a report: by button or key, until the pair is answered, and also while its images do not come.
 * @param {Payload} payload
 * @param {import("./outbox.js").Answer[]} given
 * @param {AbortController} leaving
 */
function command(payload, given, leaving) {
  const { signal } = leaving;
  return new Promise((resolve) => {
    const leave = (...posted) => {
      leaving.abort();
      draft.drop();
      resolve(post(...posted));
    };
    const undo = () => {
      if (given.length) pair.dispatchEvent(new Event("stepback"));
      else if (payload.undoable) leave(undoUrl, {}, words.undo_lost);
    };
    const report = async () => {
      const filled = await askForReport(element("report"));
      if (!filled || signal.aborted) return;
      leave(reportUrl, { assignment: payload.assignment, ...filled }, words.report_lost);
    };
    const onKey = (event) => {
      if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || isElsewhere(event)) return;
      if (event.key.toLowerCase() === "u") undo();
    };
    element("undo").addEventListener("click", undo, { signal });
    for (const id of ["problem", "report-images"]) element(id).addEventListener("click", report, { signal });
    addEventListener("keydown", onKey, { signal });
  });
}

/** @param {string} delayed said while the network is lost */
async function post(url, body, delayed) {
  const reply = await saidWhileSlow(words.saving, courier.send(url, body, delayed));
  if (reply instanceof Error) throw reply;
  return reply;
}

/** @param {import("./outbox.js").Answer} given */
function save(given) {
  return saidWhileSlow(words.saving, outbox.deliver(given));
}

/** Deliver what an earlier page could not, and return what is judged then. */
async function catchUp(payload) {
  for (const given of outbox.leftovers()) {
    try {
      payload = (await save(given)).next;
    } catch (error) {
      if (!(error instanceof Unowned)) throw error; // that one waits on
    }
  }
  return payload;
}

async function main() {
  loadAhead(content("ahead"));
  ignoreHeldKeys(pair);
  offerSingleKeys(element("single-keys"));
  handFocusOn(element("tools"), pair);
  element("help-button").addEventListener("click", () => closed(element("help")));
  stackedScreen.addEventListener("change", view.nameSides);
  let rested = ""; // before this assignment, which may come again after an undo
  const follow = async ({ next, ahead, feedback }) => {
    loadAhead(ahead);
    if (feedback) await view.showFeedback(feedback);
    if (next?.pause && next.assignment !== rested) {
      rested = next.assignment;
      await closed(element("break"));
    }
    return next;
  };
  /** @type {Payload | null} */
  let payload = await catchUp(content("judgement"));
  while (payload) payload = await follow(await judge(payload));
  location.replace(thanksUrl);
}

// Going back to a page that the browser kept would show a pair that has been judged already.
addEventListener("pageshow", (event) => event.persisted && location.reload());

main().catch(async (error) => {
  if (error instanceof StalePage && reloadOnce()) return;
  if (!(error instanceof Refusal || error instanceof StalePage)) throw error;
  element("refusal-reason").textContent = error.message;
  await closed(element("refusal"));
  location.reload();
});
