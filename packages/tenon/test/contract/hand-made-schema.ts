/**
 * A schema library of one page: objects of text, whole numbers and lists, which keep what they do not declare, as
 * ArkType does. It has both Standard interfaces and nothing else, so whatever works with it works with any library.
 */
import type { JsonSchema, Schema } from "../../src/contract/index.ts";

interface Kind {
  readonly json: JsonSchema;
  issuesOf(value: unknown, path: readonly PropertyKey[]): readonly Issue[];
}
interface Issue {
  readonly message: string;
  readonly path: readonly (PropertyKey | { readonly key: PropertyKey })[];
}

/** Like many libraries, it says what it got: with a password in the field, that is a leak. */
function refusal(expected: string, value: unknown, path: readonly PropertyKey[]): readonly Issue[] {
  return [{ message: `must be ${expected} (was ${JSON.stringify(value)})`, path: path.map((key) => ({ key })) }];
}

export const text: Kind = {
  json: { type: "string" },
  issuesOf: (value, path) => (typeof value === "string" ? [] : refusal("text", value, path)),
};

export const whole: Kind = {
  json: { type: "integer" },
  issuesOf: (value, path) => (Number.isInteger(value) ? [] : refusal("a whole number", value, path)),
};

export function list(item: Kind): Kind {
  return {
    json: { type: "array", items: item.json },
    issuesOf(value, path) {
      if (!Array.isArray(value)) return refusal("a list", value, path);
      return value.flatMap((each, index) => item.issuesOf(each, [...path, index]));
    },
  };
}

export function object(fields: Readonly<Record<string, Kind>>, more: JsonSchema = {}): Kind {
  const properties = Object.fromEntries(Object.entries(fields).map(([name, kind]) => [name, kind.json]));
  return {
    json: { type: "object", properties, required: Object.keys(fields), ...more },
    issuesOf(value, path) {
      if (typeof value !== "object" || value === null) return refusal("an object", value, path);
      return Object.entries(fields).flatMap(([name, kind]) => kind.issuesOf((value as Record<string, unknown>)[name], [...path, name]));
    },
  };
}

export interface SchemaOptions {
  readonly vendor?: string;
  /** Answers later, as a schema that asks a database would. */
  readonly isAsync?: boolean;
}

export function schemaOf<T = unknown>(kind: Kind, options: SchemaOptions = {}): Schema<T> {
  const validate = (value: unknown): { value: T } | { issues: readonly Issue[] } => {
    const issues = kind.issuesOf(value, []);
    return issues.length === 0 ? { value: value as T } : { issues };
  };
  return {
    "~standard": {
      version: 1,
      vendor: options.vendor ?? "hand-made",
      validate: options.isAsync === true ? (value) => Promise.resolve(validate(value)) : validate,
      jsonSchema: { input: () => ({ ...kind.json }), output: () => ({ ...kind.json }) },
    },
  };
}
