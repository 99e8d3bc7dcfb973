/**
 * The schemas of a document: those with a name move to `components/schemas`, equal ones under one name, and references
 * follow. What only repeats what `format` says is left out, since a person has to read the rest.
 */
import { type JsonSchema, resolvePointer } from "../contract/index.ts";
import { restatedPattern } from "./openapi-formats.ts";

/** `input`: what is sent. `output`: what is received, where unknown fields are to be expected. */
export type Side = "input" | "output";

export interface SchemaOrigin {
  readonly side: Side;
  /** The contract's name, for telling apart two schemas of one name. */
  readonly contract: string;
  /** What the schema is called where it has no name of its own: `OrdersPlaceInput`. */
  readonly name: string;
}

/** A schema under a name. The name is given when all are known. */
class Component {
  /** The name that the library gives it; `undefined` for a part that is only referred to. */
  readonly given: string | undefined;
  readonly origin: SchemaOrigin;
  isReceived: boolean;
  schema: unknown = undefined;
  /** Another one that says the same, which stands for this one. */
  twin: Component | undefined = undefined;
  name = "";

  constructor(given: string | undefined, origin: SchemaOrigin) {
    this.given = given;
    this.origin = origin;
    this.isReceived = origin.side === "output";
  }

  get final(): Component {
    return this.twin ?? this;
  }
}

export class SchemaRegistry {
  readonly #components: Component[] = [];
  readonly #own: Readonly<Record<string, unknown>>;
  readonly #taken: Set<string>;

  /** @param own  The document's own schemas by name: those of contracts get out of their way. */
  constructor(own: Readonly<Record<string, unknown>>) {
    this.#own = own;
    this.#taken = new Set(Object.keys(own));
  }

  /** A reader for the parts of one schema document: `root` is what `#` in their references means. */
  reader(root: JsonSchema, origin: SchemaOrigin): (part: unknown) => JsonSchema {
    const byPointer = new Map<string, Component>();
    const refer = (pointer: string): Component => {
      const known = byPointer.get(pointer);
      if (known !== undefined) return known;
      const component = new Component(nameIn(pointer), origin);
      byPointer.set(pointer, component);
      this.#components.push(component);
      component.schema = rewrite(resolvePointer(root, pointer), { side: origin.side, refer });
      return component;
    };
    return (part) => {
      const schema = rewrite(part, { side: origin.side, refer });
      // A schema that refers to itself as `#` has become a component of its own; this is the same one.
      const whole = part === root ? byPointer.get("") : undefined;
      return (whole === undefined ? schema : { $ref: whole }) as JsonSchema;
    };
  }

  /** A reference to a schema of the document's own, which may hold what a reader has given. */
  add(schema: JsonSchema, origin: SchemaOrigin): JsonSchema {
    const component = new Component(origin.name, origin);
    component.schema = schema;
    this.#components.push(component);
    return { $ref: component };
  }

  /** A reference to a whole schema document: a component even where it has no name of its own. */
  whole(root: JsonSchema, origin: SchemaOrigin): JsonSchema {
    const schema = this.reader(root, origin)(root);
    const isReference = "$ref" in schema && Object.keys(schema).length === 1;
    return isReference ? schema : this.add(schema, origin);
  }

