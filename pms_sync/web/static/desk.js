// What the desk does beyond its forms, which work without any of this: keys, and what a choice will do, told as it is made.

const KEYS_OFF = "pms-sync.keys-off";
const rows = [...document.querySelectorAll("tr[data-case-id] a.title")];
const form = document.querySelector("form.answer");

const typing = (target) => target.closest("input:not([type=radio]), textarea, select, [contenteditable]") !== null;

function move(step) {
  if (rows.length === 0) return;
  const here = rows.indexOf(document.activeElement);
  const next = here < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, here + step));
  rows[next].focus();
}

function acceptSuggestions() {
  if (!form) return;
  for (const line of form.querySelectorAll("tr[data-path]")) {
    line.querySelector("td:has(.suggested) input[type=radio]")?.click();
  }
  form.querySelector("button[type=submit]")?.focus();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  a: acceptSuggestions,
  "/": () => document.querySelector("#q")?.focus(),
};

document.addEventListener("keydown", (event) => {
  const known = KEYS[event.key];
  if (!known || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (localStorage.getItem(KEYS_OFF)) return;
  event.preventDefault();
  known();
});

// Single keys can be switched off (WCAG 2.1.4), since who dictates would press them by talking.
function tellKeys() {
  const told = document.createElement("p");
  told.className = "keys";
  const list = answers
    ? [["a", "marks what is suggested"]]
    : [["j", "down"], ["k", "up"], ["Enter", "opens"], ["/", "searches"]];
  for (const [key, words] of list) {
    const cap = document.createElement("kbd");
    cap.textContent = key;
    told.append(cap, ` ${words} `);
  }
  const toggle = document.createElement("button");
  toggle.type = "button";
  toggle.className = "plain";
  const show = () => { toggle.textContent = localStorage.getItem(KEYS_OFF) ? "Switch keys on" : "Switch keys off"; };
  toggle.addEventListener("click", () => {
    if (localStorage.getItem(KEYS_OFF)) localStorage.removeItem(KEYS_OFF);
    else localStorage.setItem(KEYS_OFF, "1");
    show();
  });
  show();
  told.append(toggle);
  document.querySelector("main").append(told);
}

// Whoever types another value means it.
function markTyped(event) {
  const other = event.target.closest("details.other");
  const mark = other?.querySelector("input[type=radio]");
  if (mark && event.target !== mark) {
    mark.checked = true;
    tellChoice();
  }
}

// What the daemon foresaw is about the choices it was asked about, and about no others.
function keepOutlook() {
  const outlook = form.querySelector(".outlook");
  if (!outlook) return;
  const fields = [...form.querySelectorAll("tr[data-path] input, tr[data-path] textarea, tr[data-path] select")];
  const chosen = (field) => [...field.options].some((option) => option.selected !== option.defaultSelected);
  const moved = (field) => (field.type === "radio" ? field.checked !== field.defaultChecked : field.tagName === "SELECT" ? chosen(field) : field.value !== field.defaultValue);
  outlook.hidden = fields.some(moved);
}

function tellChoice() {
  keepOutlook();
  const summary = form.querySelector(".summary");
  if (!summary) return;
  const lines = [...form.querySelectorAll("tr[data-path]")].filter((line) => line.querySelector("input[type=radio]"));
  const taken = { here: 0, there: 0, value: 0, later: 0 };
  for (const line of lines) {
    const mark = line.querySelector("input[type=radio]:checked");
    if (mark) taken[mark.value] += 1;
  }
  const words = { here: "as it is here", there: "as it is there", value: "as typed", later: "left for later" };
  const told = Object.entries(taken).filter(([, number]) => number > 0);
  const open = lines.length - told.reduce((sum, [, number]) => sum + number, 0);
  const parts = lines.length > 1 ? told.map(([take, number]) => `${number} ${words[take]}`) : [];
  if (open > 0) parts.push(lines.length > 1 ? `${open} still to choose` : form.querySelector("details.other") ? "Choose a side, or type another value" : "Choose a side");
  summary.textContent = parts.length ? `${parts.join(", ")}.` : "";
  for (const item of form.querySelectorAll(".happens li")) {
    item.hidden = open === 0 && taken[item.dataset.take] === 0;
  }
}

const answers = form?.querySelector("button[type=submit]") ?? null;
if (rows.length || answers) tellKeys();
if (answers) {
  form.addEventListener("input", markTyped);
  form.addEventListener("input", keepOutlook);
  form.addEventListener("change", tellChoice);
  tellChoice();
}
