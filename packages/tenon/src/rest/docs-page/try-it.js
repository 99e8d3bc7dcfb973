/** The panel that calls an operation. */
import { flat, sampleOf, typeOf } from "./api.js";
import { showAnswer } from "./answer.js";
import { copyButton, h, icon, replace } from "./dom.js";
import { labeled, listControl, parseJson, textControl, valueControl } from "./form.js";
import { buildRequest, newKey, toCurl } from "./request.js";
import { tokenBox } from "./token.js";

export function tryIt(operation) {
  const content = Object.entries(operation.requestBody?.content ?? {});
  const json = content.find(([type]) => type === "application/json")?.[1];
  const isUpload = content.length > 0 && json === undefined;
  const streams = "x-tenon-stream" in operation.success ? Object.keys(operation.success.content) : [];
  const filled = { values: new Map(), body: undefined, file: undefined, accept: streams[0], key: operation.kind === "command" ? newKey() : undefined };
  const curl = h("pre.curl", { tabindex: 0 });
  const answer = h("section.answer", { "aria-live": "polite", "aria-label": "Answer" });
  let isKeyUsed = false;

  const keyInput = h("input", { value: filled.key ?? "", autocomplete: "off", spellcheck: "false", oninput: () => ((filled.key = keyInput.value), (isKeyUsed = false), drawCurl()) });
  const renewKey = () => {
    keyInput.value = filled.key = newKey();
    isKeyUsed = false;
    drawCurl();
  };
  const drawCurl = () => replace(curl, toCurl(operation, filled, tokenBox.token !== "" || operation.access !== "public"));
  // A request that was changed is another one: under the old key it would be a conflict.
  const changed = () => (isKeyUsed ? renewKey() : drawCurl());

  const form = h("form", { novalidate: true },
    parameterEntries(operation, filled, changed),
    json === undefined ? undefined : bodyEditor(json.schema, filled, changed),
    isUpload ? fileEntry(content.map(([type]) => type), filled, changed) : undefined,
    streams.length > 1 ? labeled({ name: "accept" }, h("select", { onchange: (event) => ((filled.accept = event.target.value), changed()) }, streams.map((type) => h("option", { value: type }, type)))) : undefined,
    filled.key === undefined ? undefined : keyEntry(keyInput, renewKey));
  const send = h("button.primary", { type: "submit" }, "Send");
  const stop = h("button", { type: "button", hidden: true }, "Stop");
  form.append(h("div.actions", send, stop, h("span.quiet.hint", "Ctrl ↵")));

  let aborter;
  stop.addEventListener("click", () => aborter?.abort());
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearWrong(form);
    const request = buildRequest(operation, filled);
    if (request.missing.length > 0) return markWrong(form, request.missing.map((name) => ({ path: `/${name}`, message: "is needed: it is a part of the path" })));
    aborter?.abort();
    aborter = new AbortController();
    stop.hidden = false;
    send.disabled = true;
    isKeyUsed = filled.key !== undefined;
    try {
      await call(request, { answer, form, signal: aborter.signal });
    } finally {
      stop.hidden = true;
      send.disabled = false;
    }
  });
  addEventListener("tenon-token", drawCurl);
  drawCurl();

  return h("aside.try", { "aria-label": "Try it" },
    h("h2", "Try it"),
    form,
    answer,
    h("section", h("div.code-head", h("h3", "curl"), copyButton("the curl line", () => curl.textContent)), curl));
}

async function call({ body, headers, method, url }, { answer, form, signal }) {
  replace(answer, h("p.quiet", "Waiting…"));
  const startedAt = performance.now();
  try {
    const all = new Headers(headers);
    if (tokenBox.token !== "") all.set("authorization", `Bearer ${tokenBox.token}`);
    const response = await fetch(new Request(url, { method, headers: all, body, signal, cache: "no-store", redirect: "manual" }));
    markWrong(form, await showAnswer(answer, response, { startedAt }));
  } catch (error) {
    const note = signal.aborted ? "Stopped." : `No answer: ${error.message}`;
    if (answer.querySelector(".answer-head") === null) replace(answer);
    answer.prepend(h("p.note", note));
  }
}

const places = { path: "Path", query: "Query", header: "Headers" };

