/** Which keys the judging page takes, and which it leaves to what has the focus. */
import { drop, keep, recall } from "./store.js";

const SLOT = "evalsite.single-keys";

let takesSingleKeys = true;

/**
 * Keys of one character can be switched off (WCAG 2.1.4): who speaks to the computer types them without meaning to.
 * @param {HTMLInputElement} box
 */
export function offerSingleKeys(box) {
  box.checked = takesSingleKeys = recall(SLOT) !== false;
  box.addEventListener("change", () => {
    takesSingleKeys = box.checked;
    if (takesSingleKeys) drop(SLOT);
    else keep(SLOT, false);
  });
}

/** Whether the key is for somebody else: it is switched off, or pressed while reading or typing in a dialog. */
export function isElsewhere(event) {
  return (event.key.length === 1 && !takesSingleKeys) || isWithin(event, "dialog");
}

/** Whether an arrow scrolls a long prompt, or is pressed on the way through the tools: neither is an answer. */
export function isArrowElsewhere(event) {
  return event.key.startsWith("Arrow") && isWithin(event, '.tools, #prompt[tabindex="0"]');
}

function isWithin(event, selector) {
  return event.target instanceof Element && event.target.closest(selector) !== null;
}

/**
 * A held Enter clicks a focused button again and again, and would answer pairs that nobody has looked at.
 * @param {HTMLElement} pair
 */
export function ignoreHeldKeys(pair) {
  pair.addEventListener("keydown", (event) => {
    if (event.repeat && event.key === "Enter") event.preventDefault();
  });
}

/**
 * A tool that was used hands the focus to the pair, so that the next arrow answers. Only one that stays pressed keeps
 * it, for who works without a pointer: they may press it again.
 * @param {HTMLElement} tools
 * @param {HTMLElement} pair
 */
export function handFocusOn(tools, pair) {
  const onClick = (event) => {
    const isByPointer = event.detail > 0;
    if (isByPointer || !isWithin(event, "[aria-pressed]")) pair.focus({ preventScroll: true });
  };
  tools.addEventListener("click", onClick, { capture: true }); // first of all: a dialog gives the focus back
}
