/**
 * Values without what is classified in them, to be shown to somebody who looks after the service and not after the people
 * whose data it is. The schema is followed along the value, so types that contain themselves are masked all the way down.
 */
import { type DataClass, dataClassKeyword, strictness } from "./data-class.ts";
import { listAt, pointerToken, recordAt, targetOf } from "./json-schema.ts";
import type { JsonSchema } from "./schema.ts";

/** The value, or a copy in which each classified place says its class instead: `[personal]`. */
export type Mask = (value: unknown) => unknown;

export function createMask(json: JsonSchema): Mask {
  return (value) => replaceClassified(json, value, (_classified, { dataClass }) => `[${dataClass}]`);
}

/** A classified place of a value. */
export interface ClassifiedPlace {
  readonly dataClass: DataClass;
  /** JSON Pointer (RFC 6901). */
  readonly pointer: string;
}

/** A copy in which each classified place has something else. */
export function replaceClassified(json: JsonSchema, value: unknown, replace: (classified: unknown, place: ClassifiedPlace) => unknown): unknown {
  return new Masker(json, replace).mask(value, { nodes: [json], pointer: "" });
}

/** In place of a value whose class is not known, such as data of an older version. */
export const maskAll: Mask = () => "[not shown]";

interface MaskedPlace {
  /** The schemas of this place: all of them, since which one the value met is not asked. */
  readonly nodes: readonly unknown[];
  readonly pointer: string;
}

class Masker {
  readonly #root: JsonSchema;
  readonly #replace: (classified: unknown, place: ClassifiedPlace) => unknown;

  constructor(root: JsonSchema, replace: (classified: unknown, place: ClassifiedPlace) => unknown) {
    this.#root = root;
    this.#replace = replace;
  }

  mask(value: unknown, { nodes, pointer }: MaskedPlace): unknown {
    const schemas = this.#expand(nodes);
    const dataClass = strictest(schemas);
    if (dataClass !== undefined) return this.#replace(value, { dataClass, pointer });
    if (Array.isArray(value)) return value.map((item, index) => this.mask(item, { nodes: itemsOf(schemas, index), pointer: `${pointer}/${index}` }));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.mask(member, { nodes: membersOf(schemas, name), pointer: `${pointer}/${pointerToken(name)}` })]));
  }

  /** With what references and choices lead to. */
  #expand(nodes: readonly unknown[]): readonly JsonSchema[] {
    const found = new Set<JsonSchema>();
    const open = [...nodes];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node === null || typeof node !== "object" || found.has(node as JsonSchema)) continue;
      const schema = node as JsonSchema;
      found.add(schema);
      open.push(...[targetOf(schema, this.#root)].filter((each) => each !== undefined), ...listAt(schema, "anyOf", "oneOf", "allOf"));
    }
    return [...found];
  }
}

function strictest(schemas: readonly JsonSchema[]): DataClass | undefined {
  const classes = schemas.map((schema) => schema[dataClassKeyword]).filter((each): each is DataClass => typeof each === "string" && Object.hasOwn(strictness, each));
  return classes.toSorted((a, b) => strictness[b] - strictness[a])[0];
}

function itemsOf(schemas: readonly JsonSchema[], index: number): readonly unknown[] {
  return schemas.flatMap((schema) => [listAt(schema, "prefixItems")[index], schema["items"]]).filter((each) => each !== undefined);
}

function membersOf(schemas: readonly JsonSchema[], name: string): readonly unknown[] {
  return schemas.flatMap((schema) => {
    const properties = recordAt(schema, "properties");
    const own = Object.hasOwn(properties, name) ? [properties[name]] : [];
    return [...own, ...Object.values(recordAt(schema, "patternProperties")), schema["additionalProperties"]].filter((each) => each !== undefined);
  });
}
