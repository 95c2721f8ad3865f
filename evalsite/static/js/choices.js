/** From keys and clicks to one outcome. */

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
 * @returns {Promise<{outcome: string, at: number}>} what was chosen, and when on performance.now()'s clock
 */
export function choose(pair, stacked) {
  const listening = new AbortController();
  const { signal } = listening;
  const buttons = [...pair.querySelectorAll("button:not([hidden])")];
  return new Promise((resolve) => {
    const settle = (button, event) => {
      listening.abort();
      for (const each of buttons) each.ariaDisabled = "true";
      button.ariaPressed = "true";
      resolve({ outcome: button.dataset.outcome, at: event.timeStamp });
    };
    for (const button of buttons) {
      button.ariaDisabled = "false";
      const onClick = (event) => {
        const secondOfDoubleClick = event.detail > 1;
        if (!secondOfDoubleClick) settle(button, event);
      };
      button.addEventListener("click", onClick, { signal });
    }
    const onKey = (event) => {
      if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const outcome = KEYS.get(key) ?? (stacked.matches ? STACKED_KEYS.get(key) : undefined);
      const button = buttons.find((each) => each.dataset.outcome === outcome);
      if (!button) return;
      event.preventDefault();
      settle(button, event);
    };
    addEventListener("keydown", onKey, { signal });
  });
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
 * Offer only what the question offers, unpressed and not yet answerable.
 * @param {HTMLElement} pair
 * @param {{tie: boolean, both_bad: boolean}} question
 */
export function offer(pair, question) {
  const offered = { left: true, right: true, tie: question.tie, both_bad: question.both_bad };
  for (const button of pair.querySelectorAll("button")) {
    button.hidden = !offered[button.dataset.outcome];
    button.ariaDisabled = "true";
    button.ariaPressed = "false";
  }
  pair.dataset.neutral = ["none", "one", "two"][Number(question.tie) + Number(question.both_bad)];
}
