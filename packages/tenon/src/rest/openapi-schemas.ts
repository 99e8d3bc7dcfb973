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
  readonly base: string;
  readonly origin: SchemaOrigin;
  schema: unknown = undefined;
  /** Another one that says the same, which stands for this one. */
  twin: Component | undefined = undefined;
  name = "";

  constructor(base: string, origin: SchemaOrigin) {
    this.base = base;
    this.origin = origin;
  }

  get final(): Component {
    return this.twin ?? this;
  }
}

export class SchemaRegistry {
  readonly #components: Component[] = [];
  readonly #taken: Set<string>;

  /** @param taken  Names that the document gives to schemas of its own. */
  constructor(taken: readonly string[]) {
    this.#taken = new Set(taken);
  }

  /** A reader for the parts of one schema document: `root` is what `#` in their references means. */
  reader(root: JsonSchema, origin: SchemaOrigin): (part: unknown) => JsonSchema {
    const byPointer = new Map<string, Component>();
    const refer = (pointer: string): Component => {
      const known = byPointer.get(pointer);
      if (known !== undefined) return known;
      const component = new Component(nameIn(pointer) ?? origin.name, origin);
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

  /**
   * The document as plain data: every reference by its final name, and `schemas` filled in at the place given.
   * Call once, when all parts have been read.
   *
   * @param build  Makes the document out of the schemas by name, in alphabetic order.
   */
  finish<T>(build: (schemas: Readonly<Record<string, unknown>>) => T): T {
    this.#joinTwins();
    const kept = this.#components.filter((component) => component.twin === undefined);
    // Received ones first: they are what people know by the plain name.
    for (const component of kept.toSorted((a, b) => rank(a) - rank(b))) component.name = this.#freeName(component);
    const byName = kept.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const document = build(Object.fromEntries(byName.map((component) => [component.name, component.schema])));
    return JSON.parse(JSON.stringify(document, withFinalNames)) as T;
  }

  #joinTwins(): void {
    const bySaying = new Map<string, Component>();
    for (const component of this.#components) {
      const saying = sayingOf(component);
      const first = bySaying.get(saying);
      if (first === undefined) bySaying.set(saying, component);
      else component.twin = first;
    }
  }

  #freeName({ base, origin }: Component): string {
    const side = origin.side === "input" ? "Input" : "Output";
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

const inSchema = new Set(["additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"]);
const inList = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);
const inRecord = new Set(["dependentSchemas", "patternProperties", "properties"]);
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
  for (const each of met) saying += `${each.base.startsWith(each.origin.name) ? "" : each.base} ${JSON.stringify(each.schema, numbered)}\n`;
  return saying;
}

function withFinalNames(_key: string, value: unknown): unknown {
  return value instanceof Component ? `#/components/schemas/${value.final.name}` : value;
}

function rank(component: Component): number {
  return component.origin.side === "output" ? 0 : 1;
}
