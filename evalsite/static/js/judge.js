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
import { choose, ignoreHeldKeys, isElsewhere, offer } from "./choices.js";
import { Courier, Refusal, StalePage } from "./courier.js";
import { askForReport, closed } from "./dialogs.js";
import { decodePair, loadAhead, nextPaint } from "./images.js";
import { newKey, Outbox } from "./outbox.js";
import { answered, timeLeft } from "./pace.js";
import { Zoom } from "./zoom.js";

const LONG_PROMPT = 180;
const SLOW_MS = 400;
const SMALLEST_PX = 512; // smaller pictures are enlarged, both alike, where the screen has room

const element = (id) => document.getElementById(id);
const content = (id) => JSON.parse(element(id).textContent);
const page = element("judging");
const pair = element("pair");
const status = element("status");
const words = content("words");
const stackedScreen = matchMedia("(max-aspect-ratio: 4/5)");
const zoom = new Zoom(pair, element("zoom"));

const courier = new Courier(
  document.querySelector('meta[name="csrf-token"]').content,
  words,
  () => (status.textContent = words.lost),
);
const outbox = new Outbox(page.dataset.answerUrl, courier);

function say(name, values) {
  return words[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/** @param {Payload} payload */
function describe(payload) {
  const { prompt, progress } = payload;
  showPrompt(prompt);
  ask(payload.question);
  element("part").textContent = partName(payload);
  element("count").textContent = say("progress", progress);
  element("time").textContent = timeInWords(timeLeft(progress.total - progress.done));
  element("progress").max = progress.total;
  element("progress").value = progress.done;
  element("undo").hidden = !payload.undoable;
  element("problem").hidden = payload.practice;
  page.style.setProperty("--image-px", `${Math.max(SMALLEST_PX, payload.image_px)}px`);
  pair.querySelectorAll(".frame").forEach((frame) => frame.replaceChildren());
  pair.ariaBusy = "true";
  zoom.reset();
}

/** @param {Question} question */
function ask(question) {
  element("question").textContent = question.wording;
  element("help-wording").textContent = question.wording;
  element("help-text").textContent = question.help;
  offer(pair, question);
}

function timeInWords(ms) {
  const minutes = Math.round(ms / 60_000);
  return minutes ? say("left", { minutes }) : words.almost;
}

/** @param {string} prompt */
function showPrompt(prompt) {
  const shown = element("prompt");
  shown.textContent = prompt;
  shown.dataset.length = prompt.length > LONG_PROMPT ? "long" : "short";
  shown.tabIndex = shown.scrollHeight > shown.clientHeight ? 0 : -1;
}

/** @param {Payload} payload */
function partName({ block, practice, also }) {
  if (practice) return words.practice;
  if (also.length) return say("question", { number: 1, of: 1 + also.length });
  return block.of > 1 ? say("part", block) : "";
}

/** @param {Payload} payload */
function introduceBlock({ block, practice, question, also }) {
  const call = practice ? words.practice_call : block.number > 1 ? words.new_call : words.call;
  element("block-part").textContent = block.of > 1 && !practice && !also.length ? `${say("part", block)}. ${call}` : call;
  element("block-wording").textContent = [question, ...also.map((other) => other.question)]
    .map(({ wording }) => wording)
    .join(" ");
  element("block-help").textContent = question.help;
  return closed(element("block-start"));
}

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

/** @param {Payload} payload */
async function loadImages(payload) {
  for (;;) {
    const images = await saidWhileSlow(words.loading, decodePair(payload));
    if (images) return images;
    element("trouble").hidden = false;
    await new Promise((resolve) => element("reload-images").addEventListener("click", resolve, { once: true }));
    element("trouble").hidden = true;
  }
}

function nameSides() {
  const [left, right] = pair.querySelectorAll(".frame img");
  if (!right) return;
  left.alt = stackedScreen.matches ? words.top_image : words.left_image;
  right.alt = stackedScreen.matches ? words.bottom_image : words.right_image;
}

/**
 * Show the pair and wait for what the rater does with it.
 * @param {Payload} payload
 * @returns {Promise<import("./outbox.js").Reply>} what the server says to it
 */
async function judge(payload) {
  describe(payload);
  const loading = loadImages(payload);
  if (payload.block.first) await introduceBlock(payload);
  const images = await loading;
  pair.querySelector('[data-side="left"]').append(images.left);
  pair.querySelector('[data-side="right"]').append(images.right);
  nameSides();
  pair.ariaBusy = "false";
  const { prompt, progress, question } = payload;
  const announced = { number: progress.done + 1, prompt, question: question.wording };
  element("announcement").textContent = say("pair", announced);
  const shownAt = await nextPaint();
  const leaving = new AbortController();
  try {
    return await Promise.race([answer(payload, shownAt, leaving), command(payload, leaving)]);
  } finally {
    leaving.abort();
  }
}

/**
 * @param {Payload} payload
 * @param {AbortController} leaving given up when everything is chosen: then nothing else can be done with the pair
 */
async function answer(payload, shownAt, leaving) {
  const asked = [{ assignment: payload.assignment, question: payload.question }, ...payload.also];
  const answers = [];
  let since = shownAt;
  for (const { assignment, question } of asked) {
    if (answers.length) {
      ask(question);
      element("part").textContent = say("question", { number: 1 + answers.length, of: asked.length });
    }
    const { outcome, at } = await choose(pair, stackedScreen, leaving.signal);
    answers.push({ assignment, key: newKey(), outcome, response_ms: Math.max(0, Math.round(at - since)) });
    since = at;
  }
  leaving.abort();
  answered(since - shownAt);
  const [first, ...also] = answers;
  return save(also.length ? { ...first, also } : first);
}

/**
 * Undo, or a report: by button or key, until the pair is answered.
 * @param {Payload} payload
 * @param {AbortController} leaving
 */
function command(payload, leaving) {
  const { signal } = leaving;
  return new Promise((resolve) => {
    const leave = (url, body) => {
      leaving.abort();
      resolve(post(url, body));
    };
    const undo = () => leave(page.dataset.undoUrl, {});
    const report = async () => {
      const given = await askForReport(element("report"));
      if (given && !signal.aborted) leave(page.dataset.reportUrl, { assignment: payload.assignment, ...given });
    };
    if (payload.undoable) element("undo").addEventListener("click", undo, { signal });
    element("problem").addEventListener("click", report, { signal });
    const onKey = (event) => {
      if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || isElsewhere(event)) return;
      if (payload.undoable && event.key.toLowerCase() === "u") undo();
    };
    addEventListener("keydown", onKey, { signal });
  });
}

async function post(url, body) {
  const reply = await saidWhileSlow(words.saving, courier.send(url, body));
  if (reply instanceof Error) throw reply;
  return reply;
}

/**
 * @param {import("./outbox.js").Answer} given
 * @param {{ofThisPage: boolean}} origin
 */
function save(given, origin = { ofThisPage: true }) {
  return saidWhileSlow(words.saving, outbox.deliver(given, origin));
}

/** After a practice pair: was it right, and if not, what would have been. */
function showFeedback({ right, answers }) {
  element("feedback-verdict").textContent = right ? words.right : words.wrong;
  const side = answers.includes("left") ? ["left", "top"] : ["right", "bottom"];
  element("feedback-why").textContent = right ? "" : words[`expected_${side[Number(stackedScreen.matches)]}`];
  return closed(element("feedback"));
}

async function main() {
  /** @type {Payload | null} */
  let payload = content("judgement");
  loadAhead(content("ahead"));
  ignoreHeldKeys(pair);
  element("help-button").addEventListener("click", () => closed(element("help")));
  stackedScreen.addEventListener("change", nameSides);
  const follow = async (reply) => {
    loadAhead(reply.ahead);
    if (reply.feedback) await showFeedback(reply.feedback);
    if (reply.next?.pause) await closed(element("break"));
    return reply.next;
  };
  for (const given of outbox.leftovers()) payload = (await save(given, { ofThisPage: false })).next;
  while (payload) payload = await follow(await judge(payload));
  location.replace(page.dataset.thanksUrl);
}

// Going back to a page that the browser kept would show a pair that has been judged already.
addEventListener("pageshow", (event) => event.persisted && location.reload());

main().catch(async (error) => {
  if (error instanceof StalePage) return location.reload();
  if (!(error instanceof Refusal)) throw error;
  element("refusal-reason").textContent = error.message;
  await closed(element("refusal"));
  location.reload();
});
