/**
 * The one thing the platform asks of a schema library: Standard Schema to validate, Standard JSON Schema to describe.
 * Zod 4, ArkType and Valibot (through its converter) have both.
 *
 * @see https://standardschema.dev
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";

/** Any schema that can both validate and describe itself. */
export type Schema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output> & StandardJSONSchemaV1<Input, Output>;

/** What a sender writes: before defaults. */
export type InputOf<S> = S extends Schema<infer I, unknown> ? I : never;

/** What a receiver reads: after defaults. */
export type OutputOf<S> = S extends Schema<unknown, infer O> ? O : never;

/** A JSON Schema document, draft 2020-12. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/**
 * The JSON Schema of a schema, draft 2020-12.
 *
 * @param side  `input` is what is sent, where a field with a default may be left out; `output` is what is received.
 * @throws {Error} the library's own, when it has no JSON form for a part: dates, big integers, transforms.
 */
export function toJsonSchema(schema: Schema, side: "input" | "output"): JsonSchema {
  const { $schema: _, ...json } = schema["~standard"].jsonSchema[side]({ target: "draft-2020-12" });
  return json;
}

/** Whether a value is a schema in the sense of {@link Schema}. */
export function isSchema(value: unknown): value is Schema {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return false;
  const standard: unknown = (value as { "~standard"?: unknown })["~standard"];
  if (standard === null || typeof standard !== "object") return false;
  return "validate" in standard && "jsonSchema" in standard;
}
