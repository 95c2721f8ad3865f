/**
 * Answers on their way to the server. An answer is written down before it is first posted, and struck out only when
 * the server has given a receipt or a final refusal: a lost network or a closed tab loses nothing.
 *
 * @typedef {{assignment: string, key: string, outcome: string, response_ms: number}} Answer
 * @typedef {{receipt: {key: string, late: boolean}, next: object | null}} Reply
 */

const PREFIX = "evalsite.answer ";
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 30_000;
const STALE = "This browser no longer lets the page prove who you are. Are cookies allowed?";
const POST_TIMEOUT_MS = 20_000;
const WORTH_RETRYING = new Set([408, 425, 429]);

/** Only the page is too old: the answer stays written down, and the page that replaces this one delivers it. */
export class StalePage extends Error {}

/** The server has decided: posting the same answer again cannot help. Its message is for the rater. */
export class Refusal extends Error {}

export class Outbox {
  /**
   * @param {string} url where answers are posted
   * @param {string} csrfToken
   * @param {() => void} onDelay told before each wait for another try
   */
  constructor(url, csrfToken, onDelay) {
    this.url = url;
    this.csrfToken = csrfToken;
    this.onDelay = onDelay;
  }

  /** @returns {Answer[]} answers for this study that an earlier page could not deliver */
  leftovers() {
    const prefix = this.#slot("");
    return Object.keys(localStorage)
      .filter((slot) => slot.startsWith(prefix))
      .map((slot) => JSON.parse(localStorage.getItem(slot)));
  }

  /**
   * Keep the answer, then post it until the server has decided.
   * @param {Answer} answer
   * @param {{ofThisPage: boolean}} origin of an earlier page's answer this page's token decides for good
   * @returns {Promise<Reply>}
   * @throws {Refusal | StalePage}
   */
  async deliver(answer, { ofThisPage }) {
    this.#keep(answer);
    for (let attempt = 0; ; attempt += 1) {
      const reply = await this.#post(answer);
      if (reply instanceof StalePage && ofThisPage) throw reply;
      if (reply) {
        localStorage.removeItem(this.#slot(answer.assignment));
        if (reply instanceof Error) throw reply;
        return reply;
      }
      const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
      this.onDelay();
      await delayOrReconnection(delayMs);
    }
  }

  /** @returns {Promise<Reply | Refusal | StalePage | null>} null when nobody knows whether the answer arrived */
  async #post(answer) {
    try {
      const response = await fetch(this.url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.csrfToken },
        body: JSON.stringify(answer),
        signal: AbortSignal.timeout(POST_TIMEOUT_MS),
      });
      if (response.ok) {
        const reply = await response.json();
        return reply.receipt ? reply : null;
      }
      if (response.status >= 500 || WORTH_RETRYING.has(response.status)) return null;
      const { error } = await response.json().catch(() => ({}));
      if (error) return new Refusal(error);
      // Not the site's own words: another tab has changed the token that guards forms, by signing in for example.
      return response.status === 403 ? new StalePage(STALE) : new Refusal(`The server refused it (${response.status}).`);
    } catch {
      return null;
    }
  }

  #keep(answer) {
    try {
      localStorage.setItem(this.#slot(answer.assignment), JSON.stringify(answer));
    } catch {
      // Storage is full: the answer then lives in this page alone, and is still posted until the server has it.
    }
  }

  #slot(assignment) {
    return `${PREFIX}${this.url} ${assignment}`;
  }
}

/** @returns {string} a random UUID; crypto.randomUUID() would do, but is missing on plain http other than localhost */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
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
