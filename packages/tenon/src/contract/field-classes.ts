/**
 * Data classes by the names of fields, over many schemas: for values that have left the shape in which a contract knows
 * them, such as a row in a log line. The name is all that is left of their declaration then.
 *
 * A name counts as classified where any schema says so; `postalCode`, `postal_code` and `Postal-Code` are one name. It
 * will not tell two fields of one name apart: where one of them is classified, both are hidden.
 */
import { type DataClass, dataClassKeyword, strictness } from "./data-class.ts";
import { listAt, recordAt, targetOf } from "./json-schema.ts";
import type { JsonSchema } from "./schema.ts";

/** Names are looked up as they come, and most lines have the same ones; beyond so many they come from data. */
const rememberedMax = 10_000;

/** One place of a schema, on the way through it. */
interface Place {
  /** Of the field that it belongs to: items and values of records go by the name of what holds them. */
  readonly name: string | undefined;
  /** Of what surrounds it. */
  readonly surrounding: DataClass | undefined;
  /** The schemas on the way here: a type used twice is walked twice, and a cycle once. */
  readonly above: ReadonlySet<unknown>;
}

export class FieldClasses {
  readonly #own = new Map<string, DataClass>();
  /** Names that are classified only inside of something that is, or only elsewhere: a plain field of the same name counts more. */
  readonly #lent = new Map<string, DataClass>();
  readonly #plain = new Set<string>();
  readonly #remembered = new Map<string, DataClass | undefined>();

  /** Whether there is no classified name at all. */
  get isEmpty(): boolean {
    return this.#own.size === 0 && this.#lent.size === 0;
  }

  /** The class of a field of this name, however it is written. */
  of(name: string): DataClass | undefined {
    if (this.#remembered.has(name)) return this.#remembered.get(name);
    const key = normal(name);
    const found = this.#own.get(key) ?? (this.#plain.has(key) ? undefined : this.#lent.get(key));
    if (this.#remembered.size < rememberedMax) this.#remembered.set(name, found);
    return found;
  }

  /** @param name  Of the field that has this schema; left out for an object whose properties are the fields. */
  add(json: JsonSchema, name?: string): void {
    this.#remembered.clear();
    this.#walk(json, json, { name, surrounding: undefined, above: new Set() });
  }

  /** Takes over what others class, as far as nothing here is called the same and is open. */
  lend(others: FieldClasses): void {
    this.#remembered.clear();
    for (const [key, dataClass] of [...others.#lent, ...others.#own]) note(this.#lent, key, dataClass);
  }

  #walk(root: JsonSchema, node: unknown, place: Place): void {
    if (node === null || typeof node !== "object" || place.above.has(node)) return;
    const schema = node as JsonSchema;
    const { name } = place;
    const own = dataClassAt(schema);
    if (name !== undefined) this.#note(name, own, place.surrounding);

    const inside = { name, surrounding: own ?? place.surrounding, above: new Set(place.above).add(node) };
    for (const [property, child] of Object.entries(recordAt(schema, "properties"))) this.#walk(root, child, { ...inside, name: property });
    const same = [targetOf(schema, root), schema["items"], schema["additionalProperties"], ...Object.values(recordAt(schema, "patternProperties")), ...listAt(schema, "prefixItems", "anyOf", "oneOf", "allOf")];
    for (const child of same) this.#walk(root, child, inside);
  }

  #note(name: string, own: DataClass | undefined, surrounding: DataClass | undefined): void {
    const key = normal(name);
    if (own !== undefined) note(this.#own, key, own);
    else if (surrounding !== undefined) note(this.#lent, key, surrounding);
    else this.#plain.add(key);
  }
}

function note(classes: Map<string, DataClass>, key: string, dataClass: DataClass): void {
  const known = classes.get(key);
  if (known === undefined || strictness[known] < strictness[dataClass]) classes.set(key, dataClass);
}

function dataClassAt(schema: JsonSchema): DataClass | undefined {
  const dataClass = schema[dataClassKeyword];
  return typeof dataClass === "string" && Object.hasOwn(strictness, dataClass) ? (dataClass as DataClass) : undefined;
}

function normal(name: string): string {
  return name.replaceAll(/[\s_-]/g, "").toLowerCase();
}
