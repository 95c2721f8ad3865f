/** What the judging page shows of a pair: its prompt, the questions and what has been answered, how far the rater is. */
import { offer, outcomesOf } from "./choices.js";
import { closed } from "./dialogs.js";
import { timeLeft } from "./pace.js";

const LONG_PROMPT = 180;
const SMALLEST_PX = 512; // smaller pictures are enlarged, both alike, where the screen has room

export const element = (id) => document.getElementById(id);
export const content = (id) => JSON.parse(element(id).textContent);
export const pair = element("pair");
export const stackedScreen = matchMedia("(max-aspect-ratio: 4/5), (width <= 26rem)");
export const words = content("words");

let listAnew = () => {}; // the questions, with the answers given so far

function say(name, values) {
  return words[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/**
 * @param {import("./judge.js").Payload} payload
 * @returns {{assignment: string, question: import("./judge.js").Question}[]} all that is asked about the pair
 */
export function questionsOf({ assignment, question, also }) {
  return [{ assignment, question }, ...also];
}

/** @param {import("./judge.js").Payload} payload */
export function describe(payload) {
  const { prompt, progress } = payload;
  showPrompt(prompt);
  element("count").textContent = say("progress", progress);
  element("time").textContent = timeInWords(timeLeft(progress.total - progress.done, questionsOf(payload).length));
  element("progress").max = progress.total;
  element("progress").value = progress.done;
  element("problem").hidden = payload.practice;
  element("judging").style.setProperty("--image-px", `${Math.max(SMALLEST_PX, payload.image_px)}px`);
  pair.dataset.strip = questionsOf(payload).some(({ question }) => outcomesOf(question).length > 2) ? "yes" : "no";
  pair.querySelectorAll(".frame").forEach((frame) => frame.replaceChildren());
  pair.ariaBusy = "true";
}

/**
 * Put the first question that has no answer yet.
 * @param {import("./judge.js").Payload} payload
 * @param {import("./outbox.js").Answer[]} given
 */
export function ask(payload, given) {
  const { question } = questionsOf(payload)[given.length];
  element("question").textContent = question.wording;
  element("help-wording").textContent = question.wording;
  element("help-text").textContent = question.help;
  element("part").textContent = partName(payload, given);
  listQuestions(payload, given);
  const focused = document.activeElement;
  element("undo").disabled = !payload.undoable && !given.length;
  offer(pair, question);
  if (focused?.closest("[hidden], :disabled")) pair.focus({ preventScroll: true });
}

/**
 * Several questions all stand there: those with their answers, and the one that is asked now. Each has room for its
 * longest answer from the start, so that the pictures below stay where they are.
 */
function listQuestions(payload, given) {
  listAnew = () => listQuestions(payload, given);
  const questions = questionsOf(payload);
  element("question").classList.toggle("visually-hidden", questions.length > 1);
  element("questions").hidden = questions.length === 1;
  const items = questions.map(({ question }, place) => {
    const item = document.createElement("li");
    item.dir = "auto";
    item.textContent = question.wording;
    if (place === given.length) item.ariaCurrent = "step";
    item.append(" ", answerBeside(question, given[place]?.outcome));
    return item;
  });
  element("questions").replaceChildren(...items);
}

/** All answers that the question offers lie in one place, and the given one alone can be seen. */
function answerBeside(question, outcome) {
  const beside = document.createElement("span");
  beside.className = "given";
  const answers = outcomesOf(question).map((each) => {
    const answer = document.createElement("span");
    answer.textContent = outcomeInWords(each);
    answer.dataset.given = each === outcome ? "yes" : "no";
    return answer;
  });
  beside.append(...answers);
  return beside;
}

function outcomeInWords(outcome) {
  const sides = stackedScreen.matches ? { left: "top", right: "bottom" } : { left: "left", right: "right" };
  return words[outcome in sides ? `${sides[outcome]}_image` : outcome];
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

function partName({ block, practice, also }, given) {
  if (practice) return words.practice;
  if (also.length) return say("question", { number: 1 + given.length, of: 1 + also.length });
  return block.of > 1 ? say("part", block) : "";
}

/** To a screen reader: the pair that is there now. */
export function announcePair(payload, given) {
  const { progress, prompt } = payload;
  const { question } = questionsOf(payload)[given.length];
  element("announcement").textContent = say("pair", { number: progress.done + 1, prompt, question: question.wording });
}

/** To a screen reader: the same pair, another question. */
export function announceQuestion(payload, given) {
  element("announcement").textContent = `${partName(payload, given)}. ${element("question").textContent}`;
}

/** @param {import("./judge.js").Payload} payload */
export function introduceBlock({ block, practice, question, also }) {
  const call = practice ? words.practice_call : block.number > 1 ? words.new_call : words.call;
  element("block-part").textContent = block.of > 1 && !practice && !also.length ? `${say("part", block)}. ${call}` : call;
  element("block-wording").textContent = [question, ...also.map((other) => other.question)]
    .map(({ wording }) => wording)
    .join(" ");
  element("block-help").textContent = question.help;
  return closed(element("block-start"));
}

/** After a practice pair: was it right, and if not, what would have been. */
export function showFeedback({ right, answers }) {
  const side = answers.includes("left") ? ["left", "top"] : ["right", "bottom"];
  const wrong = words[`expected_${side[Number(stackedScreen.matches)]}`];
  element("feedback-verdict").textContent = right ? words.right : wrong;
  return closed(element("feedback"));
}

/** @param {{left: HTMLImageElement, right: HTMLImageElement}} images */
export function showImages({ left, right }) {
  pair.querySelector('[data-side="left"]').append(left);
  pair.querySelector('[data-side="right"]').append(right);
  nameSides();
  pair.ariaBusy = "false";
}

/** That the images do not come. */
export function showTrouble(isThere) {
  const trouble = element("trouble");
  if (!isThere && trouble.contains(document.activeElement)) pair.focus({ preventScroll: true });
  trouble.hidden = !isThere;
}

/** By where they lie now: a phone may be turned. */
export function nameSides() {
  listAnew();
  const [left, right] = pair.querySelectorAll(".frame img");
  if (!right) return;
  left.alt = outcomeInWords("left");
  right.alt = outcomeInWords("right");
}
