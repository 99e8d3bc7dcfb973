/** What came back, as it comes. */
import { copyButton, h, jsonView, replace } from "./dom.js";
import { parseJson } from "./form.js";

/** Items of a stream that are kept on the page. */
const shownMax = 500;

/** Shows a response in `place`. Resolves with the problem's `errors` when the body has been read. */
export async function showAnswer(place, response, { startedAt }) {
  const headMs = performance.now() - startedAt;
  const type = (response.headers.get("content-type") ?? "").split(";")[0];
  const time = h("span.quiet", `${Math.round(headMs)} ms`);
  const head = h("div.answer-head", h(`span.status.s${Math.floor(response.status / 100)}`, `${response.status} ${response.statusText}`), time);
  const body = h("div.answer-body");
  replace(place, head, noteOf(response), body, headersView(response));
  const total = (bytes) => time.append(` · ${bytes < 1_000 ? `${bytes} B` : `${(bytes / 1_000).toFixed(1)} kB`}`);

  if (response.ok && /ndjson|event-stream/.test(type)) return showItems(body, response, { type, startedAt });
  if (type.endsWith("json")) return showJson(head, body, await response.text(), total);
  const blob = await response.blob();
  total(blob.size);
  showBytes(body, blob, response);
  return [];
}

function noteOf({ headers }) {
  if (headers.get("idempotency-replayed") === "true") return h("p.note", "A replay: this is the stored answer to the first call with this key. Nothing was done again.");
  const wait = headers.get("retry-after");
  return wait === null ? undefined : h("p.note", `Try again after ${wait} s.`);
}

function headersView(response) {
  const list = [...response.headers];
  return h("details.answer-headers", h("summary", `${list.length} headers`), h("dl", list.map(([name, value]) => [h("dt", name), h("dd", value)])));
}

function showJson(head, body, text, total) {
  total(new Blob([text]).size);
  const parsed = parseJson(text);
  head.append(copyButton("the body", () => text));
  replace(body, h("pre", { tabindex: 0 }, jsonView(parsed.ok ? parsed.value : text)));
  return Array.isArray(parsed.value?.errors) ? parsed.value.errors : [];
}

function showBytes(body, blob, response) {
  if (blob.size === 0) return replace(body, h("p.quiet", "No body."));
  const url = URL.createObjectURL(blob);
  const name = /filename\*=UTF-8''([^;]+)/.exec(response.headers.get("content-disposition") ?? "")?.[1];
  const save = h("a.save", { href: url, download: name === undefined ? "answer" : decodeURIComponent(name) }, `Save (${blob.type || "bytes"})`);
  if (/^image\/(png|jpeg|gif|webp|avif)$/.test(blob.type)) return replace(body, h("img", { src: url, alt: "The answer, an image" }), save);
  return replace(body, save);
}

async function showItems(body, response, { startedAt, type }) {
  const list = h("ol.items", { tabindex: 0, "aria-label": "Items" });
  const count = h("p.quiet", { "aria-live": "polite" }, "Waiting for the first item…");
  replace(body, count, list);
  let items = 0;
  const add = (text, kind) => {
    items += kind === "item" ? 1 : 0;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const parsed = parseJson(text);
    list.append(h(`li.${kind}`, h("span.when", `+${Math.round(performance.now() - startedAt)} ms`), jsonView(parsed.ok ? JSON.stringify(parsed.value) : text)));
    if (list.childElementCount > shownMax) list.firstElementChild.remove();
    if (isAtEnd) list.scrollTop = list.scrollHeight;
    replace(count, `${items} ${items === 1 ? "item" : "items"} so far`);
  };
  const take = type.includes("event-stream") ? eventReader(add) : lineReader((line) => line !== "" && add(line, "item"));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) take(part.value);
  replace(count, `${items} ${items === 1 ? "item" : "items"}, then the end`);
  return [];
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, as far as it is sent here. */
function eventReader(add) {
  let event = "";
  let data = [];
  return lineReader((line) => {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5));
    if (line !== "") return;
    if (data.length > 0 && event !== "end") add(data.join("\n"), event === "error" ? "error" : "item");
    event = "";
    data = [];
  });
}

function lineReader(take) {
  let pending = "";
  return (text) => {
    const lines = (pending + text).split("\n");
    pending = lines.pop();
    for (const line of lines) take(line.trim());
  };
}
