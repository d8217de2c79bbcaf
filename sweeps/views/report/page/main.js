// The head of the page, the filter, and what keeps everything in step with the address.
function drawHead() {
  $("name").textContent = data.sweep.name;
  $("said").replaceChildren(...data.sweep.faults.map((sentence) => el("b", { class: "fault" }, sentence, " ")), ...data.sweep.said.map((sentence) => el("span", null, sentence, " ")),
    ...(data.as_of ? [el("b", null, `The sweep is ${data.sweep.state}: this is how far it is.`)] : []));
  if (data.as_of) {
    const { time, ended, of, running } = data.as_of;
    $("as-of").textContent = `As of ${time}: ${ended} of ${of} trainings${running ? `, ${running} running` : ""}`;
    $("as-of").hidden = false;
  }
  const best = byId.get(data.best);
  $("best").replaceChildren(...(best ? [
    el("p", { class: "kicker" }, "Best trial"),
    el("p", { class: "figure" }, el("b", null, format(data.front[0].means[objective.name])), ` ${said(objective.name)}`, data.sweep.replicates > 1 ? `, mean of ${data.sweep.replicates} starts` : ""),
    el("p", null, el("button", { type: "button", class: "chip", onclick: () => update({ trial: best.id }) }, `trial ${best.id}`), ` ${settingsText(best)}`),
    el("p", { class: "verdict" }, icon(best.verdict), verdictText(best),
      typeof best.values["accuracy/test"] === "number" ? ` · test accuracy ${percent(best.values["accuracy/test"])}` : ""),
    data.sweep.objectives.length > 1 && el("p", { class: "front" }, "Pareto front: ", data.front.map(({ id, means }) => [el("button", { type: "button", class: "chip", onclick: () => update({ trial: id }) }, `trial ${id}`),
      ` ${Object.entries(means).map(([name, value]) => `${said(name)} ${format(value)}`).join(", ")}; `]))].filter(Boolean).flat()
    : [el("p", { class: "kicker" }, "Best trial"), el("p", { class: "figure" }, "none"), el("p", null, "No trial has a sound result.")]));
  $("answers").replaceChildren(...data.answers.map((sentence) => el("li", null, ...withCode(sentence))));
  $("footer").replaceChildren(`Made ${data.sweep.made} from the runs in ${data.sweep.uri}. The sweep's own run is `, el("code", null, data.sweep.run_id), ", its experiment ",
    el("a", { href: data.sweep.experiment, target: "_blank", rel: "noopener" }, data.sweep.experiment),
    data.sweep.served ? "." : ` (once “sweeps ui --tracking-uri ${data.sweep.uri}” is running).`);
}

function drawVerdicts() {
  const present = data.verdicts.filter((verdict) => verdict.count);
  const kinds = (kind) => present.filter((verdict) => verdict.kind === kind).reduce((sum, verdict) => sum + verdict.count, 0);
  const running = trials.filter((trial) => trial.state === "running").length; // they have no verdict yet
  $("tally").replaceChildren(...[el("b", null, kinds("stable")), ` of ${trials.length - running} stable, `, el("b", null, kinds("unstable")), " unstable",
    kinds("neither") - running ? [", ", el("b", null, kinds("neither") - running), " neither"] : "", running ? [", ", el("b", null, running), " running"] : ""].flat());
  $("sides").textContent = `${data.sides}.`;
  $("bar").replaceChildren(...present.map((verdict) => el("span", { class: `v-${verdict.word}`, "data-word": verdict.word, style: `flex-grow:${verdict.count}`, onclick: () => toggle(verdict.word) })));
  const explain = (verdict) => { $("meaning").textContent = verdict ? `${said(verdict.word)}: ${verdict.meaning}` : ""; };
  $("legend").replaceChildren(...data.verdicts.map((verdict) => el("button", { type: "button", "data-word": verdict.word, disabled: !verdict.count,
    title: verdict.meaning, "aria-label": `${said(verdict.word)}, ${verdict.count} trials. ${verdict.meaning}`, onclick: () => toggle(verdict.word),
    onpointerenter: () => explain(verdict), onfocus: () => explain(verdict), onpointerleave: markVerdicts, onblur: markVerdicts },
  icon(verdict.word), said(verdict.word), el("b", null, verdict.count))),
  el("button", { type: "button", class: "all", id: "show-all", onclick: () => update({ show: [] }) }, "show all"));
  $("verdicts").append(el("details", { class: "glossary" }, el("summary", null, "What the verdicts mean"),
    el("dl", { class: "facts" }, data.verdicts.map((verdict) => [el("dt", null, icon(verdict.word), said(verdict.word)), el("dd", null, verdict.meaning)]))));
}

function toggle(word) {
  update({ show: state.show.includes(word) ? state.show.filter((one) => one !== word) : [...state.show, word] });
}

function markVerdicts() {
  for (const node of $("legend").querySelectorAll("[data-word]")) {
    node.setAttribute("aria-pressed", state.show.includes(node.dataset.word));
    node.classList.toggle("dim", state.show.length > 0 && !state.show.includes(node.dataset.word));
  }
  for (const node of $("bar").children) node.classList.toggle("dim", state.show.length > 0 && !state.show.includes(node.dataset.word));
  $("show-all").hidden = !state.show.length;
  $("meaning").textContent = state.show.length ? state.show.map((word) => `${said(word)}: ${verdicts.get(word).meaning}`).join(" ")
    : "Choose a verdict to see only its trials, here, on the map and in the table.";
}

for (const link of document.querySelectorAll("[data-jump]")) link.addEventListener("click", (event) => {
  event.preventDefault(); // the address keeps what is chosen, not where the page was scrolled to
  $(link.dataset.jump).scrollIntoView({ block: "start" });
});
$("same-scale").addEventListener("change", (event) => update({ same: event.target.checked ? "1" : "" }));
window.addEventListener("hashchange", () => update(readAddress(), false));
window.addEventListener("scroll", hideTip, { passive: true });
window.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });

Object.assign(state, readAddress());
subscribe(["x", "y", "layer"], drawMap);
subscribe(["layer"], () => { for (const node of $("layers").children) node.setAttribute("aria-pressed", String(node.dataset.layer === state.layer)); });
subscribe(["trial", "pair", "show"], markMap);
subscribe(["trial", "pair"], drawTrial);
subscribe(["pair", "same"], drawPair);
subscribe(["sort"], drawTable);
subscribe(["trial", "show"], markTable);
subscribe(["show"], markVerdicts);
colourVerdicts();
drawHead();
drawVerdicts();
markVerdicts();
drawLayers();
if (trials.length) drawMap();
else $("panels").replaceChildren(el("p", { class: "note" }, "No trial has ended yet."));
drawTrial();
drawPair();
drawTable();
drawImportance();
drawNext();
keepFresh();
document.documentElement.dataset.ready = "true";
