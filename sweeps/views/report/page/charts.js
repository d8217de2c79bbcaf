// Charts of one trial's epochs. A chart is a figure: title, keys, drawing with a spoken summary; its numbers stand in a table.
const CHART = { width: 330, height: 168, left: 46, right: 8, top: 8, bottom: 20 };
const LOG_FROM = 1e3; // ratio of largest to smallest from which a linear scale would show one number only

/** The four charts of a trial: title, series, and how they are drawn. */
function chartsOf(trial) {
  const m = trial.epochs, has = (name) => m[name] !== undefined;
  const layers = Object.keys(m).filter((name) => /^weight_norm\/layer_\d+$/.test(name));
  const line = (metric, label, style) => ({ label, values: m[metric], style });
  return [
    { key: "cost", title: "Cost: data below, penalty above", stacked: 2, series: [
      line("cost/train_data", "data", "s0"), line("cost/penalty", "penalty", "s1"),
      has("cost/validation_data") && line("cost/validation_data", "data, validation", "s2 dash")] },
    { key: "norms", title: "Weight norms by layer", series: layers.map((name, i) => line(name, `layer ${name.split("_").pop()}`, `s${i % 4}${i % 2 ? " dash" : ""}`)) },
    { key: "accuracy", title: "Accuracy", linear: true, series: [line("accuracy/train", "training", "s0"), line("accuracy/validation", "validation", "s2 dash")] },
    { key: "edge", title: "Edge: η·curvature over its bound", reference: 1, series: [
      line("stability/edge", "of the cost", "s3"), line("stability/batch_edge", "of mini-batches", "s0 dash")] },
  ].map((chart) => ({ ...chart, epochs: m.epoch, overflow: trial.diverged_epoch, series: chart.series.filter((s) => s && s.values) }))
    .filter((chart) => chart.epochs && chart.series.length);
}

const CUT_FROM = 2;
const finite = (values) => values.filter((value) => typeof value === "number");
const totals = (chart) => chart.epochs.map((_, i) => chart.series.slice(0, chart.stacked).reduce((sum, s) => sum + (s.values[i] ?? 0), 0));

/** Whether the cost before training dwarfs all that follows: then it is left out of the frame, and that is said. */
const isCut = (chart) => {
  const [first, ...rest] = chart.stacked && chart.epochs[0] === 0 ? totals(chart) : [];
  return rest.length > 1 && first > CUT_FROM * Math.max(...rest);
};

/** All that a chart has to hold: {low, high, log}. */
function extent(given) {
  const cut = given.every((chart) => isCut(chart)); // then the first epoch may leave the frame
  const from = (values) => (cut ? values.slice(1) : values);
  const charts = given.map((chart) => ({ ...chart, epochs: from(chart.epochs), series: chart.series.map((s) => ({ ...s, values: from(s.values) })) }));
  const values = charts.flatMap((chart) => [...chart.series.flatMap((s) => finite(s.values)), ...(chart.stacked ? totals(chart) : []), ...(chart.reference ? [chart.reference] : [])]);
  const positive = values.filter((value) => value > 0);
  const main = charts.flatMap((chart) => (chart.stacked ? totals(chart) : chart.series.flatMap((s) => finite(s.values)))).filter((value) => value > 0);
  const log = !charts.some((chart) => chart.linear) && main.length > 0 && Math.max(...main) / Math.min(...main) > LOG_FROM;
  const high = Math.max(...values, log ? 0 : 1e-12);
  return log ? { log, cut: false, low: Math.max(Math.min(...positive), high / 1e12), high } : { log, cut, low: 0, high: high * 1.04 };
}

function chartFigure(chart, bounds) {
  const C = CHART, { log, low, high } = bounds, f = log ? Math.log10 : Number;
  const last = Math.max(...chart.epochs, chart.overflow ?? 0, 1), bottom = C.height - C.bottom;
  const sx = (epoch) => C.left + (C.width - C.left - C.right) * (epoch / last);
  const sy = (value) => bottom - (bottom - C.top) * ((f(Math.max(value, log ? low : value)) - f(low)) / (f(high) - f(low) || 1));
  const parts = [];
  if (chart.stacked && !log) parts.push(...areas(chart, sx, sy));
  const shown = chart.stacked && !log ? chart.series.slice(chart.stacked) : chart.series;
  for (const s of shown) parts.push(curve(chart.epochs, s.values, sx, sy, s.style));
  if (chart.reference && chart.reference <= high) parts.push(svg("line", { class: "reference", x1: C.left, x2: C.width - C.right, y1: sy(chart.reference), y2: sy(chart.reference) }));
  if (bounds.cut) parts.push(svg("text", { class: "aside", x: C.width - C.right - 2, y: C.top + 10, "text-anchor": "end" }, `↑ ${format(totals(chart)[0])} at epoch 0`));
  if (typeof chart.overflow === "number") parts.push(svg("g", { class: "overflow v-diverged" },
    svg("line", { x1: sx(chart.overflow), x2: sx(chart.overflow), y1: C.top, y2: bottom }),
    svg("text", { x: sx(chart.overflow) - 4, y: C.top + 10, "text-anchor": "end" }, "overflow")));
  const cursor = svg("line", { class: "cursor", y1: C.top, y2: bottom, visibility: "hidden" });
  const readout = el("span", { class: "readout", "aria-hidden": "true" });
  const drawing = svg("svg", { viewBox: `0 0 ${C.width} ${C.height}`, role: "img", "aria-label": summary(chart),
    onpointermove: (event) => read(event, chart, sx, last, cursor, readout), onpointerleave: () => { cursor.setAttribute("visibility", "hidden"); readout.textContent = ""; } },
  axis(C, ticks(low, high, log, 4), sy, last, sx), svg("svg", { x: C.left, y: C.top, width: C.width - C.left - C.right, height: bottom - C.top + 1, viewBox: `${C.left} ${C.top} ${C.width - C.left - C.right} ${bottom - C.top + 1}`, class: bounds.cut ? "clip" : "" }, parts), cursor);
  return el("figure", { class: "chart", "data-chart": chart.key },
    el("figcaption", null, el("b", null, chart.title), log && el("span", { class: "note" }, " log scale, lines")),
    el("p", { class: "keys" }, chart.series.map((s) => el("span", { class: `key ${s.style}` }, s.label)), chart.reference && el("span", { class: "key reference" }, "bound"), readout), drawing);
}

