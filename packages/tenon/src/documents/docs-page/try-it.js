/** The panel that calls an operation. */
import { exampleOf, flat, sampleOf, typeOf } from "./api.js";
import { showAnswer } from "./answer.js";
import { button, copyButton, h, icon, parseJson, picker, replace } from "./dom.js";
import { labeled, listControl, textControl, valueControl, wrongLine } from "./form.js";
import { buildRequest, newKey, toCurl } from "./request.js";
import { bearer } from "./token.js";

export function tryIt(operation) {
  const content = Object.entries(operation.requestBody?.content ?? {});
  const [[, { schema } = {}] = []] = content;
  const types = operation.isStream ? Object.keys(operation.success.content) : [];
  const filled = { values: new Map(), body: undefined, file: undefined, accept: types[0], key: undefined };
  const curl = h("pre.curl", { tabindex: 0 });
  const draw = () => replace(curl, toCurl(operation, filled));
  const key = operation.kind === "command" ? keyEntry(filled, draw) : undefined;
  const changed = () => {
    key?.renewIfUsed();
    draw();
  };
  const stop = button("", () => aborter?.abort(), "Stop");
  stop.hidden = true;
  const answer = h("section.answer", { "aria-live": "polite", "aria-label": "Answer" });
  const form = h("form", { novalidate: true },
    parameterEntries(operation, filled, changed),
    schema && bodyEntry(schema, filled, changed),
    content.length > 0 && !schema && fileEntry(content.map(([type]) => type), filled, changed),
    types.length > 0 && labeled({ name: "accept" }, picker(types, 0, (index) => changed((filled.accept = types[index])))),
    key?.view,
    h("div.actions", h("button.primary", "Send"), stop, h("span.quiet", "Ctrl ↵")));
  let aborter;

  form.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && form.requestSubmit());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const entry of form.querySelectorAll(".is-wrong")) markWrong(entry, "");
    const request = buildRequest(operation, filled);
    if (request.missing.length > 0) return showWrong(form, request.missing.map((path) => ({ path, message: "is needed: it is a part of the path" })));
    aborter?.abort();
    aborter = new AbortController();
    stop.hidden = false;
    key?.use();
    const errors = await call(request, answer, aborter.signal);
    stop.hidden = true;
    answer.scrollIntoView({ block: "nearest" });
    showWrong(form, errors);
  });
  draw();
  return h("aside.try", { "aria-label": "Try it" }, h("h2", "Try it"), form, answer, h("section", h("div.code-head", h("h3", "curl"), copyButton("the curl line", () => curl.textContent)), curl));
}

async function call({ body, headers, method, url }, answer, signal) {
  replace(answer, h("p.quiet", "Waiting…"));
  const startedAt = performance.now();
  if (bearer.token) headers.authorization = `Bearer ${bearer.token}`;
  const init = { method, headers, body, signal, cache: "no-store", redirect: "manual" };
  try {
    return await showAnswer(answer, await fetch(url, init), startedAt);
  } catch (error) {
    if (answer.querySelector(".answer-head") === null) replace(answer);
    answer.prepend(h("p.note.warn", signal.aborted ? "Stopped." : `No answer: ${error.message}`));
  }
}

function parameterEntries(operation, filled, changed) {
  return Object.entries({ path: "Path", query: "Query", header: "Headers" }).map(([place, title]) => {
    const own = operation.parameters.filter((parameter) => parameter.in === place && !parameter.isPlatform);
    return own.length > 0 && h("fieldset", h("legend", title), own.map((parameter) => {
      const { name, required, schema } = parameter;
      const set = (value) => changed(filled.values.set(parameter, value));
      if (required) filled.values.set(parameter, String(exampleOf(flat(schema)) ?? ""));
      const control = typeOf(flat(schema)) === "array" ? listControl(schema, set) : textControl(schema, filled.values.get(parameter) ?? "", set);
      return labeled({ name, isRequired: required, pointer: `/${name}` }, control);
    }));
  });
}

/** The body as fields or as JSON, whichever its reader likes; both are the same value. */
function bodyEntry(schema, filled, changed) {
  let value = sampleOf(schema);
  const write = () => (filled.body = JSON.stringify(value, undefined, 2));
  const wrong = wrongLine();
  const fields = () => valueControl(schema, { value, pointer: "", onChange: (next) => changed(write((value = next))) });
  const text = () => h("textarea.code", { value: filled.body, rows: Math.min(18, filled.body.split("\n").length + 1), spellcheck: "false", "aria-label": "Body as JSON", oninput: (event) => {
    const parsed = parseJson((filled.body = event.target.value)); // sent as it stands: trying what is wrong is a use of this page
    if (parsed.ok) ({ value } = parsed);
    wrong.hidden = parsed.ok;
    wrong.textContent = parsed.reason;
    changed();
  } });
  const place = h("div");
  const show = (index) => {
    if (!parseJson(filled.body).ok) return;
    tabs.forEach((tab, each) => (tab.ariaPressed = each === index));
    replace(place, [fields, text][index]());
  };
  const tabs = ["Fields", "JSON"].map((name, index) => button("", () => show(index), name));
  write();
  show(0);
  return h("fieldset", { "data-pointer": "" }, h("legend", "Body"), h("div.tabs", { role: "group", "aria-label": "Edit the body as" }, tabs), place, wrong);
}

function fileEntry(types, filled, changed) {
  const input = h("input", { type: "file", accept: types.join(), onchange: () => {
    const [blob] = input.files;
    filled.file = blob && { blob, type: blob.type || types[0] };
    changed();
  } });
  return h("fieldset", h("legend", "Body"), labeled({ name: types.join(", "), isRequired: true, pointer: "" }, input));
}

/** The key stays while the request stays: a request that was changed is another one, and under the old key a conflict. */
function keyEntry(filled, draw) {
  let isUsed = false;
  const set = (key) => {
    input.value = filled.key = key;
    isUsed = false;
    draw();
  };
  const input = h("input", { autocomplete: "off", spellcheck: "false", oninput: () => set(input.value) });
  set(newKey());
  const view = h("fieldset", h("legend", icon("key"), "Repeat safely"), labeled({ name: "idempotency-key" }, h("div.beside", input, button("", () => set(newKey()), "New key"))),
    h("p.quiet", "The same key answers again and does nothing twice. It changes with the request."));
  return { view, use: () => (isUsed = true), renewIfUsed: () => isUsed && set(newKey()) };
}

function markWrong(entry, message) {
  const line = entry.querySelector(":scope > .wrong");
  entry.classList.toggle("is-wrong", message !== "");
  line.hidden = message === "";
  line.textContent = message;
}

/** Puts each refusal beside its field, or beside the nearest one around it. */
function showWrong(form, errors) {
  if (!Array.isArray(errors)) return;
  const entries = new Map([...form.querySelectorAll("[data-pointer]")].map((entry) => [entry.dataset.pointer, entry]));
  for (const { message, path } of errors) {
    let at = path;
    while (!entries.has(at) && at !== "") at = at.slice(0, at.lastIndexOf("/"));
    if (entries.has(at)) markWrong(entries.get(at), at === path ? message : `${path} ${message}`);
  }
  form.querySelector(".is-wrong")?.scrollIntoView({ block: "nearest" });
}
