/** How long the rest will take, by the answers that this page has seen. */

const FIRST_GUESS_MS = 8_000;
const BETWEEN_MS = 800; // from one answer to the next pair

const seen = [];

/** @param {number} responseMs */
export function answered(responseMs) {
  seen.push(responseMs);
  if (seen.length > 20) seen.shift();
}

/**
 * @param {number} pairs
 * @param {number} questions about each of them
 * @returns {number} milliseconds
 */
export function timeLeft(pairs, questions) {
  const sorted = seen.toSorted((one, other) => one - other);
  const median = sorted.length < 3 ? questions * FIRST_GUESS_MS : sorted[Math.floor(sorted.length / 2)];
  return pairs * (median + BETWEEN_MS);
}
