/** Zoom and pan, in step on both images: whatever is looked at closely on one side is looked at on the other. */
import { isElsewhere } from "./keys.js";

const LARGEST = 8;
const STEP = 1.5;
const NUDGE = 0.1; // widths of what is seen
const ARROWS = new Map([
  ["ArrowLeft", [-NUDGE, 0]],
  ["ArrowRight", [NUDGE, 0]],
  ["ArrowUp", [0, -NUDGE]],
  ["ArrowDown", [0, NUDGE]],
]);
const KEYS = new Map([
  ["+", STEP],
  ["=", STEP],
  ["-", 1 / STEP],
]);

export class Zoom {
  #pair;
  #toggle;
  #scale = 1;
  #x = 0; // of the middle of what is seen, in widths of the image from its own middle
  #y = 0;
  /** @type {Map<number, {x: number, y: number}>} where the fingers are, or the pressed mouse, in widths of #pressed */
  #pointers = new Map();
  /** @type {HTMLElement} the frame that was pressed first: a second finger may lie on the other one */
  #pressed;
  #pressedAt = { x: 0, y: 0 };
  #dragged = false;

  /**
   * @param {HTMLElement} pair
   * @param {HTMLButtonElement} toggle
   */
  constructor(pair, toggle) {
    this.#pair = pair;
    this.#toggle = toggle;
    toggle.addEventListener("click", () => (this.#scale > 1 ? this.reset() : this.#by(STEP * STEP, 0, 0)));
    addEventListener("keydown", (event) => this.#onKey(event));
    for (const frame of pair.querySelectorAll(".frame")) {
      frame.addEventListener("wheel", (event) => this.#onWheel(event, frame), { passive: false });
      frame.addEventListener("dblclick", (event) => this.#onDoubleClick(event, frame));
      frame.addEventListener("pointerdown", (event) => this.#onDown(event, frame));
      frame.addEventListener("pointermove", (event) => this.#onMove(event));
      frame.addEventListener("pointerup", (event) => this.#onUp(event));
      frame.addEventListener("pointercancel", (event) => this.#pointers.delete(event.pointerId));
    }
  }

  reset() {
    this.#scale = 1;
    this.#x = this.#y = 0;
    this.#show();
  }

  /** Around a place of the frame, given from its middle in widths of the frame. */
  #by(factor, x, y) {
    const scale = Math.min(LARGEST, Math.max(1, this.#scale * factor));
    this.#x += x / this.#scale - x / scale;
    this.#y += y / this.#scale - y / scale;
    this.#scale = scale;
    this.#show();
  }

  #show() {
    const edge = (1 - 1 / this.#scale) / 2;
    this.#x = Math.min(edge, Math.max(-edge, this.#x));
    this.#y = Math.min(edge, Math.max(-edge, this.#y));
    this.#pair.style.setProperty("--zoom", this.#scale);
    this.#pair.style.setProperty("--pan-x", `${-100 * this.#x}%`);
    this.#pair.style.setProperty("--pan-y", `${-100 * this.#y}%`);
    this.#pair.dataset.zoomed = this.#scale > 1 ? "yes" : "no";
    this.#toggle.ariaPressed = String(this.#scale > 1);
  }

  #onKey(event) {
    const factor = KEYS.get(event.key);
    if (event.ctrlKey || event.metaKey || isElsewhere(event)) return;
    if (factor) this.#by(factor, 0, 0);
    if (event.key === "Escape") this.reset();
    const nudge = event.shiftKey && this.#scale > 1 && ARROWS.get(event.key);
    if (nudge) this.#move(...nudge);
  }

  /** By widths of the frame. */
  #move(x, y) {
    this.#x += x / this.#scale;
    this.#y += y / this.#scale;
    this.#show();
  }

  #onWheel(event, frame) {
    event.preventDefault();
    const { x, y } = place(event, frame);
    this.#by(Math.exp(-event.deltaY / 300), x, y);
  }

  #onDoubleClick(event, frame) {
    if (this.#scale > 1) return this.reset();
    const { x, y } = place(event, frame);
    this.#by(STEP ** 3, x, y);
  }

  #onDown(event, frame) {
    frame.setPointerCapture(event.pointerId);
    this.#dragged = this.#pointers.size > 0;
    if (!this.#dragged) this.#pressed = frame;
    this.#pressedAt = place(event, this.#pressed);
    this.#pointers.set(event.pointerId, this.#pressedAt);
  }

  #onMove(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const now = place(event, this.#pressed);
    this.#pointers.set(event.pointerId, now);
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const stretched = distance(now, other) / Math.max(0.02, distance(before, other));
      return this.#by(stretched, (now.x + other.x) / 2, (now.y + other.y) / 2);
    }
    this.#dragged ||= distance(now, this.#pressedAt) > 0.01;
    this.#move(before.x - now.x, before.y - now.y);
  }

  /** A press without a drag brings what is there to the middle: nobody has to drag. */
  #onUp(event) {
    this.#pointers.delete(event.pointerId);
    if (this.#scale === 1 || this.#dragged || this.#pointers.size) return;
    const { x, y } = place(event, this.#pressed);
    this.#move(x, y);
  }
}

function place(event, frame) {
  const box = frame.getBoundingClientRect();
  return {
    x: (event.clientX - box.left) / box.width - 0.5,
    y: (event.clientY - box.top) / box.height - 0.5,
  };
}

function distance(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
