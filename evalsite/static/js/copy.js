/** Buttons that copy the text of another element: <button data-copy="ID">, with data-copied and data-selected in other
 * languages than English. */

for (const button of document.querySelectorAll("[data-copy]")) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.textContent = button.dataset.copied ?? "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = button.dataset.selected ?? "Selected: now copy it";
    }
    setTimeout(() => (button.textContent = label), 4_000);
  });
}
