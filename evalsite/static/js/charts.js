/**
 * Draws the Vega-Lite specification called ID (from <script id="charts">) into <figure data-chart="ID">,
 * in the page's own type and colours, and again when the screen turns light or dark.
 */

import { chartTable } from "./chart-table.js";

const specifications = JSON.parse(document.getElementById("charts").textContent);
const figures = document.querySelectorAll("figure[data-chart]");

/** @param {string} name a colour token; returned as rgb(), the form that Vega can interpolate */
function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function theme() {
  const { fontFamily } = getComputedStyle(document.body);
  const [ink, soft, rule] = ["--ink", "--ink-soft", "--rule"].map(colour);
  const letters = { labelFont: fontFamily, titleFont: fontFamily, labelColor: ink, titleColor: soft };
  const sizes = { labelFontSize: 13, titleFontSize: 13, titleFontWeight: 400 };
  return {
    background: "transparent",
    font: fontFamily,
    view: { stroke: null },
    text: { color: ink },
    axis: { ...letters, ...sizes, domainColor: rule, gridColor: rule, tickColor: rule, labelSeparation: 8 },
    legend: { ...letters, ...sizes },
    title: { color: soft, font: fontFamily },
  };
}

function draw() {
  const config = theme();
  for (const figure of figures) {
    const specification = specifications[figure.dataset.chart];
    vegaEmbed(
      figure.querySelector(".drawing"),
      { ...specification, config },
      { ast: true, renderer: "svg", actions: false, defaultStyle: false, tooltip: { disableDefaultStyle: true } },
    );
  }
}

draw();
for (const figure of figures) {
  const caption = figure.querySelector("figcaption").textContent;
  figure.append(chartTable(specifications[figure.dataset.chart], caption));
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
