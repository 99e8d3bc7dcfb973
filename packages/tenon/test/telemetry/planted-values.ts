/**
 * Values to be looked for: valid ones for any schema, made from its JSON Schema, with a mark of its own in each field that
 * is classified. A new field of a contract is planted by itself; one whose values cannot be made up fails the test.
 */
import { randomUUID } from "node:crypto";
import { dataClassKeyword, type JsonSchema, resolvePointer } from "../../src/contract/index.ts";

/** Numbers from here on are marks. */
const numbersFrom = 70_770_000;

export class Planter {
  /** What each mark stands for. */
  readonly places = new Map<string, string>();

  /** A value that fits the schema. Optional fields are there where they are classified. */
  valueFor(json: JsonSchema, place: string): unknown {
    return this.#value(json, { root: json, place, isClassified: false });
  }

  /** Each field of an object once with values of other types, the marks inside of them. */
  *misfits(json: JsonSchema, place: string): Generator<unknown> {
    const whole = this.valueFor(json, place);
    if (typeof whole !== "object" || whole === null) return;
    for (const [name, value] of Object.entries(whole)) {
      for (const wrong of [[value], { [name]: value }, { [String(value)]: 1 }, `${String(value)}\u0000`, `${"x".repeat(400)} ${String(value)}`]) yield { ...whole, [name]: wrong };
    }
    yield JSON.stringify(whole);
    yield [whole];
  }

  /** The marks in a text, with what they stand for. */
  foundIn(text: string): readonly string[] {
    const lower = text.toLowerCase();
    return [...this.places].filter(([mark]) => lower.includes(mark)).map(([mark, place]) => `${mark} (${place})`);
  }

  #value(node: unknown, at: { readonly root: JsonSchema; readonly place: string; readonly isClassified: boolean }): unknown {
    const schema = node as JsonSchema;
    const inside = { ...at, isClassified: at.isClassified || schema[dataClassKeyword] !== undefined };
    if (typeof schema["$ref"] === "string") return this.#value(resolvePointer(at.root, schema["$ref"].slice(1)), inside);
    for (const keyword of ["anyOf", "oneOf", "allOf"]) {
      const choices = schema[keyword] as readonly JsonSchema[] | undefined;
      if (choices !== undefined) return this.#value(choices.find((choice) => choice["type"] !== "null"), inside);
    }
    if ("const" in schema) return schema["const"];
    if (Array.isArray(schema["enum"])) return schema["enum"][0];
    switch (schema["type"]) {
      case "object":
        return this.#object(schema, inside);
      case "array":
        return [this.#value(schema["items"], { ...inside, place: `${at.place}/*` })];
      case "string":
        return inside.isClassified ? this.#marked(schema, at.place) : plainText(schema);
      case "integer":
      case "number":
        return inside.isClassified ? this.#number(at.place) : Math.max(1, Number(schema["minimum"] ?? 1));
      case "boolean":
        return true;
      default:
        return null;
    }
  }

  #object(schema: JsonSchema, at: { readonly root: JsonSchema; readonly place: string; readonly isClassified: boolean }): unknown {
    const required = new Set((schema["required"] ?? []) as readonly string[]);
    const properties = Object.entries((schema["properties"] ?? {}) as Record<string, JsonSchema>);
    const wanted = properties.filter(([name, child]) => required.has(name) || JSON.stringify(child).includes(dataClassKeyword));
    return Object.fromEntries(wanted.map(([name, child]) => [name, this.#value(child, { ...at, place: `${at.place}/${name}` })]));
  }

  #mark(place: string): string {
    const mark = `planted${String(this.places.size).padStart(5, "0")}`;
    this.places.set(mark, place);
    return mark;
  }

  #number(place: string): number {
    const value = numbersFrom + this.places.size;
    this.places.set(String(value), place);
    return value;
  }

  #marked(schema: JsonSchema, place: string): string {
    const mark = this.#mark(place);
    const pattern = new RegExp(typeof schema["pattern"] === "string" ? schema["pattern"] : "");
    const max = Number(schema["maxLength"] ?? Number.POSITIVE_INFINITY);
    const fitting = [mark, `${mark}@example.org`, `tok_${mark}`].find((text) => text.length <= max && pattern.test(text) && (schema["format"] !== "email" || text.includes("@")));
    if (fitting === undefined) throw new TypeError(`no value can be made up for ${place}: give planted-values.ts a text that fits ${JSON.stringify(schema)}`);
    return fitting;
  }
}

function plainText(schema: JsonSchema): string {
  if (schema["format"] === "uuid") return randomUUID();
  if (schema["format"] === "date-time") return new Date(0).toISOString();
  const pattern = new RegExp(typeof schema["pattern"] === "string" ? schema["pattern"] : "");
  return ["something", "DE", "EUR", "TEA-0001", "tea-0001", "image/png"].find((text) => pattern.test(text)) ?? "x";
}
