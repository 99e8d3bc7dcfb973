/** What a field of a log line says, as OTLP can say it: whatever a program hands to its log becomes a tree of plain values. */
import type { LogRecord } from "../telemetry/index.ts";

export type PlainValue = string | number | boolean | undefined | readonly PlainValue[] | { readonly [name: string]: PlainValue };

/** Deeper than any fact of a log line; what lies below, and every cycle, is cut off here. */
const depthMax = 6;
/** Elements of a list and fields of an object that are kept. */
const sizeMax = 128;

/**
 * The fields of a log line. An error under `error` is told in the words of the semantic conventions.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/
 */
export function fieldsOf(record: LogRecord): Readonly<Record<string, PlainValue>> {
  const fields: Record<string, PlainValue> = {};
  for (const [name, value] of Object.entries(record.fields)) {
    if (name === "error" && value instanceof Error) {
      fields["exception.type"] = value.name;
      fields["exception.message"] = value.message;
      if (value.stack !== undefined) fields["exception.stacktrace"] = value.stack;
    } else if (value !== undefined) {
      fields[name] = toPlainValue(value, 0);
    }
  }
  return fields;
}

function toPlainValue(value: unknown, depth: number): PlainValue {
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      return value;
    case "bigint":
      return value.toString();
    case "undefined":
      return undefined;
    case "object":
      return value === null ? undefined : toPlainTree(value, depth);
    default:
      return String(value);
  }
}

function toPlainTree(value: object, depth: number): PlainValue {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (depth >= depthMax) return "…";
  if (Array.isArray(value)) return value.slice(0, sizeMax).map((each) => toPlainValue(each, depth + 1));
  if ("toJSON" in value && typeof value.toJSON === "function") return toPlainValue((value.toJSON as () => unknown)(), depth + 1);
  const entries = Object.entries(value).slice(0, sizeMax);
  return Object.fromEntries(entries.map(([name, each]) => [name, toPlainValue(each, depth + 1)]));
}