function parameterEntries(operation, filled, changed) {
  const own = operation.parameters.filter((parameter) => !parameter.isPlatform);
  const groups = Object.entries(places).map(([place, title]) => [title, own.filter((parameter) => parameter.in === place)]);
  return groups.filter(([, parameters]) => parameters.length > 0).map(([title, parameters]) => h("fieldset", h("legend", title), parameters.map((parameter) => {
    const { name, required, schema } = parameter;
    const example = flat(schema).examples?.[0];
    const onInput = (value) => {
      filled.values.set(parameter, value);
      changed();
    };
    if (required && example !== undefined) filled.values.set(parameter, String(example));
    const control = typeOf(flat(schema)) === "array" ? listControl(schema, { onInput }) : textControl(schema, { onInput, value: filled.values.get(parameter) });
    return labeled({ name, isRequired: required, pointer: `/${name}` }, control);
  })));
}

/** The body as fields or as JSON, whichever its reader likes; both are the same value. */
function bodyEditor(schema, filled, changed) {
  let value = sampleOf(schema);
  const place = h("div");
  const tabs = ["Fields", "JSON"].map((name) => h("button", { type: "button", "aria-pressed": "false", onclick: () => show(name) }, name));
  const set = (next) => {
    value = next;
    filled.body = JSON.stringify(value, undefined, 2);
    changed();
  };
  const show = (name) => {
    if (name === "Fields" && !parseJson(filled.body).ok) return;
    tabs.forEach((tab) => tab.setAttribute("aria-pressed", String(tab.textContent === name)));
    replace(place, name === "Fields" ? valueControl(schema, { value, pointer: "", onChange: set }) : textEditor());
  };
  const textEditor = () => {
    const wrong = h("p.wrong", { role: "alert", hidden: true });
    const area = h("textarea.code", { value: filled.body, rows: Math.min(18, filled.body.split("\n").length + 1), spellcheck: "false", "aria-label": "Body as JSON" });
    area.addEventListener("input", () => {
      const parsed = parseJson(area.value);
      filled.body = area.value; // sent as it stands: trying what is wrong is a use of this page
      if (parsed.ok) value = parsed.value;
      wrong.hidden = parsed.ok;
      wrong.textContent = parsed.reason ?? "";
      changed();
    });
    return [area, wrong];
  };
  filled.body = JSON.stringify(value, undefined, 2);
  show(flat(schema).properties || flat(schema).oneOf || flat(schema).anyOf ? "Fields" : "JSON");
  return h("fieldset", h("legend", "Body"), h("div.tabs", { role: "group", "aria-label": "Edit the body as" }, tabs), h("div", { "data-pointer": "" }, place, h("p.wrong", { role: "alert", hidden: true })));
}

function fileEntry(types, filled, changed) {
  const input = h("input", { type: "file", accept: types.join(",") });
  input.addEventListener("change", () => {
    const [blob] = input.files;
    filled.file = blob === undefined ? undefined : { blob, name: blob.name, type: types.length === 1 && !types[0].includes("*") ? types[0] : blob.type || "application/octet-stream" };
    changed();
  });
  return h("fieldset", h("legend", "Body"), labeled({ name: types.join(", "), isRequired: true, pointer: "" }, input));
}

function keyEntry(input, renew) {
  const button = h("button", { type: "button", onclick: renew, title: "A new key makes a new command" }, "New key");
  const entry = labeled({ name: "idempotency-key" }, input);
  const beside = h("div.beside", button);
  input.replaceWith(beside);
  beside.prepend(input);
  entry.append(h("p.quiet.hint", "The same key answers again and does nothing twice. It changes with the request."));
  return h("fieldset", h("legend", icon("key"), "Repeat safely"), entry);
}

function clearWrong(form) {
  for (const entry of form.querySelectorAll("[data-pointer].is-wrong")) {
    entry.classList.remove("is-wrong");
    entry.querySelector(":scope > .wrong").hidden = true;
  }
}

/** Puts each refusal beside its field, or beside the nearest one around it. */
function markWrong(form, errors) {
  const entries = new Map([...form.querySelectorAll("[data-pointer]")].map((entry) => [entry.dataset.pointer, entry]));
  for (const { message, path } of errors) {
    let at = path;
    while (!entries.has(at) && at !== "") at = at.slice(0, at.lastIndexOf("/"));
    const entry = entries.get(at);
    if (entry === undefined) continue;
    entry.classList.add("is-wrong");
    const wrong = entry.querySelector(":scope > .wrong");
    wrong.hidden = false;
    wrong.textContent = at === path ? message : `${path} ${message}`;
  }
  form.querySelector(".is-wrong")?.scrollIntoView({ block: "nearest" });
}
