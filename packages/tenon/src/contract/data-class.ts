/**
 * Data classes: what kind of data a field is, said where the field is declared, and read from then on by everything
 * that stores, logs or shows it. The class travels as the keyword `x-data-class` in the field's JSON Schema.
 *
 * Classify fields rather than objects: `personal(z.object({ ... })).extend({ ... })` makes a new object, and the mark
 * stays behind on the old one.
 */
import { listAt, pointerToken, recordAt, targetOf } from "./json-schema.ts";
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

/**
 * The data class of each classified place of a schema, by JSON Pointer into the data; `*` stands for every item. Where
 * kinds of one place differ in class, the place has the stricter one.
 *
 * It lists places of schemas, not of values: of a type that contains itself only the outermost is listed. Whoever
 * masks values has to follow the schema along the value instead.
 */
export function dataClassesOf(json: JsonSchema): ReadonlyMap<string, DataClass> {
  const search = new ClassSearch(json);
  search.walk(json, "", new Set());
  return search.found;
}

export const strictness: Readonly<Record<DataClass, number>> = { personal: 1, sensitive: 2, secret: 3 };

class ClassSearch {
  readonly found = new Map<string, DataClass>();
  readonly #root: JsonSchema;

  constructor(root: JsonSchema) {
    this.#root = root;
  }

  /** @param above  The schemas on the way to this one: a type used twice is walked twice, and a cycle once. */
  walk(node: unknown, path: string, above: ReadonlySet<unknown>): void {
    if (node === null || typeof node !== "object" || above.has(node)) return;
    const schema = node as JsonSchema;
    this.#note(path, schema[dataClassKeyword]);

    const inside = new Set(above).add(node);
    this.walk(targetOf(schema, this.#root), path, inside);
    for (const [name, child] of Object.entries(recordAt(schema, "properties"))) this.walk(child, `${path}/${pointerToken(name)}`, inside);
    for (const child of Object.values(recordAt(schema, "patternProperties"))) this.walk(child, `${path}/*`, inside);
    this.walk(schema["items"], `${path}/*`, inside);
    this.walk(schema["additionalProperties"], `${path}/*`, inside);
    listAt(schema, "prefixItems").forEach((child, index) => this.walk(child, `${path}/${index}`, inside));
    for (const branch of listAt(schema, "anyOf", "oneOf", "allOf")) this.walk(branch, path, inside);
  }

  #note(path: string, dataClass: unknown): void {
    if (dataClass !== "personal" && dataClass !== "sensitive" && dataClass !== "secret") return;
    const known = this.found.get(path);
    if (known === undefined || strictness[known] < strictness[dataClass]) this.found.set(path, dataClass);
  }
}
