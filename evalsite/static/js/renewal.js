/**
 * A page that may no longer post is replaced by a new one, once: where cookies are blocked that one may not either. The
 * mark lies in this tab's history, which a reload keeps and nothing denies.
 */

/** @returns {boolean} false when that has not helped: then the rater is told */
export function reloadOnce() {
  if (history.state?.reloaded) return false;
  history.replaceState({ reloaded: true }, "");
  location.reload();
  return true;
}

/** This page may post, so one that may not is worth replacing again. */
export function allowReload() {
  if (history.state?.reloaded) history.replaceState(null, "");
}
