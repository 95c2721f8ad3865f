/**
 * Answers on their way to the server. An answer is written down before it is first posted, and struck out only when
 * the site has given a receipt or a final refusal: a lost network or a closed tab loses nothing. On a shared computer
 * each session has slots of its own, which the pages of others leave alone.
 *
 * @typedef {{assignment: string, key: string, outcome: string, response_ms: number, also?: Answer[]}} Answer
 * @typedef {{receipt: {key: string, late: boolean}, next: object | null, ahead: object | null}} Reply
 */
import { StalePage, Unowned } from "./courier.js";
import { drop, keep, recall, slots } from "./store.js";

const PREFIX = "evalsite.answer ";

export class Outbox {
  /**
   * @param {string} url where answers are posted
   * @param {string} session whose they are, by the name that the page has for it
   * @param {import("./courier.js").Courier} courier
   * @param {{lost: string, lost_unkept: string}} words said while an answer waits, kept on the device or not
   */
  constructor(url, session, courier, words) {
    this.url = url;
    this.session = session;
    this.courier = courier;
    this.words = words;
  }

  /** @returns {Answer[]} what an earlier page of this session could not deliver */
  leftovers() {
    return slots(this.#slot("")).map(recall).filter(Boolean);
  }

  /**
   * Keep the answer, then post it until the server has decided.
   * @param {Answer} answer
   * @returns {Promise<Reply>}
   * @throws {import("./courier.js").Refusal | StalePage} the answer stays kept after Unowned and StalePage
   */
  async deliver(answer) {
    const slot = this.#slot(answer.assignment);
    const isKept = keep(slot, answer);
    const reply = await this.courier.send(this.url, answer, isKept ? this.words.lost : this.words.lost_unkept);
    if (reply instanceof Unowned || reply instanceof StalePage) throw reply;
    drop(slot);
    if (reply instanceof Error) throw reply;
    return reply;
  }

  #slot(assignment) {
    return `${PREFIX}${this.url} ${this.session} ${assignment}`;
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
