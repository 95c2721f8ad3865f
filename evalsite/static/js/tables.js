/**
 * Tables that sort and filter: <table data-sort>, and data-filter="LABEL" for a field that keeps the rows whose names
 * hold what is typed. A column sorts by its cells' data-value, or by their text; <th data-sort-none> stays as it is.
 * The server's order comes back with the third press of a column's button.
 */

const ORDERS = ["descending", "ascending", "none"];

function valueOf(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.value ?? cell.textContent.trim();
  const number = text === "" || text === "None" || text === "–" ? Number.NaN : Number(text);
  return Number.isNaN(number) ? text : number;
}

function isNothing(value) {
  return value === "" || value === "None" || value === "–";
}

/** Numbers before texts; cells without a value stay last, whichever way. */
function compare(a, b, sign) {
  if (isNothing(a) || isNothing(b)) return isNothing(a) - isNothing(b);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b), undefined, { numeric: true });
}

function sort(table, original, column, order) {
  const sign = order === "ascending" ? 1 : -1;
  const rows = [...original];
  if (order !== "none") rows.sort((a, b) => compare(valueOf(a, column), valueOf(b, column), sign));
  table.tBodies[0].append(...rows);
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  const original = [...table.tBodies[0].rows];
  heads.forEach((head, column) => {
    if ("sortNone" in head.dataset) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const order = ORDERS[(ORDERS.indexOf(head.getAttribute("aria-sort") ?? "none") + 1) % ORDERS.length];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (order !== "none") head.setAttribute("aria-sort", order);
      sort(table, original, column, order);
    });
  });
}

/** What is typed may be several words, all of which a row's names must hold. */
function makeFilterable(table) {
  const label = document.createElement("label");
  const field = Object.assign(document.createElement("input"), { type: "search", autocomplete: "off" });
  const count = document.createElement("output");
  label.className = "table-filter";
  label.append(`${table.dataset.filter} `, field, count);
  table.closest(".scroller").before(label);
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...table.tBodies[0].rows];
    for (const row of rows) {
      const names = [...row.querySelectorAll("th, .name")].map((cell) => cell.textContent.toLowerCase()).join(" ");
      row.hidden = !words.every((word) => names.includes(word));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = words.length ? `${shown} of ${rows.length}` : "";
  });
}

for (const table of document.querySelectorAll("table[data-sort]")) makeSortable(table);
for (const table of document.querySelectorAll("table[data-filter]")) makeFilterable(table);
