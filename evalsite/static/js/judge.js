/**
 * The judging page: one pair after another, without a reload.
 *
 * @typedef {{
 *   assignment: string, left: string, right: string, prompt: string, image_px: number,
 *   question: {key: string, wording: string, tie: boolean, both_bad: boolean},
 *   block: {number: number, of: number, first: boolean},
 *   progress: {done: number, total: number},
 * }} Payload
 */
import { choose, ignoreHeldKeys, offer } from "./choices.js";
import { decodePair, nextPaint } from "./images.js";
import { newKey, Outbox, Refusal, StalePage } from "./outbox.js";

const LONG_PROMPT = 180;
const SLOW_MS = 400;
const SMALLEST_PX = 512; // smaller pictures are enlarged, both alike, where the screen has room

const element = (id) => document.getElementById(id);
const page = element("judging");
const pair = element("pair");
const status = element("status");
const stackedScreen = matchMedia("(max-aspect-ratio: 4/5)");

const outbox = new Outbox(
  page.dataset.answerUrl,
  document.querySelector('meta[name="csrf-token"]').content,
  () => (status.textContent = "Connection lost. Your answer is kept on this device; trying to send it again…"),
);

/** @param {Payload} payload */
function describe(payload) {
  const { prompt, question, progress } = payload;
  showPrompt(prompt);
  element("question").textContent = question.wording;
  element("part").textContent = partName(payload);
  element("count").textContent = `${progress.done} of ${progress.total} judged`;
  element("progress").max = progress.total;
  element("progress").value = progress.done;
  page.style.setProperty("--image-px", `${Math.max(SMALLEST_PX, payload.image_px)}px`);
  pair.querySelectorAll(".frame").forEach((frame) => frame.replaceChildren());
  pair.ariaBusy = "true";
  offer(pair, question);
}

/** @param {string} prompt */
function showPrompt(prompt) {
  const shown = element("prompt");
  shown.textContent = prompt;
  shown.dataset.length = prompt.length > LONG_PROMPT ? "long" : "short";
  shown.tabIndex = shown.scrollHeight > shown.clientHeight ? 0 : -1;
}

/** @param {Payload} payload */
function partName({ block, question }) {
  return block.of > 1 ? `Part ${block.number} of ${block.of}: ${question.key}` : "";
}

/** @param {HTMLDialogElement} dialog */
function dismissed(dialog) {
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
}

/** @param {Payload} payload */
function introduceBlock({ block, question }) {
  const part = block.of > 1 ? `Part ${block.number} of ${block.of}. ` : "";
  const call = block.number > 1 ? "From here on, a new question:" : "For each pair, decide:";
  element("block-part").textContent = part + call;
  element("block-wording").textContent = question.wording;
  return dismissed(element("block-start"));
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
    const images = await saidWhileSlow("Loading the images…", decodePair(payload));
    if (images) return images;
    element("trouble").hidden = false;
    await new Promise((resolve) => element("reload-images").addEventListener("click", resolve, { once: true }));
    element("trouble").hidden = true;
  }
}

function nameSides(images) {
  images.left.alt = stackedScreen.matches ? "Top image" : "Left image";
  images.right.alt = stackedScreen.matches ? "Bottom image" : "Right image";
}

/**
 * @param {Payload} payload
 * @returns {Promise<import("./outbox.js").Answer>}
 */
async function judge(payload) {
  describe(payload);
  const loading = loadImages(payload);
  if (payload.block.first) await introduceBlock(payload);
  const images = await loading;
  nameSides(images);
  const rename = () => nameSides(images);
  stackedScreen.addEventListener("change", rename);
  pair.querySelector('[data-side="left"]').append(images.left);
  pair.querySelector('[data-side="right"]').append(images.right);
  pair.ariaBusy = "false";
  element("announcement").textContent = `Pair ${payload.progress.done + 1}. ${payload.prompt}. ${payload.question.wording}`;
  const shownAt = await nextPaint();
  const { outcome, at } = await choose(pair, stackedScreen);
  stackedScreen.removeEventListener("change", rename);
  return {
    assignment: payload.assignment,
    key: newKey(),
    outcome,
    response_ms: Math.max(0, Math.round(at - shownAt)),
  };
}

/**
 * @param {import("./outbox.js").Answer} answer
 * @param {{ofThisPage: boolean}} origin
 * @returns {Promise<Payload | null>}
 */
async function save(answer, origin = { ofThisPage: true }) {
  return (await saidWhileSlow("Saving…", outbox.deliver(answer, origin))).next;
}

async function main() {
  /** @type {Payload | null} */
  let payload = JSON.parse(element("judgement").textContent);
  ignoreHeldKeys(pair);
  for (const answer of outbox.leftovers()) payload = await save(answer, { ofThisPage: false });
  while (payload) payload = await save(await judge(payload));
  location.replace(page.dataset.thanksUrl);
}

// Going back to a page that the browser kept would show a pair that has been judged already.
addEventListener("pageshow", (event) => event.persisted && location.reload());

main().catch(async (error) => {
  if (error instanceof StalePage) return location.reload();
  if (!(error instanceof Refusal)) throw error;
  element("refusal-reason").textContent = error.message;
  await dismissed(element("refusal"));
  location.reload();
});
