/**
 * How deep a value may be nested where its schema leaves that open. Everything behind a parser recurses over values
 * (validators, JSON.stringify, canonical forms), so a body of a hundred thousand brackets would overflow the stack.
 */
import type { FaultDetail } from "../kernel/index.ts";
import { listAt, recordAt, targetOf } from "./json-schema.ts";
import type { JsonSchema } from "./schema.ts";

/** Lists and objects inside one another. System.Text.Json has the same default; data of people stays below 10. */
export const maxDepth = 64;

/**
 * What is wrong with a value that is nested too deeply; `undefined` when it is not.
 *
 * Walks level by level without recursion and looks at each list and object once per level, so its cost is bounded
 * for values that share parts or contain themselves, too.
 */
export function checkDepth(value: unknown): FaultDetail | undefined {
  let level = isNested(value) ? new Set<object>([value]) : new Set<object>();
  for (let depth = 1; level.size > 0; depth += 1) {
    if (depth > maxDepth) return { path: "", message: `is nested deeper than ${maxDepth} levels` };
    const below = new Set<object>();
    for (const node of level) {
      for (const child of Object.values(node)) {
        if (isNested(child)) below.add(child);
      }
    }
    level = below;
  }
  return undefined;
}

function isNested(value: unknown): value is object {
  return value !== null && typeof value === "object";
}

/**
 * Whether a JSON Schema alone bounds how deep a value that it accepts can be: it has no place for just anything, and
 * no type in it refers to itself.
 *
 * @param undeclared  What the library does with fields that an object does not declare: `cut` takes them away unseen.
 */
export function isBoundedSchema(json: JsonSchema, undeclared: "cut" | "kept"): boolean {
  return new BoundsWalk(json, undeclared === "cut").isBounded(json);
}

class BoundsWalk {
  readonly #root: JsonSchema;
  readonly #isCut: boolean;
  /** Schemas met so far: `false` while the walk is inside of one, so that meeting it again is a cycle. */
  readonly #met = new Map<unknown, boolean>();

  constructor(root: JsonSchema, isCut: boolean) {
    this.#root = root;
    this.#isCut = isCut;
  }

  /** `undefined` stands for a part that the schema does not mention: anything, unless the library cuts it. */
  isBounded(node: unknown): boolean {
    if (node === undefined) return this.#isCut;
    if (node === null || typeof node !== "object") return node === false; // `true` is just anything
    const known = this.#met.get(node);
    if (known !== undefined) return known;
    this.#met.set(node, false);
    const bounded = this.#isBoundedSchema(node as JsonSchema);
    this.#met.set(node, bounded);
    return bounded;
  }

  #isBoundedSchema(schema: JsonSchema): boolean {
    if ("$ref" in schema) return this.isBounded(targetOf(schema, this.#root) ?? true);
    if ("const" in schema || "enum" in schema) return true;
    // In logic one bounded part of an `allOf` is enough, but a library walks each part.
    const branches = listAt(schema, "allOf", "anyOf", "oneOf");
    if (!branches.every((branch) => this.isBounded(branch))) return false;
    const types = typeof schema["type"] === "string" ? [schema["type"]] : listAt(schema, "type");
    if (types.length === 0) return branches.length > 0;
    if (types.includes("object") && !this.#isBoundedObject(schema)) return false;
    return !types.includes("array") || this.#isBoundedArray(schema);
  }

  #isBoundedObject(schema: JsonSchema): boolean {
    const named = [...Object.values(recordAt(schema, "properties")), ...Object.values(recordAt(schema, "patternProperties"))];
    return named.every((each) => this.isBounded(each)) && this.isBounded(schema["additionalProperties"]);
  }

  #isBoundedArray(schema: JsonSchema): boolean {
    const first = listAt(schema, "prefixItems");
    return first.every((each) => this.isBounded(each)) && this.isBounded(schema["items"] ?? (first.length > 0 ? undefined : true));
  }
}
