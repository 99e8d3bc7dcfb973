/**
 * Cuts a value to what a JSON Schema declares, for schema libraries that let undeclared fields pass. An object keeps
 * the fields under `properties`; the rest goes, unless `additionalProperties` says what else may stand there.
 *
 * It validates nothing: the value has been accepted already. Where a schema offers a choice (`anyOf`, `oneOf`), the
 * value keeps what any branch declares that it looks like (type, constants and required fields, one level deep).
 */
import { listAt, maxHops, recordAt, resolveRef, targetOf } from "./json-schema.ts";
import type { JsonSchema } from "./schema.ts";

/** Gives back the value cut to the schema: new objects and lists, the value given is not changed. */
export type Projector = (value: unknown) => unknown;

export function createProjector(json: JsonSchema): Projector {
  return (value) => project([json], value, json);
}

/** @param schemas  Every schema that the value has been accepted by, or may have been. */
function project(schemas: readonly unknown[], value: unknown, root: JsonSchema): unknown {
  if (value === null || typeof value !== "object") return value;
  const fitting = schemas.flatMap((schema) => partsFor(schema, value, root));
  if (Array.isArray(value)) return projectArray(fitting, value, root);
  return projectObject(fitting, value as Record<string, unknown>, root);
}

function projectArray(schemas: readonly JsonSchema[], value: readonly unknown[], root: JsonSchema): unknown {
  return value.map((item, index) => {
    const forItem = schemas.map((schema) => listAt(schema, "prefixItems")[index] ?? schema["items"] ?? true);
    return forItem.includes(true) ? item : project(forItem, item, root);
  });
}

function projectObject(schemas: readonly JsonSchema[], value: Record<string, unknown>, root: JsonSchema): unknown {
  if (schemas.some(isAnyObject)) return value;
  const kept: [string, unknown][] = [];
  for (const [name, field] of Object.entries(value)) {
    const forField = schemas.flatMap((schema) => schemasOfField(schema, name));
    if (forField.length === 0) continue;
    kept.push([name, forField.includes(true) ? field : project(forField, field, root)]);
  }
  return Object.fromEntries(kept); // defines `__proto__` as a field, where assigning would change the prototype
}

/** An object of which nothing is said may hold anything. */
function isAnyObject(schema: JsonSchema): boolean {
  return !says(schema, ["properties", "additionalProperties", "patternProperties", "required"]);
}

function says(schema: JsonSchema, keywords: readonly string[]): boolean {
  return keywords.some((keyword) => keyword in schema);
}

function schemasOfField(schema: JsonSchema, name: string): readonly unknown[] {
  const properties = recordAt(schema, "properties");
  if (Object.hasOwn(properties, name)) return [properties[name]];
  const byPattern = Object.entries(recordAt(schema, "patternProperties")).filter(([pattern]) => new RegExp(pattern, "u").test(name));
  if (byPattern.length > 0) return byPattern.map(([, each]) => each);
  const rest = schema["additionalProperties"];
  return rest === undefined || rest === false ? [] : [rest];
}

/** The plain schemas behind references and choices that the value looks like. */
function partsFor(schema: unknown, value: object, root: JsonSchema, hops = 0): readonly JsonSchema[] {
  if (schema === null || typeof schema !== "object" || hops > maxHops) return [];
  const node = schema as JsonSchema;
  const inner = (each: unknown): readonly JsonSchema[] => partsFor(each, value, root, hops + 1);
  const parts: JsonSchema[] = [];
  for (const each of [targetOf(node, root), ...listAt(node, "allOf")]) parts.push(...inner(each));
  for (const keyword of ["anyOf", "oneOf"]) {
    const branches = listAt(node, keyword);
    const alike = branches.filter((branch) => looksLike(branch, value, root));
    for (const branch of alike.length > 0 ? alike : branches) parts.push(...inner(branch));
  }
  if (parts.length === 0 || says(node, ["properties", "additionalProperties", "patternProperties", "items", "prefixItems"])) parts.push(node);
  return parts;
}

function looksLike(branch: unknown, value: object, root: JsonSchema): boolean {
  if (branch === null || typeof branch !== "object") return branch === true;
  const schema = resolveRef(branch as JsonSchema, root);
  const type = Array.isArray(value) ? "array" : "object";
  const types = schema["type"] === undefined ? [type] : [schema["type"]].flat();
  if (!types.includes(type)) return false;
  const fields = value as Record<string, unknown>;
  if (!listAt(schema, "required").every((name) => Object.hasOwn(fields, name as string))) return false;
  return Object.entries(recordAt(schema, "properties")).every(([name, property]) => {
    const { const: constant, enum: choices } = property as JsonSchema;
    const field = fields[name];
    if (field === undefined || typeof field === "object") return true;
    if (constant !== undefined) return field === constant;
    return Array.isArray(choices) ? choices.includes(field) : true;
  });
}
