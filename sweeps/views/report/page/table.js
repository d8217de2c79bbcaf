// All trials: sortable, filtered as the map is.
const COLUMNS = [
  { key: "id", label: "trial", of: (trial) => trial.id },
  { key: "verdict", label: "verdict", of: (trial) => trial.verdict },
  ...data.fields.filter((field) => field.varied).map((field) => ({ key: field.name, label: fieldName(field.name), of: (trial) => trial.settings[field.name] })),
  ...data.columns.map(([name, label]) => ({ key: name, label, of: (trial) => trial.values[name] })),
];

function sorted() {
  const falling = state.sort.startsWith("-"), column = COLUMNS.find((one) => one.key === state.sort.replace(/^-/, ""));
  if (!column) return trials;
  const missing = (value) => value === null || value === undefined;
  return [...trials].sort((one, other) => {
    const [a, b] = [column.of(one), column.of(other)];
    if (missing(a) || missing(b)) return missing(a) - missing(b); // what was not measured comes last either way
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
    return falling ? -order : order;
  });
}

function cell(column, trial) {
  const value = column.of(trial);
  if (column.key === "id") return el("th", { scope: "row" }, el("button", { type: "button", class: "plain", onclick: () => choose(trial.id) }, trial.id));
  if (column.key === "verdict") return el("td", { class: "word" }, icon(trial.verdict), said(trial.verdict));
  return el("td", { "data-column": column.key, "data-value": value }, format(value));
}

function choose(id) {
  update({ trial: id });
}

function drawTable() {
  const head = COLUMNS.map((column) => {
    const now = state.sort === column.key ? "ascending" : state.sort === "-" + column.key ? "descending" : null;
    const next = now === "ascending" ? "-" + column.key : now === "descending" ? "" : column.key;
    return el("th", { scope: "col", "aria-sort": now, class: column.key === "verdict" ? "word" : "" },
      el("button", { type: "button", class: "plain", "data-sort": column.key, onclick: () => {
        update({ sort: next });
        $("rows").querySelector(`[data-sort="${CSS.escape(column.key)}"]`).focus();
      } }, column.label, el("span", { "aria-hidden": "true", class: "arrow" }, now ? (now === "ascending" ? " ↑" : " ↓") : "")));
  });
  $("rows").replaceChildren(el("table", null, el("caption", { class: "hidden" }, "All trials; best first unless sorted by a column"),
    el("thead", null, el("tr", null, head)),
    el("tbody", null, sorted().map((trial) => el("tr", { "data-id": trial.id, onclick: (event) => { if (!event.target.closest("button")) choose(trial.id); } }, COLUMNS.map((column) => cell(column, trial)))))));
  markTable();
}

function markTable() {
  let shown = 0;
  for (const row of $("rows").querySelectorAll("tbody tr")) {
    const trial = byId.get(row.dataset.id);
    row.hidden = !isShown(trial);
    shown += !row.hidden;
    row.classList.toggle("chosen", trial.id === state.trial);
    row.setAttribute("aria-current", trial.id === state.trial);
  }
  $("table-count").textContent = `${shown} of ${trials.length} shown, ${state.sort ? "sorted by " + (COLUMNS.find((c) => c.key === state.sort.replace(/^-/, ""))?.label ?? "") : "best first"}`;
}
