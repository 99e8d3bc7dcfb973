/**
 * Spans of SQL statements: named by command and table, with the text as it was prepared. Values are never in it: those of
 * parameters are not part of the text, and literals are replaced by `?`.
 *
 * A text is looked at once: what it gives is remembered for 1 000 texts of a service, which is more than one has that
 * binds its values. A service that writes values into its statements gets spans without a text from there on.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/database/postgresql/
 */
import type { Call } from "../calls/index.ts";
import { Fault, faultTable } from "../kernel/index.ts";
import type { RecordedSpan, SpanShape } from "../telemetry/index.ts";
import { DatabaseError } from "./ports.ts";

const textsMax = 1_000;
/** Longer texts are cut, in characters: the start of a statement says what it does. */
const textMaxChars = 2_000;

export class StatementSpans {
  readonly #service: string;
  readonly #shapes = new Map<string, SpanShape>();

  /** @param service  Whose schema the statements work in. */
  constructor(service: string) {
    this.#service = service;
  }

  /** Begins the span of a statement of a call; `undefined` where nobody takes spans. */
  start(call: Call, text: string): RecordedSpan | undefined {
    const { trace } = call;
    return trace === undefined || !trace.owner.isOn ? undefined : trace.start(this.#shapeOf(text), call.id);
  }

  #shapeOf(text: string): SpanShape {
    const known = this.#shapes.get(text);
    if (known !== undefined) return known;
    const isRemembered = this.#shapes.size < textsMax;
    const shape = shapeOf(text, this.#service, isRemembered ? withoutLiterals(text).slice(0, textMaxChars) : undefined);
    if (isRemembered) this.#shapes.set(text, shape);
    return shape;
  }
}

/** How a statement ended that failed. */
export function outcomeOf(thrown: unknown): { readonly code: string; readonly isError: boolean } {
  if (thrown instanceof DatabaseError) return { code: thrown.sqlState, isError: true };
  const { code } = Fault.from(thrown);
  return { code, isError: faultTable[code].atFault !== "caller" };
}

function shapeOf(text: string, service: string, shown: string | undefined): SpanShape {
  const command = commandOf(text);
  const table = tableOf(text);
  const attributes = {
    "db.system.name": "postgresql",
    "db.namespace": service,
    "db.operation.name": command,
    ...(table === undefined ? {} : { "db.collection.name": table }),
    ...(shown === undefined ? {} : { "db.query.text": shown }),
  };
  const attributesOf = (code: string): Readonly<Record<string, string>> => (code === "ok" ? {} : { "db.response.status_code": code });
  // A slow statement makes its call slow, which is what keeps the trace.
  return { name: table === undefined ? command : `${command} ${table}`, kind: "client", attributes, attributesOf, slowMs: Number.POSITIVE_INFINITY };
}

/** Of a statement with parts in front (`with …`) what is done with them. */
function commandOf(text: string): string {
  const first = /^[\s(]*([a-z]+)/i.exec(text)?.[1]?.toLowerCase() ?? "statement";
  if (first !== "with") return first;
  return /\b(insert|update|delete|merge)\b/i.exec(text)?.[1]?.toLowerCase() ?? "select";
}

function tableOf(text: string): string | undefined {
  const [, name = ""] = /\b(?:into|from|update)\s+((?:"[^"]+"|[a-z_][\w$]*)(?:\.(?:"[^"]+"|[a-z_][\w$]*))?)/i.exec(text) ?? [];
  return name === "" ? undefined : name.replaceAll('"', "");
}

/** Comments, texts in dollars, texts in quotes; names in quotes; numbers. In one pass, so that none is looked for inside of another. */
const literals = /--[^\n]*|\/\*[\s\S]*?\*\/|\$([a-z_]\w*)?\$[\s\S]*?\$\1\$|\be'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w$])\d[\w.]*/gi;

export function withoutLiterals(text: string): string {
  return text.replaceAll(literals, (found) => {
    if (found.startsWith('"')) return found;
    return found.startsWith("--") || found.startsWith("/*") ? "" : "?";
  });
}
