/** The code shows only when the server has every answer: what an earlier page could not deliver goes first. */
import { Courier, Refusal, StalePage } from "./courier.js";
import { Outbox } from "./outbox.js";
import { reloadOnce } from "./renewal.js";

const element = (id) => document.getElementById(id);
const words = JSON.parse(element("words").textContent);
const status = element("status");
const token = document.querySelector('meta[name="csrf-token"]').content;
const { answerUrl, session } = element("ending").dataset;
const courier = new Courier(token, words, (text) => (status.textContent = text));
const outbox = new Outbox(answerUrl, session, courier, { ...words, lost: words.kept });

async function deliverAll() {
  let hasChanged = false;
  for (const answer of outbox.leftovers()) {
    try {
      await outbox.deliver(answer);
      hasChanged = true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error; // refused: it is no vote
    }
  }
  if (hasChanged) return location.reload(); // to be told their number, or that there is a code now
  element("code-part")?.removeAttribute("hidden");
}

deliverAll().catch((error) => {
  if (!(error instanceof StalePage)) throw error;
  if (!reloadOnce()) status.textContent = error.message;
});
