/** What came back, as it comes. */
import { copyButton, fold, h, jsonView, pairs, parseJson, replace, statusView } from "./dom.js";

/** Items of a stream that are kept on the page. */
const shownMax = 500;

/** Shows a response in `place`. Resolves with the problem's `errors` when the body has been read. */
export async function showAnswer(place, response, startedAt) {
  const { headers, status, statusText } = response;
  const type = headers.get("content-type") ?? "";
  const time = h("span.quiet", sinceStart(startedAt));
  const head = h("div.answer-head", statusView(status, `${status} ${statusText}`), time);
  const body = h("div");
  const list = [...headers];
  replace(place, head, noteOf(headers), body, fold("answer-headers", false, `${list.length} headers`, pairs(list)));
  if (response.ok && /ndjson|event-stream/.test(type)) return showItems(body, response, { type, startedAt });

  const blob = await response.blob();
  time.append(` · ${blob.size < 1_000 ? `${blob.size} B` : `${(blob.size / 1_000).toFixed(1)} kB`}`);
  if (!/json/.test(type)) return showBytes(body, blob, headers);
  const text = await blob.text();
  const parsed = parseJson(text);
  head.append(copyButton("the body", () => text));
  replace(body, h("pre", { tabindex: 0 }, jsonView(parsed.value ?? text)));
  return parsed.value?.errors;
}

function sinceStart(startedAt) {
  return `${Math.round(performance.now() - startedAt)} ms`;
}

function noteOf(headers) {
  if (headers.get("idempotency-replayed")) return h("p.note", "A replay: the stored answer to the first call with this key. Nothing was done again.");
  const wait = headers.get("retry-after");
  return wait !== null && h("p.note", `Try again after ${wait} s.`);
}

function showBytes(body, blob, headers) {
  if (blob.size === 0) return void replace(body, h("p.quiet", "No body."));
  const url = URL.createObjectURL(blob);
  const name = /filename\*=UTF-8''([^;]+)/.exec(headers.get("content-disposition"))?.[1] ?? "answer";
  const isImage = /^image\/(png|jpeg|gif|webp|avif)$/.test(blob.type);
  replace(body, isImage && h("img", { src: url, alt: "The answer, an image" }), h("a.save", { href: url, download: decodeURIComponent(name) }, `Save (${blob.type || "bytes"})`));
}

async function showItems(body, response, { startedAt, type }) {
  const list = h("ol.items", { tabindex: 0 });
  const count = h("p.quiet", "Waiting for the first item…");
  replace(body, count, list);
  let items = 0;
  const add = (text, kind = "item") => {
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    list.append(h(`li.${kind}`, h("span.when", `+${sinceStart(startedAt)}`), jsonView(text)));
    if (list.childElementCount > shownMax) list.firstChild.remove();
    if (isAtEnd) list.scrollTop = list.scrollHeight;
    count.textContent = `${(items += 1)} so far`;
  };
  const take = type.includes("event-stream") ? eventReader(add) : lineReader((line) => line !== "" && add(line));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) take(part.value);
  count.textContent = `${items} in all`;
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, as far as it is sent here. */
function eventReader(add) {
  let event = "";
  let data = [];
  return lineReader((line) => {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5));
    if (line !== "") return;
    if (data.length > 0 && event !== "end") add(data.join("\n"), event === "error" ? event : undefined);
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
