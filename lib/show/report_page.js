// Draws the report's figures in the browser, in the colours of the page and for its width.

const figures = JSON.parse(document.getElementById("figures").textContent);
const night = matchMedia("(prefers-color-scheme: dark)");

function draw() {
  const style = getComputedStyle(document.documentElement);
  const [ink, paper, line] = ["--ink", "--paper", "--line"].map((name) => style.getPropertyValue(name));
  for (const element of document.querySelectorAll(".plot")) {
    const { narrow, wide } = figures[element.id];
    // Plotly writes into what it is given.
    const { data, layout } = structuredClone(element.clientWidth < 600 ? narrow : wide);
    layout.font.color = ink;
    Object.assign(layout.hoverlabel, { bgcolor: paper, bordercolor: line, font: { color: ink } });
    Plotly.react(element, data, layout, { responsive: true, displayModeBar: false });
  }
}

addEventListener("resize", draw);
night.addEventListener("change", draw);
draw();
