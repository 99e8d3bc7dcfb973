/** What is sent, and the same as a line for a shell. */
import { serverUrl } from "./api.js";

/**
 * @param filled  `{ values, body, file, key, accept }`: values by parameter, text or a list of texts.
 * @returns `{ url, method, headers, body, missing }`; `missing` names parts of the path that are still empty.
 */
export function buildRequest(operation, filled) {
  const headers = {};
  const query = new URLSearchParams();
  const missing = [];
  let path = operation.path;
  for (const parameter of operation.parameters) {
    const given = filled.values.get(parameter) ?? "";
    const texts = [given].flat().filter((text) => text !== "");
    if (parameter.in === "path") {
      if (texts.length === 0) missing.push(parameter.name);
      path = path.replace(`{${parameter.name}}`, texts.length === 0 ? `{${parameter.name}}` : encodeURIComponent(texts[0]));
    } else if (parameter.in === "query") {
      for (const text of texts) query.append(parameter.name, text);
    } else if (texts.length > 0) {
      headers[parameter.name.toLowerCase()] = texts.join(", ");
    }
  }
  if (filled.accept !== undefined) headers.accept = filled.accept;
  if (filled.key !== undefined && filled.key !== "") headers["idempotency-key"] = filled.key;
  if (filled.body !== undefined) headers["content-type"] = "application/json";
  if (filled.file !== undefined) headers["content-type"] = filled.file.type;
  const search = query.toString();
  return { url: serverUrl() + path + (search === "" ? "" : `?${search}`), method: operation.method.toUpperCase(), headers, body: filled.file?.blob ?? filled.body, missing };
}

/** The token stays out of it: a line that is copied ends up in histories and chats. */
export function toCurl(operation, filled, hasToken) {
  const { headers, method, url } = buildRequest(operation, filled);
  const parts = [`curl ${method === "GET" ? "" : `-X ${method} `}${quoted(url)}`];
  if ("x-tenon-stream" in operation.success) parts[0] = parts[0].replace("curl", "curl -N");
  if (hasToken) parts.push('-H "authorization: Bearer $TOKEN"');
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (filled.file !== undefined) parts.push(`--data-binary ${quoted(`@${filled.file.name}`)}`);
  else if (filled.body !== undefined) parts.push(`-d ${quoted(filled.body)}`);
  return parts.join(" \\\n  ");
}

/** For a POSIX shell: nothing within single quotes has a meaning, and a single quote ends them. */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
