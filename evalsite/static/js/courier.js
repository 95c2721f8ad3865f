/**
 * Posts JSON until the server has decided: through a lost network and a restarted server, more and more patiently. What
 * a proxy says in its place decides nothing.
 */
import { allowReload } from "./renewal.js";

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 30_000;
const POST_TIMEOUT_MS = 20_000;
const REFUSING = new Set([400, 403]); // with a reason, in the site's own JSON

/** Only the page is too old, as after signing in elsewhere: the page that replaces this one can post it. */
export class StalePage extends Error {}

/** The server has decided: posting the same again cannot help. Its message is for the rater. */
export class Refusal extends Error {}

/** The browser has no session now, or that of somebody else: once the right one is back it may be posted again. */
export class Unowned extends Refusal {}

export class Courier {
  /**
   * @param {string} csrfToken
   * @param {{stale: string}} words
   * @param {(text: string) => void} tell the rater, before each wait for another try
   */
  constructor(csrfToken, words, tell) {
    this.csrfToken = csrfToken;
    this.words = words;
    this.tell = tell;
  }

  /**
   * @param {string} url
   * @param {object} content
   * @param {string} delayed what the rater is told while it waits
   * @returns {Promise<object | Refusal | StalePage>} the reply, or why there is none
   */
  async send(url, content, delayed) {
    for (let attempt = 0; ; attempt += 1) {
      const reply = await this.#post(url, content);
      if (reply) return reply;
      const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
      this.tell(delayed);
      await delayOrReconnection(delayMs);
    }
  }

  /** @returns {Promise<object | Refusal | StalePage | null>} null when nobody knows whether the site has decided */
  async #post(url, content) {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.csrfToken },
        body: JSON.stringify(content),
        signal: AbortSignal.timeout(POST_TIMEOUT_MS),
      });
      if (response.ok) {
        const reply = await response.json();
        if (!("next" in reply)) return null;
        allowReload();
        return reply;
      }
      if (!REFUSING.has(response.status)) return null;
      const { error } = await response.json().catch(() => ({}));
      const isForbidden = response.status === 403;
      if (typeof error === "string") return isForbidden ? new Unowned(error) : new Refusal(error);
      // Not the site's own words: a proxy's, or another tab has changed the token that guards forms by signing in.
      return isForbidden ? new StalePage(this.words.stale) : null;
    } catch {
      return null;
    }
  }
}

function delayOrReconnection(delayMs) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, delayMs);
    addEventListener("online", done);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    }
  });
}
