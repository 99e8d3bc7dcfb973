/**
 * Data classes: what kind of data a field is, said where the field is declared, and read from then on by everything
 * that stores, logs or shows it. The class travels as the keyword `x-data-class` in the field's JSON Schema.
 */
import type { JsonSchema, Schema } from "./schema.ts";

/**
 * `personal`: tells of an identified or identifiable person (GDPR article 4.1).
 * `sensitive`: a special category (GDPR article 9), or as harmful when it leaks.
 * `secret`: opens something: a password, a key, a token.
 */
export type DataClass = "personal" | "sensitive" | "secret";

export const dataClassKeyword = "x-data-class";

/** Marks a field as telling of a person: a name, an address, an e-mail. */
export function personal<S extends Schema>(schema: S): S {
  return classify(schema, "personal");
}

/** Marks a field as telling of health, belief, origin or the like, or as harmful as that when it leaks. */
export function sensitive<S extends Schema>(schema: S): S {
  return classify(schema, "sensitive");
}

/** Marks a field as something that opens something else. */
export function secret<S extends Schema>(schema: S): S {
  return classify(schema, "secret");
}

interface WithMeta<S> {
  meta(keywords: Record<string, unknown>): S;
}

function classify<S extends Schema>(schema: S, dataClass: DataClass): S {
  const keyword = { [dataClassKeyword]: dataClass };
  if (hasMeta(schema)) return schema.meta(keyword);

  // A library without `meta`: the same schema, with the keyword added to what it says of itself.
  const standard = schema["~standard"];
  const classified = Object.create(schema) as S;
  Object.defineProperty(classified, "~standard", {
    value: {
      ...standard,
      jsonSchema: {
        input: (options: Parameters<typeof standard.jsonSchema.input>[0]) => ({ ...standard.jsonSchema.input(options), ...keyword }),
        output: (options: Parameters<typeof standard.jsonSchema.output>[0]) => ({ ...standard.jsonSchema.output(options), ...keyword }),
      },
    },
  });
  return classified;
}

function hasMeta<S extends Schema>(schema: S): schema is S & WithMeta<S> {
  return "meta" in schema && typeof schema.meta === "function";
}

/** The data class of each classified place of a schema, by JSON Pointer into the data; `*` stands for every item. */
export function dataClassesOf(json: JsonSchema): ReadonlyMap<string, DataClass> {
  const found = new Map<string, DataClass>();
  walk(json, "", json, found, new Set());
  return found;
}

function walk(node: unknown, path: string, root: JsonSchema, found: Map<string, DataClass>, seen: Set<unknown>): void {
  if (node === null || typeof node !== "object" || seen.has(node)) return;
  const schema = node as JsonSchema;
  const dataClass = schema[dataClassKeyword];
  if (dataClass === "personal" || dataClass === "sensitive" || dataClass === "secret") found.set(path, dataClass);

  const inside = new Set(seen).add(node); // per path, so that a type used twice is walked twice and a cycle once
  const ref = schema["$ref"];
  if (typeof ref === "string" && ref.startsWith("#")) walk(resolvePointer(root, ref.slice(1)), path, root, found, inside);
  for (const [name, child] of Object.entries(asRecord(schema["properties"]))) {
    walk(child, `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, root, found, inside);
  }
  walk(schema["items"], `${path}/*`, root, found, inside);
  walk(schema["additionalProperties"], `${path}/*`, root, found, inside);
  for (const keyword of ["prefixItems", "anyOf", "oneOf", "allOf"]) {
    const branches = schema[keyword];
    if (!Array.isArray(branches)) continue;
    branches.forEach((branch: unknown, index) => {
      walk(branch, keyword === "prefixItems" ? `${path}/${index}` : path, root, found, inside);
    });
  }
}

/** The part of a document that a JSON Pointer (RFC 6901) names, or `undefined`. */
export function resolvePointer(root: unknown, pointer: string): unknown {
  let at: unknown = root;
  for (const token of pointer.split("/").slice(1)) {
    if (at === null || typeof at !== "object") return undefined;
    at = (at as Record<string, unknown>)[token.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return at;
}

function asRecord(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" ? (value as Record<string, unknown>) : {};
}
