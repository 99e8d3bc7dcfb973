/** Reading JSON Schema documents: references, pointers, and keywords that may or may not be there. It checks nothing. */
import type { JsonSchema } from "./schema.ts";

/** The part of a document that a JSON Pointer (RFC 6901) names, or `undefined`. */
export function resolvePointer(root: unknown, pointer: string): unknown {
  let at: unknown = root;
  for (const token of pointer.split("/").slice(1)) {
    if (at === null || typeof at !== "object") return undefined;
    at = (at as Record<string, unknown>)[token.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return at;
}

/** A key as one step of a JSON Pointer. */
export function pointerToken(key: PropertyKey): string {
  return String(key).replaceAll("~", "~0").replaceAll("/", "~1");
}

/** What the `$ref` of a schema leads to within its document; `undefined` without one, or where it leads elsewhere. */
export function targetOf(schema: JsonSchema, root: JsonSchema): unknown {
  const ref = schema["$ref"];
  return typeof ref === "string" && ref.startsWith("#") ? resolvePointer(root, ref.slice(1)) : undefined;
}

/** The schema at the end of a chain of references; a schema that refers to nothing is given back as it is. */
export function resolveRef(schema: JsonSchema, root: JsonSchema): JsonSchema {
  let at = schema;
  for (let hops = 0; hops < maxHops; hops += 1) {
    const target = targetOf(at, root);
    if (target === null || typeof target !== "object") return at;
    at = target as JsonSchema;
  }
  return at;
}

/** How many references and choices may stand between a schema and what it says: a chain of them may be a circle. */
export const maxHops = 16;

/** The schemas under keywords that hold lists: `allOf`, `anyOf`, `oneOf`, `prefixItems`; also `required` and `enum`. */
export function listAt(schema: JsonSchema, ...keywords: readonly string[]): readonly unknown[] {
  return keywords.flatMap((keyword) => (Array.isArray(schema[keyword]) ? (schema[keyword] as unknown[]) : []));
}

/** The schemas by name under `properties` or `patternProperties`. */
export function recordAt(schema: JsonSchema, keyword: string): Readonly<Record<string, unknown>> {
  const record = schema[keyword];
  return record !== null && typeof record === "object" ? (record as Record<string, unknown>) : {};
}
