/** The JSON Schemas of a schema, by which it is seen what it classes. */
import { type JsonSchema, type Schema, toJsonSchema } from "../contract/index.ts";

/** What goes in and what comes out, as far as the schema's library can write it: where it cannot write one side (a transform), the other says what there is. */
export function readableSides(schema: Schema): readonly JsonSchema[] {
  return (["input", "output"] as const).flatMap((side) => {
    try {
      return [toJsonSchema(schema, side)];
    } catch {
      return [];
    }
  });
}
