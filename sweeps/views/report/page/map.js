// The stability map: a panel for each value of the facet, every trial a point.
const LAYERS = {
  verdict: { label: "verdict" },
  cost: { label: "data cost", metric: "final.cost/validation_data", said: "validation data cost", log: true, low: true },
  accuracy: { label: "accuracy", metric: "final.accuracy/validation", said: "validation accuracy" },
};
const PANEL = { width: 340, height: 262, left: 46, right: 10, top: 18, bottom: 34 };
const isNumeric = (field) => field.low !== undefined || field.choices.every((value) => typeof value === "number");
const numeric = varied.filter((field) => isNumeric(field) && (field.low !== undefined || field.choices.length > 2 || field.name === "eta" || field.name === "lambda"));
const OUTCOME = { name: "outcome" };

function axesOf() {
  const named = (name) => numeric.find((field) => field.name === name);
  const x = named(state.x) ?? named("eta") ?? numeric[0] ?? data.fields.find(isNumeric);
  const others = numeric.filter((field) => field !== x);
  const y = others.find((field) => field.name === state.y) ?? others.find((field) => field.name === "lambda") ??
    others.find((field) => field.name !== "batch_size") ?? (numeric.length > 2 ? others[0] : OUTCOME);
  const facets = varied.filter((field) => field !== x && field !== y && field.choices && field.choices.length <= 9);
  return { x, y, facet: facets.find((field) => field.name === "batch_size") ?? facets[0] ?? null };
}

const valueOn = (trial, field) => (field === OUTCOME ? trial.values["final." + objective.metric] : trial.settings[field.name]);

/** A scale from values to pixels. Zero and less have a lane of their own below a log scale. */
function scaleOf(field, from, to) {
  const values = trials.map((trial) => valueOn(trial, field)).filter((value) => typeof value === "number");
  const ends = field.low !== undefined ? [field.low, field.high] : (field.choices ?? []).filter(Number.isFinite);
  const all = [...values, ...ends], positive = all.filter((value) => value > 0);
  let low = Math.min(...(positive.length ? positive : all)), high = Math.max(...all);
  const log = field.log ?? (positive.length > 0 && Math.min(...all) >= 0 && high / low > 20);
  if (!log) low = Math.min(...all);
  if (!(high > low)) [low, high] = log ? [low / 2, high * 2] : [low - 1, high + 1];
  const lane = log && all.some((value) => value <= 0) ? 0.1 : 0;
  const f = log ? Math.log10 : Number, pad = 0.035 * (f(high) - f(low));
  const start = f(low) - pad, span = f(high) - f(low) + 2 * pad;
  const at = (value) => {
    const share = log && value <= 0 ? lane / 2 : lane + (1 - lane) * ((f(value) - start) / span);
    return from + (to - from) * share;
  };
  return { at, log, lane, low, high, ticks: [...(lane ? [0] : []), ...ticks(low, high, log)] };
}

function drawMap() {
  const { x, y, facet } = axesOf();
  const P = PANEL;
  const sx = scaleOf(x, P.left, P.width - P.right), sy = scaleOf(y, P.height - P.bottom, P.top);
  const map = mapFor(x, y, facet);
  const groups = map ? map.panels.map((part) => [part.value, trials.filter((t) => belongs(t, part)), part]) : facet ? facet.choices.map((value) => [value, trials.filter((t) => t.settings[facet.name] === value)]) : [[null, trials]];
  $("panels").replaceChildren(...groups.map(([value, members, part]) => panel(value, members, { x, y, facet, sx, sy, part })));
  $("panels").classList.toggle("single", groups.length === 1);
  drawKey(x, y, map);
  drawMapText(x, y, facet, groups);
  markMap();
}

