/**
 * When new numbers are there (refresh.js keeps the notice of their age up to date), the page is loaded anew, unless
 * somebody has begun to work with it, or is on the way to another page: then a link offers them.
 */

const notice = document.querySelector("[data-computed]");
let isInUse = false;

for (const event of ["input", "toggle", "click"]) {
  document.addEventListener(event, () => (isInUse = true), { capture: true, once: true });
}

function offer() {
  const link = notice.querySelector(".show-new");
  if (link.hidden) link.hidden = false;
}

if (notice) {
  const shown = notice.dataset.computed;
  new MutationObserver(() => {
    if (notice.dataset.computed === shown) return;
    if (isInUse) offer();
    else location.reload();
  }).observe(notice, { attributes: true, childList: true, subtree: true, characterData: true });
}
