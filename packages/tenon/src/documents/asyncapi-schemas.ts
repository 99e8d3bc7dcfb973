/**
 * Schemas as AsyncAPI reads them: a superset of JSON Schema draft 07, where contracts speak draft 2020-12. The few
 * keywords that changed between the two are put back; everything else is the same in both.
 *
 * @see https://json-schema.org/draft/2020-12/release-notes
 */
import type { JsonSchema } from "../contract/index.ts";
import { inList, inRecord, inSchema } from "./openapi-schemas.ts";

export function toDraft07(node: unknown): unknown {
  if (node === null || typeof node !== "object" || Array.isArray(node)) return node; // `true` and `false` are schemas
  const schema = Object.fromEntries(Object.entries(node).map(([keyword, value]) => [keyword, withinKeyword(keyword, value)]));
  return besideReference(dependencies(tuple(schema)));
}

function withinKeyword(keyword: string, value: unknown): unknown {
  if (inSchema.has(keyword)) return toDraft07(value);
  if (inList.has(keyword) && Array.isArray(value)) return value.map(toDraft07);
  if (inRecord.has(keyword)) return Object.fromEntries(Object.entries(value as object).map(([name, each]) => [name, toDraft07(each)]));
  return value;
}

/** A tuple was a list under `items`, and what follows it stood under `additionalItems`. */
function tuple({ prefixItems, items, ...rest }: JsonSchema): JsonSchema {
  if (prefixItems === undefined) return items === undefined ? rest : { ...rest, items };
  return { ...rest, items: prefixItems, ...(items === undefined ? {} : { additionalItems: items }) };
}

function dependencies({ dependentRequired, dependentSchemas, ...rest }: JsonSchema): JsonSchema {
  if (dependentRequired === undefined && dependentSchemas === undefined) return rest;
  return { ...rest, dependencies: { ...(dependentRequired as object), ...(dependentSchemas as object) } };
}

/** What stands beside `$ref` was not looked at: a mark or a description there would be lost. */
function besideReference(schema: JsonSchema): JsonSchema {
  const { $ref, allOf = [], ...beside } = schema;
  if ($ref === undefined || Object.keys(schema).length === 1) return schema;
  return { ...beside, allOf: [{ $ref }, ...(allOf as readonly unknown[])] };
}
