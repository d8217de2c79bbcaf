// Importance of the parameters, and what to try next.
const code = (text) => el("pre", { tabindex: 0 }, el("code", null, text));

function drawImportance() {
  const { shares, missing } = data.importance;
  const bars = missing ? [el("p", { class: "note" }, `Importances are left out: ${missing}.`)] : Object.entries(shares).map(([goal, parts]) => el("table", { class: "bars" },
    el("caption", null, goal === "stable" ? "What decides whether training is stable: shares in the variance of P(stable), over the whole range that was searched"
      : `Share of each field in the variance of ${said(goal)} (fANOVA, over the whole range that was searched)`),
    el("tbody", null, Object.entries(goal === "stable" ? parts : { ...parts, "fields together": 1 - Object.values(parts).reduce((sum, share) => sum + share, 0) }).map(([name, share]) => el("tr", null, el("th", { scope: "row" }, name.split(" & ").map(fieldName).join(" with ")),
      el("td", { class: "track", "aria-hidden": "true" }, el("span", { style: `width:${(share * 100).toFixed(1)}%` })), el("td", null, percent(share)))))));
  const plots = ["plot_param_importances", "plot_contour", "plot_slice", "plot_parallel_coordinate", "plot_optimization_history"];
  const store = data.sweep.uri ? `, ${JSON.stringify(data.sweep.uri)}` : "";
  const hint = el("details", null, el("summary", null, "Optuna's own plots"), el("p", { class: "note" }, "They need plotly (pip install plotly). Any of ", plots.slice(1).join(", "), " in place of the first:"),
    code(`import optuna, sweeps\nstudy = sweeps.load(${JSON.stringify(data.sweep.name)}${store}).study()\noptuna.visualization.${plots[0]}(study).show()`));
  $("importance-body").replaceChildren(...bars, hint);
}

function drawNext() {
  if (!data.advice.length) return $("next-body").replaceChildren(el("p", { class: "note" }, "These trials suggest nothing: there are too few, or all is well."));
  const items = data.advice.map((advice) => el("li", null, el("p", null, advice.text),
    el("p", { class: "evidence" }, advice.numbers.map(([name, value]) => el("span", null, `${fieldName(name)} `, el("b", null, format(value)))), chips(advice.trials))));
  $("next-body").replaceChildren(el("ol", null, items), ...changed());
}

function chips(ids) {
  const few = ids.slice(0, 6);
  return [few.length > 0 && el("span", null, ids.length === 1 ? "trial " : "trials ", few.map((id) => [el("button", { type: "button", class: "chip", onclick: () => {
    update({ trial: id });
    $("trial").scrollIntoView({ block: "nearest" });
  } }, id), " "]), ids.length > few.length && `and ${ids.length - few.length} more`)];
}

/** The sweep that follows from all of it, complete. */
function changed() {
  return data.next_spec ? [el("p", { class: "note" }, "Together, as the spec of the next sweep (", el("code", null, `sweeps next ${data.sweep.name}`), " prints it):"), code(data.next_spec)] : [];
}
