// Data, state and the few helpers that everything else uses. All text enters the page as text, never as HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const trials = data.trials;
const byId = new Map(trials.map((trial) => [trial.id, trial]));
const verdicts = new Map(data.verdicts.map((verdict) => [verdict.word, verdict]));
const varied = data.fields.filter((field) => field.varied);
const objective = data.sweep.objectives[0];
const GREEK = { eta: "η", lambda: "λ", batch_size: "batch size", "eta_lambda_over_n": "η·λ/n" };

const $ = (id) => document.getElementById(id);
const said = (word) => word.replaceAll("_", " ");
const fieldName = (name) => GREEK[name] ?? said(name);

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}
const el = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

/** A sentence with its commands, which stand between backticks, set as code. */
const withCode = (sentence) => sentence.split("`").map((part, place) => (place % 2 ? el("code", null, part) : part));

/** The verdicts' colours in both themes, as --c of whatever has a verdict's class. */
function colourVerdicts() {
  const rules = (key) => data.verdicts.map((verdict) => `.v-${CSS.escape(verdict.word)} { --c: ${verdict[key]}; }`).join("\n");
  document.head.append(el("style", null, `${rules("colour")}\n@media (prefers-color-scheme: dark) {\n${rules("dark_colour")}\n}`));
}

/** A number to four digits, as `number` of formatting.py writes it; a dash for what was not measured. */
function format(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e7) return value.toLocaleString("en-US");
  if (size >= 1e3 && size < 1e7) return Number(value.toPrecision(4)).toLocaleString("en-US", { maximumFractionDigits: 0 });
  const [digits, power] = value.toExponential(3).split("e");
  if (Number(power) >= -4 && Number(power) < 4) return String(Number(value.toPrecision(4)));
  return `${Number(digits)}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}
const percent = (share) => (share * 100).toFixed(share < 0.0995 ? 1 : 0) + " %";

/** The outline of a verdict's mark around (0, 0). */
function outline(word, r = 5) {
  const paths = {
    circle: `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0z`,
    square: `M${-r * 0.85},${-r * 0.85}h${r * 1.7}v${r * 1.7}h${-r * 1.7}z`,
    diamond: `M0,${-r * 1.25}L${r * 1.1},0L0,${r * 1.25}L${-r * 1.1},0z`,
    up: `M0,${-r * 1.15}L${r * 1.1},${r * 0.85}H${-r * 1.1}z`,
    down: `M0,${r * 1.15}L${r * 1.1},${-r * 0.85}H${-r * 1.1}z`,
    cross: `M${-r * 0.85},${-r * 0.85}L${r * 0.85},${r * 0.85}M${-r * 0.85},${r * 0.85}L${r * 0.85},${-r * 0.85}`,
    plus: `M${-r},0H${r}M0,${-r}V${r}`,
    bar: `M${-r},0H${r}`,
  };
  return paths[verdicts.get(word).shape];
}
const mark = (word, r) => svg("path", { d: outline(word, r), class: `mark v-${word} ${verdicts.get(word).fill}` });
const icon = (word) =>
  svg("svg", { class: "icon", viewBox: "-8 -8 16 16", width: 16, height: 16, "aria-hidden": "true" }, mark(word, 5.5));

function settingsText(trial) {
  return Object.entries(trial.settings).filter(([name]) => data.fields.find((field) => field.name === name).varied)
    .map(([name, value]) => `${fieldName(name)} ${format(value)}`).join(", ");
}
const objectiveText = (trial) => {
  const value = trial.values["final." + objective.metric];
  return value === null || value === undefined ? "no result" : `${said(objective.name)} ${format(value)}`;
};
const verdictText = (trial) => said(trial.verdict) + (trial.cause ? ` (${said(trial.cause)})` : "");

// What the address keeps. Subscribers are told which keys changed.
const DEFAULTS = {
  trial: data.best ?? trials[0]?.id ?? "", pair: [data.best ?? trials[0]?.id ?? "", data.instructive ?? trials[1]?.id ?? ""],
  show: [], layer: "verdict", sort: "", x: "", y: "", same: "",
};
const state = { ...DEFAULTS };
const subscribers = [];
const subscribe = (keys, action) => subscribers.push([keys, action]);

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const read = { ...DEFAULTS };
  for (const key of Object.keys(DEFAULTS)) {
    if (!given.has(key)) continue;
    read[key] = Array.isArray(DEFAULTS[key]) ? given.get(key).split(",").filter(Boolean) : given.get(key);
  }
  if (!byId.has(read.trial)) read.trial = DEFAULTS.trial;
  if (read.pair.length !== 2 || !read.pair.every((id) => byId.has(id))) read.pair = DEFAULTS.pair;
  read.show = read.show.filter((word) => verdicts.has(word));
  if (!(read.layer in LAYERS)) read.layer = "verdict";
  return read;
}

function writeAddress() {
  const kept = Object.keys(DEFAULTS).filter((key) => String(state[key]) !== String(DEFAULTS[key]));
  const text = kept.map((key) => `${key}=${String(state[key]).split(",").map(encodeURIComponent).join(",")}`).join("&");
  try {
    history.replaceState(null, "", "#" + text);
  } catch {
    location.hash = text; // a frame that may not touch its history
  }
}

function update(changes, write = true) {
  const changed = Object.keys(changes).filter((key) => String(state[key]) !== String(changes[key]));
  Object.assign(state, changes);
  if (write && changed.length) writeAddress();
  for (const [keys, action] of subscribers) if (keys.some((key) => changed.includes(key))) action();
}

const isShown = (trial) => !state.show.length || state.show.includes(trial.verdict);

/** Ticks for a range: decades on a log scale, round steps on another. */
function ticks(low, high, log, wanted = 5) {
  if (log) {
    const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
    if (last - first >= 1) {
      const step = Math.ceil((last - first + 1) / (wanted + 2));
      return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i)).filter((_, i) => i % step === 0);
    }
    const found = [];
    for (let e = first - 1; e <= last + 1; e++) for (const m of [1, 2, 5]) found.push(m * 10 ** e);
    return found.filter((value) => value >= low * 0.999 && value <= high * 1.001);
  }
  const rough = (high - low) / wanted || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((m) => m * power >= rough) * power;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}
function tickText(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) {
    const [m, e] = value.toExponential().split("e");
    const power = String(Number(e)).replace(/[-\d]/g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
    return (Number(m) === 1 ? "" : Number(Number(m).toPrecision(2)) + "·") + "10" + power;
  }
  return value.toLocaleString("en-US", { maximumFractionDigits: 4 });
}
