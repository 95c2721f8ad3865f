/** How long the rest will take, by the answers that this page has seen. */

const FIRST_GUESS_MS = 8_000; // for each question about a pair, as the first page of the study reckons
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
  if (sorted.length < 3) return pairs * questions * FIRST_GUESS_MS;
  return pairs * (sorted[Math.floor(sorted.length / 2)] + BETWEEN_MS);
}
