const root = document.documentElement;
const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

// In the manner of Okabe and Ito's colours, which a colour-blind reader tells apart, each at least 3:1
// against its ground.
const COLOURS = {
  light: ["#0072B2", "#C44E00", "#00795A", "#A3477F", "#8A6500", "#2E86C1", "#6B6B6B", "#1B1D21"],
  dark: ["#5BA8E0", "#FF7A33", "#2FC39A", "#E39AC4", "#E6A100", "#9AD4F7", "#A0A0A0", "#E7E9EC"],
};

function draw() {
  const ink = dark() ? "#e7e9ec" : "#1b1d21", line = dark() ? "#3a3f48" : "#d5d8de";
  const config = {
    background: "transparent",
    range: { category: COLOURS[dark() ? "dark" : "light"] },
    title: { color: ink, anchor: "start", limit: 340 },
    axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: line, tickColor: line, labelLimit: 260 },
    legend: { labelColor: ink, titleColor: ink, orient: "bottom", columns: 4 },
    rule: { color: ink }, line: { color: ink }, point: { color: ink },
    view: { stroke: "transparent" },
  };
  for (const [id, spec] of Object.entries(SPECS))
    vegaEmbed("#" + id, { autosize: { type: "fit-x", contains: "padding" }, ...spec }, { actions: false, config, renderer: "svg" })
      .then(drawn => drawn.view.container().querySelector("svg").setAttribute("aria-hidden", "true"));  // its figure has its name
}

document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = dark() ? "light" : "dark";
  label();
  draw();
});
const label = () => { document.getElementById("theme").textContent = dark() ? "Light" : "Dark"; };

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = row => row.cells[column].textContent.trim();
    const number = text => parseFloat(text.replace(/,/g, ""));
    const body = table.tBodies[0];
    const order = (a, b) => {
      const [x, y] = [value(a), value(b)], [m, n] = [number(x), number(y)];
      if (isNaN(m) !== isNaN(n)) return isNaN(m) ? 1 : -1;
      return (isNaN(m) ? x.localeCompare(y) : m - n) * (down ? -1 : 1);
    };
    body.append(...[...body.rows].sort(order));
  }));
}

const articles = [...document.querySelectorAll("#answers article")];
document.getElementById("search").addEventListener("input", event => {
  const wanted = event.target.value.toLowerCase();
  let count = 0;
  for (const article of articles) {
    const shown = article.textContent.toLowerCase().includes(wanted);
    article.hidden = !shown;
    count += shown;
  }
  document.getElementById("found").textContent = count + " of " + articles.length + " questions";
});

const boxes = [...document.querySelectorAll("#graph g")];
for (const box of boxes) {
  const lines = [...document.querySelectorAll("#graph path")]
    .filter(line => [line.dataset.start, line.dataset.end].includes(box.dataset.name));
  const names = new Set(lines.flatMap(line => [line.dataset.start, line.dataset.end]));
  const lit = [box, ...lines, ...boxes.filter(other => names.has(other.dataset.name))];
  for (const [event, on] of [["mouseenter", true], ["mouseleave", false]])
    box.addEventListener(event, () => lit.forEach(part => part.classList.toggle("lit", on)));
}

label();
draw();
