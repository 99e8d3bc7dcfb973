/** What is sent, and the same as a line for a shell. */
import { serverUrl } from "./api.js";

/**
 * @param filled  `{ values, body, file, key, accept }`: values by parameter, text or a list of texts.
 * @returns `{ url, method, headers, body, missing }`; `missing` are the places of the path that are still empty.
 */
export function buildRequest(operation, { accept, body, file, key, values }) {
  const headers = {};
  const query = new URLSearchParams();
  const missing = [];
  let { path } = operation;
  for (const parameter of operation.parameters) {
    const { in: place, name } = parameter;
    const texts = [values.get(parameter)].flat().filter(Boolean);
    if (place === "query") texts.forEach((text) => query.append(name, text));
    else if (texts.length === 0) missing.push(...(place === "path" ? [`/${name}`] : []));
    else if (place === "path") path = path.replace(`{${name}}`, () => encodeURIComponent(texts[0]));
    else headers[name.toLowerCase()] = texts.join(", ");
  }
  if (accept) headers.accept = accept;
  if (key) headers["idempotency-key"] = key;
  if (file ?? body) headers["content-type"] = file?.type ?? "application/json";
  return { url: serverUrl() + path + (query.size === 0 ? "" : `?${query}`), method: operation.method.toUpperCase(), headers, body: file?.blob ?? body, missing };
}

/** The token stays out of it: a line that is copied ends up in histories and chats. */
export function toCurl(operation, filled) {
  const { headers, method, url } = buildRequest(operation, filled);
  const parts = [`curl${operation.isStream ? " -N" : ""}${method === "GET" ? "" : ` -X ${method}`} ${quoted(url)}`];
  if (operation.access !== "public") parts.push('-H "authorization: Bearer $TOKEN"');
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (filled.file) parts.push(`--data-binary ${quoted(`@${filled.file.blob.name}`)}`);
  else if (filled.body) parts.push(`-d ${quoted(filled.body)}`);
  return parts.join(" \\\n  ");
}

/** For a POSIX shell: nothing within single quotes has a meaning, and a single quote ends them. */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
