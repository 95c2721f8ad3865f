/** Local storage. Where it is denied or full nothing is kept, and the page goes on without it. */

function attempt(work, otherwise) {
  try {
    return work();
  } catch {
    return otherwise;
  }
}

/** @returns {boolean} whether it is kept */
export function keep(slot, content) {
  return attempt(() => (localStorage.setItem(slot, JSON.stringify(content)), true), false);
}

/** @returns {any} null where nothing that can be read is kept */
export function recall(slot) {
  return attempt(() => JSON.parse(localStorage.getItem(slot)), null);
}

export function drop(slot) {
  attempt(() => localStorage.removeItem(slot));
}

/** @returns {string[]} */
export function slots(prefix) {
  return attempt(() => Object.keys(localStorage), []).filter((slot) => slot.startsWith(prefix));
}
