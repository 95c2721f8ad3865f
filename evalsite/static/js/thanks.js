/** The code shows only when the server has every answer: what an earlier page could not deliver goes first. */
import { Courier, Refusal } from "./courier.js";
import { Outbox } from "./outbox.js";

const element = (id) => document.getElementById(id);
const words = JSON.parse(element("words").textContent);
const status = element("status");
const token = document.querySelector('meta[name="csrf-token"]').content;
const courier = new Courier(token, words, () => (status.textContent = words.kept));
const outbox = new Outbox(element("ending").dataset.answerUrl, courier);

async function deliverAll() {
  const left = outbox.leftovers();
  for (const answer of left) {
    try {
      await outbox.deliver(answer, { ofThisPage: false });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error; // refused for good: it will never be a vote
    }
  }
  if (left.length) return location.reload(); // their number has changed
  element("code-part").hidden = false;
}

deliverAll();
