/**
 * Which types of PostgreSQL a column may have so that its values fit the schema that the service declares for it. Goes
 * by what values read back as (see `Session` in ports.ts), not by what could be converted.
 */
import { type JsonSchema, resolvePointer } from "../contract/index.ts";

/** What fits, by `pg_type.typname`; the first is what we would choose. `undefined`: anything does. */
export interface FittingTypes {
  readonly types: readonly string[] | undefined;
  readonly isNullable: boolean;
}

const texts = ["text", "varchar", "bpchar", "citext", "name"];
const textByFormat: Readonly<Record<string, readonly string[]>> = {
  uuid: ["uuid", ...texts],
  "date-time": ["timestamptz", "timestamp", ...texts],
  date: ["date", ...texts],
  time: ["time", "timetz", ...texts],
  duration: ["interval", ...texts],
  ipv4: ["inet", ...texts],
  ipv6: ["inet", ...texts],
};
/** Text without a format may also be a number too exact for JSON, or an enumeration of the database. */
const anyText = [...texts, "numeric", "uuid", "enum", "inet", "cidr", "macaddr", "money", "tsvector", "xml", "ltree"];
const integers = ["int4", "int8", "int2"];
const numbers = ["float8", "float4", ...integers];
const json = ["jsonb", "json"];
const maxInt4 = 2_147_483_647;

export function fittingTypes(schema: JsonSchema): FittingTypes {
  const branches = branchesOf(schema, schema, new Set());
  const values = branches.filter((branch) => !isNull(branch));
  const isNullable = values.length < branches.length;
  const fits = values.map((branch) => typesOf(branch));
  if (fits.some((each) => each === undefined)) return { types: undefined, isNullable };
  const lists = fits as readonly (readonly string[])[];
  const [first = json, ...rest] = lists;
  const common = first.filter((type) => rest.every((list) => list.includes(type)));
  // Values of several kinds have no column type in common but JSON.
  return { types: common.length > 0 ? common : json, isNullable };
}

/** The alternatives of a schema, with references followed. Several types in one schema are as many alternatives. */
function branchesOf(schema: JsonSchema, root: JsonSchema, seen: ReadonlySet<unknown>): readonly JsonSchema[] {
  if (seen.has(schema)) return [{}];
  const inside = new Set(seen).add(schema);
  const ref = schema["$ref"];
  if (typeof ref === "string" && ref.startsWith("#")) return branchesOf(resolvePointer(root, ref.slice(1)) as JsonSchema, root, inside);
  for (const keyword of ["anyOf", "oneOf"]) {
    const branches = schema[keyword];
    if (Array.isArray(branches)) return branches.flatMap((branch: JsonSchema) => branchesOf(branch, root, inside));
  }
  const allOf = schema["allOf"];
  if (Array.isArray(allOf) && schema["type"] === undefined) return branchesOf(Object.assign({}, ...(allOf as JsonSchema[])) as JsonSchema, root, inside);
  const type = schema["type"];
  if (Array.isArray(type)) return type.map((each: unknown) => ({ ...schema, type: each }));
  return [schema];
}

function isNull(schema: JsonSchema): boolean {
  return schema["type"] === "null" || schema["const"] === null;
}

function typesOf(schema: JsonSchema): readonly string[] | undefined {
  const type = schema["type"] ?? typeOfValues(schema);
  switch (type) {
    case "string":
      return textByFormat[String(schema["format"])] ?? anyText;
    case "integer":
      // A number that may be larger than int4 holds fails at the first one that is.
      return integers.toSorted((a, b) => integerRank(a, schema) - integerRank(b, schema));
    case "number":
      return numbers;
    case "boolean":
      return ["bool"];
    case "object":
      return json;
    case "array":
      return [...json, ...arrayTypes(schema)];
    default:
      return undefined;
  }
}

function integerRank(type: string, schema: JsonSchema): number {
  const maximum = schema["maximum"] ?? schema["exclusiveMaximum"];
  const isSmall = typeof maximum === "number" && maximum <= maxInt4;
  return (isSmall ? ["int4", "int8", "int2"] : ["int8", "int4", "int2"]).indexOf(type);
}

/** PostgreSQL names the type of arrays of `text` `_text`. */
function arrayTypes(schema: JsonSchema): readonly string[] {
  const items = schema["items"];
  if (typeof items !== "object" || items === null) return [];
  const { types } = fittingTypes(items as JsonSchema);
  return (types ?? []).map((type) => `_${type}`);
}

/** `const` and `enum` without a `type`. */
function typeOfValues(schema: JsonSchema): string | undefined {
  const values = "const" in schema ? [schema["const"]] : schema["enum"];
  if (!Array.isArray(values) || values.length === 0) return undefined;
  const kinds = new Set(values.map((value) => (Number.isInteger(value) ? "integer" : typeof value)));
  return kinds.size === 1 ? [...kinds][0] : undefined;
}
