const PATIENCE_MS = 30_000;

/** @type {Map<string, Promise<HTMLImageElement>>} by address, loaded while the pair before was judged */
const loadedAhead = new Map();

/**
 * Load and decode what comes next, and forget what did not come.
 * @param {{left: string, right: string} | null} urls
 */
export function loadAhead(urls) {
  loadedAhead.clear();
  for (const url of urls ? [urls.left, urls.right] : []) {
    const image = decode(url);
    image.catch(() => loadedAhead.delete(url)); // then it is asked for again when its turn comes
    loadedAhead.set(url, image);
  }
}

/**
 * Decode both images before either is shown, so that no side is ever seen or answered first.
 *
 * @param {{left: string, right: string}} urls
 * @returns {Promise<{left: HTMLImageElement, right: HTMLImageElement} | null>} null when either failed to load, or stalled
 */
export async function decodePair(urls) {
  try {
    const [left, right] = await Promise.all([urls.left, urls.right].map((url) => loadedAhead.get(url) ?? decode(url)));
    return { left, right };
  } catch {
    return null;
  }
}

/** @param {string} url */
async function decode(url) {
  const image = new Image();
  image.draggable = false;
  image.src = url;
  await Promise.race([image.decode(), stalled()]);
  return image;
}

/** @returns {Promise<never>} */
function stalled() {
  return new Promise((_, reject) => setTimeout(() => reject(new Error("no image in time")), PATIENCE_MS));
}

/** @returns {Promise<number>} the time, on performance.now()'s clock, just after the next frame was painted */
export function nextPaint() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
  });
}