function axis(C, marks, sy, last, sx) {
  const bottom = C.height - C.bottom;
  return svg("g", { class: "axis" }, marks.map((t) => [
    svg("line", { class: "grid", x1: C.left, x2: C.width - C.right, y1: sy(t), y2: sy(t) }),
    svg("text", { x: C.left - 5, y: sy(t) + 3.5, "text-anchor": "end" }, tickText(t))]),
  ticks(0, last, false, Math.min(6, last)).filter(Number.isInteger).map((t) => svg("text", { x: sx(t), y: bottom + 14, "text-anchor": t === last ? "end" : "middle" }, t === 0 ? "epoch 0" : t)));
}

function areas(chart, sx, sy) {
  let below = chart.epochs.map(() => 0);
  return chart.series.slice(0, chart.stacked).flatMap((s) => {
    const above = below.map((value, i) => value + (s.values[i] ?? 0));
    const edge = (values) => values.map((value, i) => `${sx(chart.epochs[i]).toFixed(1)},${sy(value).toFixed(1)}`);
    const area = svg("path", { class: `area ${s.style}`, d: `M${[...edge(above), ...edge(below).reverse()].join("L")}z` });
    const top = curve(chart.epochs, above, sx, sy, s.style);
    below = above;
    return [area, top];
  });
}

function curve(epochs, values, sx, sy, style) {
  let d = "", pen = "M";
  values.forEach((value, i) => {
    if (typeof value !== "number") { pen = "M"; return; }
    d += `${pen}${sx(epochs[i]).toFixed(1)},${sy(value).toFixed(1)}`;
    pen = "L";
  });
  const single = finite(values).length === 1;
  return svg("path", { class: `line ${style}${single ? " dot" : ""}`, d: single ? d + "h0.01" : d });
}

function summary(chart) {
  const said = chart.series.map((s) => {
    const known = s.values.map((value, i) => [chart.epochs[i], value]).filter(([, value]) => typeof value === "number");
    if (!known.length) return `${s.label}: not measured`;
    const [first, final] = [known[0], known[known.length - 1]];
    return `${s.label} ${format(first[1])} at epoch ${first[0]}, ${format(final[1])} at epoch ${final[0]}`;
  });
  return `${chart.title}. ${said.join("; ")}${typeof chart.overflow === "number" ? `; the numbers overflowed in epoch ${chart.overflow}` : ""}${chart.reference ? `; its bound is ${chart.reference}` : ""}.`;
}

function read(event, chart, sx, last, cursor, readout) {
  const box = event.currentTarget.getBoundingClientRect(), at = ((event.clientX - box.x) / box.width) * CHART.width;
  const i = chart.epochs.reduce((best, epoch, k) => (Math.abs(sx(epoch) - at) < Math.abs(sx(chart.epochs[best]) - at) ? k : best), 0);
  cursor.setAttribute("x1", sx(chart.epochs[i]));
  cursor.setAttribute("x2", sx(chart.epochs[i]));
  cursor.setAttribute("visibility", "visible");
  readout.textContent = `epoch ${chart.epochs[i]}: ${chart.series.map((s) => format(s.values[i])).join(" · ")}`;
}

/** Every recorded number of a trial, a row per epoch: the text alternative of its charts. */
function epochTable(trial) {
  const names = Object.keys(trial.epochs).filter((name) => name !== "epoch");
  return el("table", null, el("caption", null, `Trial ${trial.id}, every epoch`),
    el("thead", null, el("tr", null, el("th", { scope: "col" }, "epoch"), names.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", null, (trial.epochs.epoch ?? []).map((epoch, i) => el("tr", null, el("th", { scope: "row" }, epoch), names.map((name) => el("td", null, format(trial.epochs[name][i])))))));
}
