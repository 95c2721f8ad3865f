/**
 * The form of a study keeps itself as one types, and says what the design costs and what is wrong in fields that were
 * touched. Without this script its buttons do the same.
 */

const PAUSE_MS = 600;
const PAUSE_AFTER_A_FAULT_MS = 5_000;

const form = document.getElementById("design");
const status = document.getElementById("kept");
const figures = document.querySelectorAll("[data-figure]");
const notes = document.querySelector("[data-notes]");
const touched = new Set([...form.querySelectorAll(".wrong[data-field]")].map((place) => place.dataset.field));

let timer = null;
let isDirty = false;
let isOvertaken = false;
let isLeaving = false;
/** @type {Promise<number> | null} */
let sending = null;

function say(text) {
  if (status.textContent !== text) status.textContent = text;
}

/** @param {Record<string, string>} problems sentences by the name of a field, row or group */
function showProblems(problems) {
  for (const place of form.querySelectorAll("[data-field]")) {
    const sentence = touched.has(place.dataset.field) ? (problems[place.dataset.field] ?? "") : "";
    const line = place.querySelector(":scope > .problem");
    if (!line || line.textContent === sentence) continue;
    line.textContent = sentence;
    line.hidden = !sentence;
    place.classList.toggle("wrong", Boolean(sentence));
    const input = place.querySelector(":scope > :is(input, select, textarea)");
    if (sentence) input?.setAttribute("aria-invalid", "true");
    else input?.removeAttribute("aria-invalid");
  }
}

function showEstimate(reply) {
  for (const figure of figures) figure.textContent = reply.figures[figure.dataset.figure] ?? "–";
  notes.replaceChildren(
    ...reply.notes.map((note) => Object.assign(document.createElement("li"), { textContent: note })),
  );
}

/** @returns {Promise<number>} after how many milliseconds what is still to be kept is sent */
async function post() {
  isDirty = false;
  const answer = await fetch(form.dataset.typedUrl, { method: "POST", body: new FormData(form) }).catch(() => null);
  if (answer?.ok && !answer.redirected) {
    const reply = await answer.json();
    form.elements.version.value = reply.version;
    showProblems(reply.problems);
    showEstimate(reply);
    say("Kept.");
    return PAUSE_MS;
  }
  isDirty = true;
  isOvertaken = answer?.status === 409;
  const reason = answer ? "Are you still signed in?" : "There is no connection.";
  say(isOvertaken ? (await answer.json()).error : `What you type is not kept at the moment. ${reason} Trying again…`);
  return PAUSE_AFTER_A_FAULT_MS;
}

function schedule(delay = PAUSE_MS) {
  clearTimeout(timer);
  timer = setTimeout(send, delay);
}

/** One request at a time: the next one carries the version that the last one made. */
async function send() {
  if (sending || isOvertaken || isLeaving) return;
  sending = post();
  const delay = await sending;
  sending = null;
  if (isDirty) schedule(delay);
}

form.addEventListener("input", (event) => {
  isDirty = true;
  const place = event.target.closest("[data-field]");
  if (place) touched.add(place.dataset.field);
  if (isOvertaken) return;
  say("Keeping what you type…");
  schedule();
});

// A button posts the whole form: it must carry the version that the request on its way will make.
form.addEventListener("submit", async (event) => {
  isLeaving = true;
  clearTimeout(timer);
  if (!sending) return;
  event.preventDefault();
  await sending;
  form.requestSubmit(event.submitter);
});

// The file holds what is kept, and a download leaves the page as it is.
const file = document.getElementById("file");
file.addEventListener("click", async (event) => {
  if (!isDirty && !sending) return;
  event.preventDefault();
  clearTimeout(timer);
  await sending;
  if (isDirty) await send();
  location.assign(file.href);
});

addEventListener("beforeunload", (event) => {
  if (isDirty && !isLeaving) event.preventDefault();
});

// A page that the browser kept while one was elsewhere holds an old version.
addEventListener("pageshow", (event) => event.persisted && location.reload());

document.getElementById("checked")?.focus();
