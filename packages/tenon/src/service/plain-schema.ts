/** Schemas of the platform's own contracts, which come without a schema library. */
import type { JsonSchema, Schema } from "../contract/index.ts";

/** A schema from its JSON form and a check. @param problemOf  What is wrong with a value; `undefined` where nothing is. */
export function plainSchema<T>(json: JsonSchema, problemOf: (value: unknown) => { readonly message: string; readonly field?: string } | undefined): Schema<T, T> {
  return {
    "~standard": {
      version: 1,
      vendor: "tenon",
      validate(value) {
        const problem = problemOf(value);
        if (problem === undefined) return { value: value as T };
        return { issues: [{ message: problem.message, ...(problem.field === undefined ? {} : { path: [problem.field] }) }] };
      },
      jsonSchema: { input: () => json, output: () => json },
    },
  };
}

/** Texts by name, each of 1 to so many characters. */
export function textFields<F extends string>(lengths: Readonly<Record<F, number>>): Schema<Readonly<Record<F, string>>, Readonly<Record<F, string>>> {
  const fields = Object.entries<number>(lengths);
  const properties = Object.fromEntries(fields.map(([name, maxLength]) => [name, { type: "string", minLength: 1, maxLength }]));
  const json = { type: "object", properties, required: Object.keys(lengths), additionalProperties: false };
  return plainSchema(json, (value) => {
    if (typeof value !== "object" || value === null) return { message: "must be an object" };
    for (const [field, maxLength] of fields) {
      const text: unknown = (value as Readonly<Record<string, unknown>>)[field];
      if (typeof text !== "string" || text.trim() === "" || text.length > maxLength) return { field, message: `must be a text of 1 to ${maxLength} characters` };
    }
    return undefined;
  });
}

/** What the platform made itself, described. */
export function described<T>(json: JsonSchema): Schema<T, T> {
  return plainSchema(json, (value) => (value === undefined || value === null ? { message: "must be there" } : undefined));
}

/** The same where there may be nothing. */
export function describedOrNull<T>(json: JsonSchema): Schema<T | null, T | null> {
  return plainSchema({ anyOf: [json, { type: "null" }] }, (value) => (value === undefined ? { message: "must be there, or null" } : undefined));
}