function panel(value, members, axes) {
  const { x, y, facet, sx, sy } = axes, P = PANEL;
  const inside = members.filter((trial) => typeof valueOn(trial, x) === "number" && typeof valueOn(trial, y) === "number");
  const stable = members.filter((trial) => verdicts.get(trial.verdict)?.kind === "stable").length;
  const part = axes.part;
  const title = part?.low != null ? `${fieldName(data.map.third)} ${format(part.low)} to ${format(part.high)}` : facet ? `${fieldName(facet.name)} ${format(value)}` : "all trials";
  const label = (field) => (field === OUTCOME ? said(objective.name) : fieldName(field.name));
  const frame = svg("g", { class: "axis", "aria-hidden": "true" },
    svg("rect", { x: P.left, y: P.top, width: P.width - P.left - P.right, height: P.height - P.top - P.bottom, class: "frame" }),
    sx.ticks.map((t) => [
      svg("line", { x1: sx.at(t), x2: sx.at(t), y1: P.top, y2: P.height - P.bottom, class: "grid" }),
      svg("text", { x: sx.at(t), y: P.height - P.bottom + 13, "text-anchor": "middle" }, tickText(t))]),
    sy.ticks.map((t) => [
      svg("line", { x1: P.left, x2: P.width - P.right, y1: sy.at(t), y2: sy.at(t), class: "grid" }),
      svg("text", { x: P.left - 5, y: sy.at(t) + 3.5, "text-anchor": "end" }, tickText(t))]),
    svg("text", { x: P.width - P.right, y: P.height - 5, "text-anchor": "end", class: "name" }, label(x) + " →"),
    svg("text", { x: P.left, y: P.top - 6, class: "name" }, "↑ " + label(y)));
  const ordered = [...inside].sort((a, b) => valueOn(a, x) - valueOn(b, x));
  return el("figure", { class: "panel" },
    el("figcaption", null, el("b", null, title), ` ${stable} of ${members.length} stable`),
    svg("svg", { viewBox: `0 0 ${P.width} ${P.height}`, role: "group", "aria-label":
      `${title}: ${members.length} trials by ${label(x)} and ${label(y)}, ${stable} stable. Arrow keys go from point to point, Enter chooses.`,
      onkeydown: steer },
    frame, field(axes), theory(axes), svg("g", { class: "points" }, ordered.map((trial, i) => point(trial, axes, i === 0)))));
}

/** The estimated map, where it is of these axes and panels: see sweeps/analysis/stability_map.py. */
function mapFor(x, y, facet) {
  const map = data.map;
  if (!map || x.name !== "eta" || y.name !== "lambda" || (facet && facet.name !== map.third)) return null;
  return facet || !map.third || map.panels.every((part) => part.low !== null) ? map : null;
}
function belongs(trial, part) {
  if (!data.map.third) return true;
  const value = trial.settings[data.map.third], last = data.map.panels[data.map.panels.length - 1];
  return part.low === null ? value === part.value : value >= part.low && (value < part.high || (part === last && value <= part.high));
}

/** P(stable) as a tint, and its contours: the measured border and the band in which it is not certain. */
function field({ sx, sy, part }) {
  if (!part || !data.map.two_sided) return null;
  const P = PANEL, [gx, gy] = data.map.grid, tints = new Map();
  const ends = (grid, scale) => grid.map((value, i) => (scale.at(value) + scale.at(grid[Math.max(0, i - 1)])) / 2).concat(scale.at(grid[grid.length - 1]));
  const xs = ends(gx, sx), ys = ends(gy, sy);
  part.probability.forEach((row, j) => {
    for (let i = 0, start = 0; i < row.length; i++) {
      const level = Math.round(row[i] / 10);
      if (i + 1 < row.length && Math.round(row[i + 1] / 10) === level) continue;
      const run = `M${xs[start].toFixed(1)},${ys[j].toFixed(1)}H${xs[i + 1].toFixed(1)}V${ys[j + 1].toFixed(1)}H${xs[start].toFixed(1)}z`;
      if (level > 0) tints.set(level, (tints.get(level) ?? "") + run);
      start = i + 1;
    }
  });
  return framed([[...tints].map(([level, d]) => svg("path", { d, class: "tint v-converged", style: `opacity:${(level * 0.024).toFixed(3)}` })),
    part.contours.map(([level, paths]) => svg("path", { class: level === 0.5 ? "contour" : "contour band", d: paths.map((path) => polyline(path, sx, sy)).join("") })),
    part.curvature.map(([, paths]) => svg("path", { class: "curvature", d: paths.map((path) => polyline(path, sx, sy)).join("") }))]);
}
const polyline = (path, sx, sy) => "M" + path.map(([u, v]) => `${sx.at(u).toFixed(1)},${sy.at(v).toFixed(1)}`).join("L");
function framed(children) {
  const P = PANEL, width = P.width - P.left - P.right, height = P.height - P.top - P.bottom;
  return svg("svg", { x: P.left, y: P.top, width, height, viewBox: `${P.left} ${P.top} ${width} ${height}`, class: "clip", "aria-hidden": "true" }, children);
}

