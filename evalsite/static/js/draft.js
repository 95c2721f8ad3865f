/** What has been answered of several questions about one pair: no answer yet, but a reload must not lose it. */
import { drop, keep, recall } from "./store.js";

export class Draft {
  #slot;

  /**
   * @param {string} url where answers are posted
   * @param {string} session whose it is, by the name that the page has for it
   */
  constructor(url, session) {
    this.#slot = `evalsite.draft ${url} ${session}`;
  }

  /** @returns {import("./outbox.js").Answer[]} */
  recall(assignment) {
    const kept = recall(this.#slot);
    return kept?.assignment === assignment ? kept.given : [];
  }

  /** @param {import("./outbox.js").Answer[]} given */
  keep(assignment, given) {
    keep(this.#slot, { assignment, given });
  }

  drop() {
    drop(this.#slot);
  }
}
