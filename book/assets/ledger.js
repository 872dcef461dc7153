// Filters the claims ledger by text, kind and verdict. Without this script the table is simply whole.
"use strict";

(() => {
  const table = document.querySelector("table.ledger");
  if (!table) return;
  const rows = [...table.tBodies[0].rows];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  const labelled = (text, control) => {
    const label = document.createElement("label");
    label.append(text, control);
    return label;
  };

  // The choices are the classes that the rows carry.
  const choice = (prefix, all) => {
    const select = document.createElement("select");
    const names = rows.flatMap((row) => [...row.classList].filter((name) => name.startsWith(prefix)));
    const options = [...new Set(names)].sort();
    select.append(new Option(all, ""));
    for (const name of options) {
      select.append(new Option(name.slice(prefix.length).replaceAll("-", " "), name));
    }
    return select;
  };

  const search = document.createElement("input");
  search.type = "search";
  const kind = choice("kind-", "all kinds");
  const verdict = choice("verdict-", "all verdicts");
  const reset = document.createElement("button");
  reset.type = "button";
  reset.textContent = "Show all";
  const count = document.createElement("output");
  count.setAttribute("aria-live", "polite");

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const keep =
        [kind, verdict].every(({ value }) => !value || row.classList.contains(value)) &&
        words.every((word) => texts.get(row).includes(word));
      row.hidden = !keep;
      shown += keep;
    }
    count.textContent = `${shown} of ${rows.length} claims`;
  };

  const clear = () => {
    search.value = kind.value = verdict.value = "";
    apply();
  };

  // A link to a row must never lead to a hidden one.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target || !texts.has(target)) return;
    if (target.hidden) clear();
    target.scrollIntoView();
  };

  const form = document.createElement("form");
  form.className = "ledger-controls";
  form.setAttribute("role", "search");
  form.setAttribute("aria-label", "Filter the ledger");
  form.append(labelled("Search the claims ", search), labelled("Kind ", kind), labelled("Verdict ", verdict), reset, count);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  reset.addEventListener("click", clear);
  window.addEventListener("hashchange", reveal);
  (table.closest(".pst-scrollable-table-container") ?? table).before(form);
  apply();
  reveal();
})();