function theory({ x, y, sx, sy, part }) {
  if (x.name !== "eta" || y.name !== "lambda" || !sx.log || !sy.log) return null;
  const P = PANEL;
  return svg("g", { class: "theory", "aria-hidden": "true" }, shownLines(part && data.map.two_sided).map((line) => {
    const [xa, xb] = [Math.max(sx.low, line.product / sy.high), Math.min(sx.high, line.product / sy.low)];
    if (!(xb > xa)) return null;
    const [x1, y1, x2, y2] = [sx.at(xa), sy.at(line.product / xa), sx.at(xb), sy.at(line.product / xb)];
    const angle = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI, at = line.kind === "decay" ? 0.04 : 0.96, above = line.kind !== "decay";
    const label = line.kind === "measured" ? `${line.label}, measured` : line.label;
    const [tx, ty] = [x1 + (x2 - x1) * at, y1 + (y2 - y1) * at];
    const long = Math.hypot(x2 - x1, y2 - y1) > 90;
    return svg("g", null, svg("line", { x1, y1, x2, y2, class: line.kind }),
      long && svg("text", { x: tx, y: ty, dy: above ? -4 : 11, "text-anchor": line.kind === "decay" ? "start" : "end",
        transform: `rotate(${angle} ${tx} ${ty})` }, label));
  }));
}

const shownLines = (mapped) => data.theory.filter((line) => !(mapped && line.kind === "measured"));

const MARK = trials.length > 1500 ? 2.2 : trials.length > 400 ? 3.2 : 4.6; // of thousands, each is still seen

function point(trial, { x, y, sx, sy }, first) {
  return svg("g", { class: "point", "data-id": trial.id, role: "button", tabindex: first ? 0 : -1,
    transform: `translate(${sx.at(valueOn(trial, x)).toFixed(2)} ${sy.at(valueOn(trial, y)).toFixed(2)})`,
    "aria-label": `Trial ${trial.id}: ${verdictText(trial)}; ${settingsText(trial)}; ${objectiveText(trial)}`,
    onclick: () => update({ trial: trial.id }), onpointerenter: (event) => showTip(event.currentTarget, trial),
    onpointerleave: hideTip, onfocus: (event) => showTip(event.currentTarget, trial), onblur: hideTip },
  svg("circle", { r: 2 * MARK, class: "hit" }), svg("circle", { r: 9.5, class: "ring" }), mark(trial.verdict, MARK),
  trial.id === data.best && svg("text", { y: -10, "text-anchor": "middle", class: "flag" }, "best"));
}

/** Arrow keys: to the nearest shown point in that direction. */
function steer(event) {
  const here = event.target.closest(".point");
  if (!here) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    update({ trial: here.dataset.id });
    return;
  }
  const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!way) return;
  event.preventDefault();
  const place = (node) => node.getAttribute("transform").match(/-?[\d.]+/g).map(Number), [hx, hy] = place(here);
  const cost = (node) => {
    const [px, py] = place(node), ahead = (px - hx) * way[0] + (py - hy) * way[1];
    const aside = Math.abs((px - hx) * way[1]) + Math.abs((py - hy) * way[0]);
    return ahead > 0.01 ? ahead + 2 * aside : Infinity;
  };
  const next = [...event.currentTarget.querySelectorAll(".point:not(.off)")].filter((node) => node !== here)
    .reduce((best, node) => (cost(node) < (best ? cost(best) : Infinity) ? node : best), null);
  if (!next) return;
  here.setAttribute("tabindex", -1);
  next.setAttribute("tabindex", 0);
  next.focus();
}

function layerScale() {
  const layer = LAYERS[state.layer];
  const values = trials.filter((trial) => trial.verdict !== "diverged").map((trial) => trial.values[layer.metric])
    .filter((value) => typeof value === "number" && (!layer.log || value > 0));
  const [low, high] = [Math.min(...values), Math.max(...values)], f = layer.log ? Math.log : Number;
  const share = (value) => (high > low ? Math.min(1, Math.max(0, (f(value) - f(low)) / (f(high) - f(low)))) : 0.5);
  return { low, high, any: values.length > 0, good: (value) => (layer.low ? 1 - share(value) : share(value)) };
}
const ramp = (t) => t < 0.5 ? `color-mix(in oklab, var(--r1) ${Math.round(t * 200)}%, var(--r0))`
  : `color-mix(in oklab, var(--r2) ${Math.round((t - 0.5) * 200)}%, var(--r1))`;

/** Selection, filter and layer, on the points that are there. */
function markMap() {
  const layer = LAYERS[state.layer], scale = layer.metric ? layerScale() : null;
  for (const node of $("panels").querySelectorAll(".point")) {
    const trial = byId.get(node.dataset.id), chosen = trial.id === state.trial;
    node.classList.toggle("off", !isShown(trial));
    node.classList.toggle("chosen", chosen);
    node.classList.toggle("a", trial.id === state.pair[0]);
    node.classList.toggle("b", trial.id === state.pair[1]);
    node.setAttribute("aria-pressed", chosen);
    const value = layer.metric ? trial.values[layer.metric] : null;
    const shown = typeof value === "number" && trial.verdict !== "diverged";
    node.querySelector(".mark").style.setProperty("--c", !scale ? "" : shown ? ramp(scale.good(value)) : "var(--muted)");
    if (chosen) node.parentNode.append(node);
  }
}

