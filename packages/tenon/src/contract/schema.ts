/**
 * The one thing the platform asks of a schema library: Standard Schema to validate, Standard JSON Schema to describe.
 * Zod 4, ArkType and Valibot (through its converter) have both.
 *
 * @see https://standardschema.dev
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import type { MistakesAt } from "./mistakes.ts";

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
 * The JSON Schema of a schema, draft 2020-12, as a plain copy that JSON carries unchanged.
 *
 * @param side  `input` is what is sent, where a field with a default may be left out; `output` is what is received.
 * @throws {Error} the library's own, when it has no JSON form for a part: dates, big integers, transforms.
 */
export function toJsonSchema(schema: Schema, side: "input" | "output"): JsonSchema {
  const { $schema: _, ...json } = schema["~standard"].jsonSchema[side]({ target: "draft-2020-12" });
  return JSON.parse(JSON.stringify(json, withoutInfinity)) as JsonSchema;
}

/** A bound of infinity is no bound, and JSON would make it `null`, which is not a schema. */
function withoutInfinity(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? undefined : value;
}

/** {@link toJsonSchema} for something that may not be a schema, or have no JSON form: then that is a mistake. */
export function describeSchema(part: string, schema: unknown, side: "input" | "output", mistakes: MistakesAt): JsonSchema | undefined {
  if (schema === undefined) return undefined;
  if (!isSchema(schema)) {
    mistakes.add(`the ${part} is not a schema`, "use a library with Standard Schema and Standard JSON Schema, such as Zod 4");
    return undefined;
  }
  try {
    return toJsonSchema(schema, side);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const remedy = "use a type that JSON has: z.iso.datetime() for a date, a string for a big integer, no transform";
    mistakes.add(`the ${part} cannot be written as JSON Schema: ${reason}`, remedy);
    return undefined;
  }
}

/** Whether a value is a schema in the sense of {@link Schema}. */
export function isSchema(value: unknown): value is Schema {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return false;
  const standard: unknown = (value as { "~standard"?: unknown })["~standard"];
  if (standard === null || typeof standard !== "object") return false;
  return "validate" in standard && "jsonSchema" in standard;
}
