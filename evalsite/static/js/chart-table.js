/**
 * The numbers of a chart as a table, for those who cannot see it or want more digits: one row a datum, and the
 * columns that its tooltips show. Where a row has a votes_url, its number of votes leads there.
 *
 * @param {object} specification Vega-Lite, of one view or of layers
 * @param {string} caption
 * @returns {HTMLDetailsElement}
 */
export function chartTable(specification, caption) {
  const views = [specification, ...(specification.layer ?? [])];
  const view = views.find((each) => each.encoding?.tooltip);
  const columns = view.encoding.tooltip;
  const { name, values } = view.data ?? specification.data;
  const rows = values ?? specification.datasets[name];

  const table = element("table", { className: "ledger" });
  const head = table.createTHead().insertRow();
  for (const column of columns) {
    head.append(element("th", { scope: "col", textContent: column.title, className: kind(column) }));
  }
  const body = table.createTBody();
  for (const row of rows) {
    const cells = columns.map((column, index) => cellOf(row, column, index === 0 ? "th" : "td"));
    cells[0].scope = "row";
    body.insertRow().append(...cells);
  }

  const scroller = element("div", { className: "scroller", role: "region", ariaLabel: caption, tabIndex: 0 });
  scroller.append(table);
  const details = element("details", {});
  details.append(element("summary", { textContent: "The numbers of this chart" }), scroller);
  return details;
}

function cellOf(row, column, name) {
  const cell = element(name, { className: kind(column) });
  const text = written(row[column.field], column);
  const isLink = column.field === "votes" && row.votes_url;
  cell.append(isLink ? element("a", { href: row.votes_url, textContent: text }) : text);
  return cell;
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function kind(column) {
  return column.type === "quantitative" ? "number" : "";
}

function written(value, column) {
  if (value === null || value === undefined) return "–";
  const decimals = column.format?.match(/\.(\d+)f$/)?.[1];
  return decimals ? value.toFixed(decimals) : String(value);
}
