/**
 * The page at `/docs`: one HTML text with its style and script inside. It reads `openapi.json` beside it, shows every
 * operation, and calls them; of an app with events it shows those of `asyncapi.json`, too. It asks nothing of any other host.
 *
 * Its parts are files under `docs-page/`, found from this one: a build that moves this file has to copy that folder.
 * They are ES modules, so that they can be linted; here they are put one after the other, without their imports and
 * exports. For that, an import or export is one line, names are unique over all files, and no text runs over lines.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** In the order in which they need each other. */
const scripts = ["dom.js", "api.js", "schema-view.js", "form.js", "request.js", "answer.js", "token.js", "try-it.js", "operation-view.js", "event-view.js", "main.js"];

interface DocsPageParts {
  readonly frame: string;
  readonly style: string;
  readonly script: string;
  readonly policy: string;
}

/** Read at first use and kept: they do not change while the program runs. */
let parts: DocsPageParts | undefined;

export interface DocsPageOptions {
  /** Whether there is an `asyncapi.json` beside `openapi.json`. Default: no. */
  readonly hasEvents?: boolean;
}

/** The page. Send it with {@link docsPagePolicy}. */
export function docsPage(title: string, { hasEvents = false }: DocsPageOptions = {}): string {
  const { frame, script, style } = (parts ??= readParts());
  const values: Readonly<Record<string, string>> = { title: escapeHtml(title), style, script, events: hasEvents ? "asyncapi.json" : "" };
  return frame.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? "");
}

/**
 * The value of `content-security-policy` for the page: it runs its own script and style, by their hashes, reaches its
 * own origin, and turns no text into code or markup.
 *
 * @see https://www.w3.org/TR/CSP3/
 */
export function docsPagePolicy(): string {
  return (parts ??= readParts()).policy;
}

function readParts(): DocsPageParts {
  const style = squeeze(readPart("page.css")).replaceAll(/\s*([{};,>])\s*/g, "$1").replaceAll(": ", ":");
  const script = scripts.map((name) => squeeze(withoutModules(readPart(name)))).join("\n");
  return { frame: readPart("page.html"), style, script, policy: policyFor(style, script) };
}

function readPart(name: string): string {
  return readFileSync(new URL(`docs-page/${name}`, import.meta.url), "utf8");
}

function withoutModules(code: string): string {
  return code.replaceAll(/^import .*;$/gm, "").replaceAll(/^export (?=async |function |const )/gm, "");
}

/** Without comments and indentation, which are for whoever works on the page. */
function squeeze(code: string): string {
  const lines = code.replaceAll(/\/\*[\s\S]*?\*\//g, "").split("\n");
  return lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("//")).join("\n");
}

function policyFor(style: string, script: string): string {
  const rules = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "connect-src 'self'",
    "img-src data: blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return rules.join("; ");
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");
}
