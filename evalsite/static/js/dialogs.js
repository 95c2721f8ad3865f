/** The judging page's dialogs, each as a promise. */

/**
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<string>} the value of the button that closed it; empty for Escape
 */
export function closed(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

/**
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<{problem: string, note: string} | null>} null when the rater thought better of it
 */
export async function askForReport(dialog) {
  const form = dialog.querySelector("form");
  form.reset();
  if ((await closed(dialog)) !== "send") return null;
  const content = new FormData(form);
  return { problem: content.get("problem"), note: content.get("note") };
}