function drawKey(x, y, map) {
  const layer = LAYERS[state.layer], scale = layer.metric ? layerScale() : null, parts = [];
  if (scale?.any) {
    const ends = layer.low ? [scale.high, scale.low] : [scale.low, scale.high];
    parts.push(el("span", { class: "ramp-key" }, `${layer.said} `, format(ends[0]), el("span", { class: "ramp", "aria-hidden": "true" }),
      format(ends[1]), layer.log ? " (log; better to the right; diverged trials are grey)" : ""));
  } else if (!scale) {
    const used = data.verdicts.filter((verdict) => verdict.count);
    parts.push(el("span", { class: "shape-key" }, used.map((verdict) => el("span", null, icon(verdict.word), said(verdict.word)))));
  }
  if (x.name === "eta" && y.name === "lambda") for (const line of shownLines(map?.two_sided)) parts.push(el("span", null,
    svg("svg", { width: 22, height: 8, class: "theory", "aria-hidden": "true" }, svg("line", { x1: 0, x2: 22, y1: 4, y2: 4, class: line.kind })),
    ` ${line.label}: ${line.meaning}`));
  const sample = (name) => svg("svg", { width: 22, height: 8, "aria-hidden": "true" }, svg("path", { d: "M0,4H22", class: name }));
  if (map?.two_sided) {
    parts.push(el("span", null, sample("contour"), " measured border: as likely stable as not"), el("span", null, sample("contour band"), " 90 % and 10 % stable: between them the border is uncertain; tinted where stable"));
    if (map.panels.some((part) => part.curvature.length)) parts.push(el("span", null, sample("curvature"), " η·(h + λ/n) at its bound, h the curvature measured in stable trials"));
  }
  $("map-key").replaceChildren(...parts);
  $("axes").replaceChildren(...(numeric.length > 2 ? [axisPick("x", x), axisPick("y", y)] : []));
}

const axisPick = (key, now) => el("label", null, `${key === "x" ? "across" : "up"} `,
  el("select", { onchange: (event) => update({ [key]: event.target.value }) },
    numeric.map((field) => el("option", { value: field.name, selected: field === now }, fieldName(field.name)))));

function drawMapText(x, y, facet, groups) {
  const words = data.verdicts.filter((verdict) => verdict.count).map((verdict) => verdict.word);
  const half = (field, members) => {
    const good = members.filter((t) => verdicts.get(t.verdict)?.kind === "stable").map((t) => valueOn(t, field)).filter((v) => typeof v === "number");
    return good.length ? `${format(Math.min(...good))} to ${format(Math.max(...good))}` : "–";
  };
  const fields = [x, y].filter((axis) => axis !== OUTCOME);
  $("map-text").replaceChildren(el("table", null,
    el("thead", null, el("tr", null, el("th", { scope: "col" }, facet ? fieldName(facet.name) : ""), words.map((word) => el("th", { scope: "col" }, said(word))),
      fields.map((axis) => el("th", { scope: "col" }, `stable ${fieldName(axis.name)}`)))),
    el("tbody", null, groups.map(([value, members]) => el("tr", null, el("th", { scope: "row" }, facet ? format(value) : "all"),
      words.map((word) => el("td", null, members.filter((trial) => trial.verdict === word).length)),
      fields.map((axis) => el("td", null, half(axis, members))))))));
}

function drawLayers() {
  $("layers").replaceChildren(...Object.entries(LAYERS).map(([key, layer]) => el("button", { type: "button",
    "aria-pressed": String(state.layer === key), "data-layer": key, onclick: () => update({ layer: key }) }, layer.label)));
}

function showTip(node, trial) {
  const tip = $("tip"), box = node.getBoundingClientRect();
  tip.replaceChildren(el("b", null, `Trial ${trial.id} · ${verdictText(trial)}`), el("br"), settingsText(trial), el("br"), objectiveText(trial));
  tip.hidden = false;
  const left = Math.min(window.innerWidth - tip.offsetWidth - 8, Math.max(8, box.x + box.width / 2 - tip.offsetWidth / 2));
  const top = box.y - tip.offsetHeight - 6;
  tip.style.left = `${left}px`;
  tip.style.top = `${top > 4 ? top : box.bottom + 6}px`;
}
const hideTip = () => { $("tip").hidden = true; };
