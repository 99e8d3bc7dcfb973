/**
 * The fields of an input or event, read from its JSON Schema: of one object, of a type behind a reference, or of a
 * choice between several objects (`z.discriminatedUnion`, `z.union`).
 */
import { listAt, maxHops, recordAt, targetOf } from "./json-schema.ts";
import type { JsonSchema } from "./schema.ts";

export interface ObjectShape {
  /** A field that several kinds of the object have is a choice of their schemas. */
  readonly fields: ReadonlyMap<string, JsonSchema>;
  /** Fields that every kind of the object must have. */
  readonly required: ReadonlySet<string>;
  /** Whether fields may stand there that the schema does not name: a record, or a loose object. */
  readonly isOpen: boolean;
}

/** @returns `undefined` when the schema accepts something that is not an object. */
export function objectShapeOf(root: JsonSchema): ObjectShape | undefined {
  return shapeOf(root, root, 0);
}

function shapeOf(node: unknown, root: JsonSchema, hops: number): ObjectShape | undefined {
  if (node === null || typeof node !== "object" || hops > maxHops) return undefined;
  const schema = node as JsonSchema;
  const inner = (each: unknown): ObjectShape | undefined => shapeOf(each, root, hops + 1);

  const parts: (ObjectShape | undefined)[] = [];
  if ("$ref" in schema) parts.push(inner(targetOf(schema, root)));
  if (schema["type"] === "object") parts.push(ownShape(schema));
  parts.push(...listAt(schema, "allOf").map(inner).filter((part) => part !== undefined)); // some only add a bound or a mark
  for (const keyword of ["anyOf", "oneOf"]) {
    if (keyword in schema) parts.push(choiceOf(listAt(schema, keyword).map(inner)));
  }
  if (parts.length === 0 || parts.includes(undefined)) return undefined;
  return allOf(parts as ObjectShape[]);
}

function ownShape(schema: JsonSchema): ObjectShape {
  const rest = schema["additionalProperties"];
  return {
    fields: new Map(Object.entries(recordAt(schema, "properties") as Record<string, JsonSchema>)),
    required: new Set(listAt(schema, "required") as readonly string[]),
    isOpen: (rest !== undefined && rest !== false) || "patternProperties" in schema,
  };
}

function allOf(parts: readonly ObjectShape[]): ObjectShape {
  const required = new Set(parts.flatMap((part) => [...part.required]));
  return { fields: fieldsOf(parts, "allOf"), required, isOpen: parts.some((part) => part.isOpen) };
}

function choiceOf(branches: readonly (ObjectShape | undefined)[]): ObjectShape | undefined {
  const parts = branches.filter((branch) => branch !== undefined);
  const [first] = parts;
  if (first === undefined || parts.length < branches.length) return undefined;
  const required = new Set([...first.required].filter((field) => parts.every((part) => part.required.has(field))));
  return { fields: fieldsOf(parts, "anyOf"), required, isOpen: parts.some((part) => part.isOpen) };
}

function fieldsOf(parts: readonly ObjectShape[], keyword: "allOf" | "anyOf"): ReadonlyMap<string, JsonSchema> {
  const schemas = new Map<string, JsonSchema[]>();
  for (const [name, schema] of parts.flatMap((part) => [...part.fields])) {
    schemas.set(name, [...(schemas.get(name) ?? []), schema]);
  }
  return new Map([...schemas].map(([name, each]) => [name, each.length === 1 ? (each[0] as JsonSchema) : { [keyword]: each }]));
}
