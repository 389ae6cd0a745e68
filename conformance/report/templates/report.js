"use strict";
(() => {
  const text = document.getElementById("filter");
  const verdict = document.getElementById("verdict");
  const count = document.getElementById("count");
  const rows = [...document.querySelectorAll("tbody tr[data-verdict]")];
  const apply = () => {
    const wanted = text.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits = (!verdict.value || row.dataset.verdict === verdict.value) &&
        (!wanted || row.textContent.toLowerCase().includes(wanted));
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    count.textContent = `${shown} of ${rows.length} shown`;
    const state = new URLSearchParams();
    if (text.value) state.set("q", text.value);
    if (verdict.value) state.set("v", verdict.value);
    if (`${state}`) history.replaceState(null, "", `#${state}`);
  };
  const state = new URLSearchParams(location.hash.slice(1));
  text.value = state.get("q") || "";
  verdict.value = state.get("v") || "";
  document.getElementById("controls").hidden = false;
  text.addEventListener("input", apply);
  verdict.addEventListener("change", apply);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== text) {
      event.preventDefault();
      text.focus();
    }
  });
  apply();
})();
