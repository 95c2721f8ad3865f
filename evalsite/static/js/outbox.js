/**
 * Answers on their way to the server. An answer is written down before it is first posted, and struck out only when
 * the server has given a receipt or a final refusal: a lost network or a closed tab loses nothing.
 *
 * @typedef {{assignment: string, key: string, outcome: string, response_ms: number, also?: Answer[]}} Answer
 * @typedef {{receipt: {key: string, late: boolean}, next: object | null, ahead: object | null}} Reply
 */
import { StalePage } from "./courier.js";

const PREFIX = "evalsite.answer ";

export class Outbox {
  /**
   * @param {string} url where answers are posted
   * @param {import("./courier.js").Courier} courier
   */
  constructor(url, courier) {
    this.url = url;
    this.courier = courier;
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
   * @throws {import("./courier.js").Refusal | StalePage}
   */
  async deliver(answer, { ofThisPage }) {
    this.#keep(answer);
    const reply = await this.courier.send(this.url, answer);
    if (reply instanceof StalePage && ofThisPage) throw reply;
    localStorage.removeItem(this.#slot(answer.assignment));
    if (reply instanceof Error) throw reply;
    return reply;
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
