/**
 * Sections that follow what the server does: <section data-refresh="URL">, which gives the section anew.
 * Only what differs is changed, so what is open, focused, selected or scrolled stays so. A section whose new form
 * has no data-refresh is left alone from then on. Nothing is asked for while the page is hidden, and an answer that
 * fails is asked for again.
 */

const PAUSE_MS = 3_000;

/** Make the old node like the fresh one, part by part. */
function update(old, fresh) {
  if (old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh);
  } else if (old instanceof CharacterData) {
    if (old.data !== fresh.data) old.data = fresh.data;
  } else {
    updateAttributes(old, fresh);
    const [parts, freshParts] = [[...old.childNodes], [...fresh.childNodes]];
    parts.slice(freshParts.length).forEach((part) => part.remove());
    freshParts.forEach((part, place) => (parts[place] ? update(parts[place], part) : old.append(part)));
  }
}

function updateAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && name !== "open") old.setAttribute(name, value);
  }
}

async function refresh(section) {
  let answer;
  try {
    answer = await fetch(section.dataset.refresh, { headers: { Accept: "text/html" } });
  } catch {
    return;
  }
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  update(section, page.body.firstElementChild);
}

async function follow(section) {
  while (section.dataset.refresh) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (!document.hidden) await refresh(section);
  }
}

for (const section of document.querySelectorAll("[data-refresh]")) follow(section);
