/** From keys and clicks to one outcome. */
import { isArrowElsewhere, isElsewhere } from "./keys.js";

const KEYS = new Map([
  ["ArrowLeft", "left"],
  ["1", "left"],
  ["ArrowRight", "right"],
  ["2", "right"],
  ["0", "tie"],
  ["b", "both_bad"],
]);
const STACKED_KEYS = new Map([
  ["ArrowUp", "left"],
  ["ArrowDown", "right"],
]);

/**
 * @param {HTMLElement} pair holds the answer buttons; those that are hidden are not on offer
 * @param {MediaQueryList} stacked whether the images lie one above the other
 * @param {AbortSignal} signal nothing is chosen any more once it is given
 * @returns {Promise<{outcome: string | null, at: number}>} what was chosen, or null for a step back to the question
 *   before, and when on performance.now()'s clock
 */
export function choose(pair, stacked, signal) {
  const buttons = [...pair.querySelectorAll("button.answer:not([hidden])")];
  const disable = () => {
    for (const each of buttons) each.ariaDisabled = "true";
  };
  const listening = new AbortController();
  signal.addEventListener("abort", () => listening.abort());
  listening.signal.addEventListener("abort", disable);
  const options = { signal: listening.signal };
  return new Promise((resolve) => {
    const settle = (button, event) => {
      listening.abort();
      button.ariaPressed = "true";
      resolve({ outcome: button.dataset.outcome, at: event.timeStamp });
    };
    for (const button of buttons) {
      button.ariaDisabled = "false";
      const onClick = (event) => {
        const secondOfDoubleClick = event.detail > 1;
        if (!secondOfDoubleClick) settle(button, event);
      };
      button.addEventListener("click", onClick, options);
    }
    const onKey = (event) => {
      if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || isElsewhere(event)) return;
      if (event.shiftKey && event.key.startsWith("Arrow")) return; // moves what is zoomed
      if (isArrowElsewhere(event)) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const outcome = KEYS.get(key) ?? (stacked.matches ? STACKED_KEYS.get(key) : undefined);
      const button = buttons.find((each) => each.dataset.outcome === outcome);
      if (!button) return;
      event.preventDefault();
      settle(button, event);
    };
    addEventListener("keydown", onKey, options);
    const onStepBack = (event) => {
      listening.abort();
      resolve({ outcome: null, at: event.timeStamp });
    };
    pair.addEventListener("stepback", onStepBack, options);
  });
}

/**
 * @param {{tie: boolean, both_bad: boolean}} question
 * @returns {string[]} what can be answered
 */
export function outcomesOf(question) {
  return ["left", "tie", "both_bad", "right"].filter((outcome) => question[outcome] ?? true);
}

/**
 * Offer only what the question offers, unpressed and not yet answerable.
 * @param {HTMLElement} pair
 * @param {{tie: boolean, both_bad: boolean}} question
 */
export function offer(pair, question) {
  const outcomes = outcomesOf(question);
  for (const button of pair.querySelectorAll("button.answer")) {
    button.hidden = !outcomes.includes(button.dataset.outcome);
    button.ariaDisabled = "true";
    button.ariaPressed = "false";
  }
  pair.dataset.neutral = ["none", "one", "two"][outcomes.length - 2];
}
