/** Which one kind of text, number or yes and no a schema accepts: what can stand in a URL, or be compared with a column. */
import { listAt, maxHops, resolveRef } from "./json-schema.ts";
import type { JsonSchema } from "./schema.ts";

export type FieldKind = "string" | "number" | "boolean" | "json";

/** The one kind of scalar that a schema accepts, or `undefined` when there are several or it is not a scalar. */
export function scalarKindOf(schema: JsonSchema, root: JsonSchema, depth = 0): FieldKind | undefined {
  if (depth > maxHops) return undefined; // a type that refers to itself is not a scalar
  const resolved = resolveRef(schema, root);
  if ("const" in resolved) return kindOfType(typeof resolved["const"]);
  if (Array.isArray(resolved["enum"])) return commonKind(resolved["enum"].map((value) => kindOfType(typeof value)));
  const type = resolved["type"];
  if (type !== undefined) return Array.isArray(type) ? commonKind(type.map(kindOfType)) : kindOfType(type);
  const kindOf = (each: unknown): FieldKind | undefined => scalarKindOf(each as JsonSchema, root, depth + 1);
  const choices = listAt(resolved, "anyOf", "oneOf");
  if (choices.length > 0) return commonKind(choices.map(kindOf));
  const parts = listAt(resolved, "allOf").map(kindOf); // some of them may only add a bound or a mark
  return commonKind(parts.filter((kind) => kind !== undefined));
}

function kindOfType(type: unknown): FieldKind | undefined {
  if (type === "string") return "string";
  if (type === "integer" || type === "number") return "number";
  if (type === "boolean") return "boolean";
  return undefined;
}

/** Text is ambiguous between kinds: `1` or `"1"`? Only one kind can be read without guessing. */
function commonKind(kinds: readonly (FieldKind | undefined)[]): FieldKind | undefined {
  const [first] = kinds;
  return kinds.every((kind) => kind === first) ? first : undefined;
}
