// The chosen trial, and two trials side by side.
function pick(now, label, choose) {
  const sorted = [...trials].sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }));
  return el("select", { "aria-label": label, onchange: (event) => choose(event.target.value) },
    sorted.map((trial) => el("option", { value: trial.id, selected: trial.id === now }, `${trial.id} · ${said(trial.verdict)}`)));
}

const timesBest = data.columns.find(([name]) => name === "times_best")?.[1];

function verdictHead(trial) {
  return [
    el("p", { class: "verdict" }, icon(trial.verdict), el("b", null, verdictText(trial)),
      trial.id === data.best && el("span", { class: "badge" }, "best of the sweep"),
      trial.id !== data.best && typeof trial.values.times_best === "number" && el("span", { class: "behind" }, ` ${format(trial.values.times_best)} ${timesBest}`)),
    el("p", { class: "sentence" }, trial.sentence || verdicts.get(trial.verdict)?.meaning || ""),
  ];
}

function facts(trial) {
  const rows = [["settings", Object.entries(trial.settings).map(([name, value]) => `${fieldName(name)} ${format(value)}`).join(" · ")
    + (typeof trial.values.eta_lambda_over_n === "number" ? ` · η·λ/n ${format(trial.values.eta_lambda_over_n)}` : "")]];
  rows.push(["rule", trial.rule ?? "not known: this version of the rules would give another verdict (sweeps show --reassess)"]);
  if (trial.numbers?.length) rows.push(["numbers", trial.numbers.map(([name, value]) => `${said(name)} ${format(value)}`).join(" · ")]);
  if (trial.seen !== undefined) rows.push(["seen", `at epoch ${trial.seen}` + (trial.diverged_epoch === null ? "" : `; the numbers overflowed in epoch ${trial.diverged_epoch}`)]);
  return el("dl", { class: "facts" }, rows.map(([term, text]) => [el("dt", null, term), el("dd", null, text)]),
    el("dt", null, "run"), el("dd", null, el("code", null, trial.run_id), " ",
      el("a", { href: trial.link, target: "_blank", rel: "noopener" }, "open in MLflow")));
}

function chartSet(trial, others = [trial]) {
  const mine = chartsOf(trial);
  if (!mine.length) return el("p", { class: "note" }, "No epoch of this trial was recorded.");
  const all = others.flatMap(chartsOf);
  return el("div", { class: "charts" }, mine.map((chart) => chartFigure(chart, extent(all.filter((other) => other.key === chart.key)))));
}

const numbersOf = (trial) => el("details", null, el("summary", null, "Every number of every epoch"),
  el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Numbers of trial ${trial.id}` }, epochTable(trial)));

function drawTrial() {
  const trial = byId.get(state.trial);
  if (!trial) return $("trial-body").replaceChildren(el("p", { class: "note" }, "This sweep has no trial yet."));
  $("trial-title").textContent = `Trial ${trial.id}`;
  $("trial-pick").replaceChildren(pick(trial.id, "Choose a trial", (id) => update({ trial: id })));
  const other = trial.id === state.pair[0] ? null : el("button", { type: "button", onclick: () => {
    update({ pair: [state.pair[0], trial.id] });
    $("pair").scrollIntoView({ block: "start" });
  } }, `Set beside trial ${state.pair[0]}`);
  $("trial-body").replaceChildren(...verdictHead(trial), facts(trial), chartSet(trial), numbersOf(trial), ...(other ? [other] : []));
}

function drawPair() {
  const pair = state.pair.map((id) => byId.get(id));
  if (trials.length < 2 || pair.some((trial) => !trial)) {
    $("pair-note").textContent = "It takes two trials to compare.";
    return;
  }
  $("same-scale").checked = state.same === "1";
  const standard = state.pair.join() === DEFAULTS.pair.join() && data.instructive !== null && data.best !== null;
  $("pair-note").textContent = (standard ? "The best trial, and of those that went wrong the one whose settings are nearest to it. " : "") + firstDifference(...pair);
  $("pair-body").replaceChildren(...pair.map((trial, i) => el("article", { "aria-label": `Trial ${trial.id}` },
    el("div", { class: "section-head" }, el("h3", null, el("span", { class: "letter" }, "AB"[i]), ` Trial ${trial.id}`),
      pick(trial.id, `Trial ${"AB"[i]}`, (id) => update({ pair: state.pair.map((old, k) => (k === i ? id : old)) }))),
    ...verdictHead(trial), chartSet(trial, state.same === "1" ? pair : [trial]))));
  $("pair-table").replaceChildren(el("details", null, el("summary", null, "Settings and results side by side"), el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Two trials side by side" }, differences(...pair))));
}

/** Where training parts two trials, and in what most: the rule of `divergence` and `sentences` in results/comparison.py. */
function firstDifference(a, b) {
  if (a === b) return "These are the same trial.";
  const { notable, in_full, defined_by } = data.comparison;
  const others = b.epochs.epoch ?? [];
  const shared = (a.epochs.epoch ?? []).flatMap((epoch, i) => (others.includes(epoch) ? [{ epoch, i, k: others.indexOf(epoch) }] : []));
  const found = Object.keys(a.epochs).filter((name) => name !== "epoch" && b.epochs[name]).flatMap((name) => {
    const [one, other] = [a.epochs[name], b.epochs[name]];
    const at = shared.find(({ epoch, i, k }) => epoch > 0 && apart(name, one[i], other[k]) >= notable); // before training they differ in the settings alone
    return at ? [{ name, epoch: at.epoch, one: one[at.i], other: other[at.k], apart: apart(name, one[at.i], other[at.k]) }] : [];
  });
  const epoch = Math.min(...found.map((difference) => difference.epoch)), first = found.filter((difference) => difference.epoch === epoch);
  const defined = new Set(Object.keys(defined_by).filter((name) => a.settings[name] !== b.settings[name]).flatMap((name) => defined_by[name]));
  const telling = first.filter((difference) => !defined.has(difference.name)); // the others contain what was changed
  const [most] = (telling.length ? telling : first).sort((one, other) => other.apart - one.apart);
  const among = in_full ? "" : " Only the metrics in this page are compared; sweeps compare has all.";
  if (most) return `Once trained they first differ at epoch ${epoch}, most in ${most.name}: ${format(most.one)} against ${format(most.other)}.${among}`;
  const short = (a.epochs.epoch ?? []).length <= others.length ? a : b;
  return shared.length <= 1 ? `Trial ${short.id} has no finite record after the start, so no epoch of training can be compared.`
    : `No metric differs by ${format(100 * notable)} % or more at any epoch of training that both have.${among}`;
}

function apart(name, one, other) {
  if (typeof one !== "number" || typeof other !== "number") return 0;
  const scale = data.comparison.shares.includes(name) ? 1 : Math.max(Math.abs(one), Math.abs(other));
  return Math.abs(one - other) / (scale || 1);
}

function differences(a, b) {
  const rows = [...Object.keys(a.settings).map((name) => [fieldName(name), a.settings[name], b.settings[name]]),
    ...data.columns.map(([name, label]) => [label, a.values[name], b.values[name]])];
  return el("table", null, el("thead", null, el("tr", null, ["", `A: trial ${a.id}`, `B: trial ${b.id}`, "B / A"].map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", null, rows.map(([label, one, other]) => el("tr", { class: one === other ? "" : "differs" }, el("th", { scope: "row" }, label), el("td", null, format(one)), el("td", null, format(other)),
      el("td", null, typeof one === "number" && typeof other === "number" && one !== 0 && one !== other ? `× ${format(other / one)}` : "")))));
}