  /**
   * The document as plain data, with every reference by its final name. Call once, when all parts have been read.
   *
   * @param build  Makes the document out of the schemas by name, which come in alphabetic order.
   */
  finish<T>(build: (schemas: Readonly<Record<string, unknown>>) => T): T {
    this.#joinTwins();
    const kept = this.#components.filter((component) => component.twin === undefined);
    // Received ones first: they are what people know by the plain name.
    for (const component of kept.filter((each) => each.isReceived)) component.name = this.#freeName(component);
    for (const component of kept.filter((each) => !each.isReceived)) component.name = this.#freeName(component);
    const named = [...Object.entries(this.#own), ...kept.map((component) => [component.name, component.schema] as const)];
    const document = build(Object.fromEntries(named.toSorted(([a], [b]) => (a < b ? -1 : 1))));
    return JSON.parse(JSON.stringify(document, withFinalNames)) as T;
  }

  #joinTwins(): void {
    const bySaying = new Map<string, Component>();
    for (const component of this.#components) {
      const saying = sayingOf(component);
      const first = bySaying.get(saying);
      if (first === undefined) {
        bySaying.set(saying, component);
      } else {
        component.twin = first;
        first.isReceived ||= component.isReceived;
      }
    }
  }

  #freeName({ given, isReceived, origin }: Component): string {
    const base = given ?? origin.name;
    const side = isReceived ? "Output" : "Input";
    const contract = toPascalCase(origin.contract);
    const candidates = [base, base.endsWith(side) ? base : base + side, contract + base, contract + base + side];
    for (let count = 2; ; count += 1) {
      const free = candidates.find((name) => !this.#taken.has(name));
      if (free !== undefined) {
        this.#taken.add(free);
        return free;
      }
      candidates.push(`${base}${count}`);
    }
  }
}

/** `order-lines` and `orderLines` become `OrderLines`. */
export function toPascalCase(text: string): string {
  return text.replaceAll(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9]?)/g, (_, letter: string) => letter.toUpperCase());
}

interface Rewriting {
  readonly side: Side;
  readonly refer: (pointer: string) => Component;
}

/** Keywords that hold one schema, a list of them, and schemas by name. */
export const inSchema: ReadonlySet<string> = new Set(["additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"]);
export const inList: ReadonlySet<string> = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);
export const inRecord: ReadonlySet<string> = new Set(["dependentSchemas", "patternProperties", "properties"]);
/** They give a schema a place of its own, which it does not have in the document. */
const dropped = new Set(["$anchor", "$defs", "$id", "$schema"]);

/** A copy of a schema, keyword by keyword: data such as `enum` and `examples`, and a field that is named `pattern`, stay as they are. */
function rewrite(node: unknown, how: Rewriting): unknown {
  if (node === null || typeof node !== "object" || Array.isArray(node)) return node; // `true` and `false` are schemas
  const schema = node as JsonSchema;
  const entries: (readonly [string, unknown])[] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    if (dropped.has(keyword)) continue;
    if (keyword === "additionalProperties" && value === false && how.side === "output") continue; // a later version may say more
    if (keyword === "$ref" && typeof value === "string" && value.startsWith("#")) entries.push([keyword, how.refer(value.slice(1))]);
    else if (keyword === "pattern") entries.push(...patternOf(schema));
    else if (inSchema.has(keyword)) entries.push([keyword, rewrite(value, how)]);
    else if (inList.has(keyword) && Array.isArray(value)) entries.push([keyword, value.map((each) => rewrite(each, how))]);
    else if (inRecord.has(keyword)) entries.push([keyword, Object.fromEntries(Object.entries(value as object).map(([name, each]) => [name, rewrite(each, how)]))]);
    else entries.push([keyword, value]);
  }
  return Object.fromEntries(entries);
}

function patternOf(schema: JsonSchema): readonly (readonly [string, unknown])[] {
  const pattern = restatedPattern(schema["format"], schema["pattern"]);
  return pattern === undefined ? [] : [["pattern", pattern]];
}

/** The name in `/$defs/Order`. Libraries give `__schema0` to what has none. */
function nameIn(pointer: string): string | undefined {
  const name = /^\/\$defs\/([^/]+)$/.exec(pointer)?.[1];
  if (name === undefined || /^_*schema\d+$/.test(name)) return undefined;
  return name.replaceAll("~1", "/").replaceAll("~0", "~").replaceAll(/[^A-Za-z0-9._-]+/g, "_");
}

/** What a component says, with all that it refers to, however its parts are called. Equal text, equal meaning. */
function sayingOf(component: Component): string {
  const met: Component[] = [component];
  const numbered = (_key: string, value: unknown): unknown => {
    if (!(value instanceof Component)) return value;
    if (!met.includes(value)) met.push(value);
    return met.indexOf(value);
  };
  let saying = "";
  // Grows while it is walked: each schema adds those that it refers to.
  for (const each of met) saying += `${each.given ?? ""} ${JSON.stringify(each.schema, numbered)}\n`;
  return saying;
}

function withFinalNames(_key: string, value: unknown): unknown {
  return value instanceof Component ? `#/components/schemas/${value.final.name}` : value;
}
