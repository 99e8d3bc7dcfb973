/**
 * Zod's own compiler, applied to a schema that a contract holds. This is the only file of the room that knows of Zod,
 * and only to go faster: what a schema means is decided by its Standard Schema interface alone.
 *
 * Measured on an order of 12 fields and 5 lines: 11 times plain Zod for a valid value, the same for an invalid one.
 * Compiling costs 2 to 5 ms per schema, which is why a parser waits until its schema has proved busy.
 *
 * @see https://zod.dev/compile
 */
import { compile, config, type $ZodType, type $ZodTypes, version } from "zod/v4/core";
import type { Schema } from "./schema.ts";

/**
 * The same schema with a compiled fast path for valid values, or `undefined` where there is none to be had: another
 * library, another version of Zod than the one installed with this package, code generation forbidden
 * (`--disallow-code-generation-from-strings`, `z.config({ jitless: true })`), or a schema that refers to itself, waits
 * for something, or has a part that is not known to compile faithfully.
 */
export function compileZod(schema: Schema): Schema | undefined {
  if (!isOwnZod(schema) || config().jitless === true) return undefined;
  const zod = schema as unknown as $ZodType;
  if (!isFaithful(zod, new Set())) return undefined;
  const compiled = compile(zod);
  return compiled === zod ? undefined : (compiled as unknown as Schema);
}

/** The compiler reads the inside of a schema, and what that inside means has changed between versions. */
function isOwnZod(schema: Schema): boolean {
  if (schema["~standard"].vendor !== "zod" || !("_zod" in schema)) return false;
  const theirs = (schema as unknown as $ZodType)._zod.version;
  return theirs?.major === version.major && theirs.minor === version.minor && theirs.patch === version.patch;
}

/**
 * Whether every part of a schema is of a kind that the agreement test has proved to compile faithfully.
 *
 * Not so an intersection: in Zod 4.6, `strictObject({}).and(object({ b }))` takes a field that one side does not know,
 * while its compiled form refuses it. Alone that would only be slow, but a union reads the refusal as "not this
 * branch" and answers with another one. A `catch` turns refusals into values in the same way.
 */
function isFaithful(schema: $ZodType, met: Set<$ZodType>): boolean {
  if (met.has(schema)) return true; // looked at already, or a type that refers to itself, which the compiler refuses
  met.add(schema);
  const { def } = (schema as $ZodTypes)._zod;
  const all = (...parts: readonly $ZodType[]): boolean => parts.every((part) => isFaithful(part, met));
  switch (def.type) {
    case "string":
    case "number":
    case "boolean":
    case "null":
    case "undefined":
    case "any":
    case "unknown":
    case "never":
    case "literal":
    case "enum":
    case "template_literal":
    case "transform":
      return true;
    case "optional":
    case "nullable":
    case "nonoptional":
    case "default":
    case "prefault":
    case "readonly":
      return all(def.innerType);
    case "array":
      return all(def.element);
    case "tuple":
      return all(...def.items, ...(def.rest === null ? [] : [def.rest]));
    case "record":
      return all(def.keyType, def.valueType);
    case "union":
      return all(...def.options);
    case "pipe":
      return all(def.in, def.out);
    case "object":
      return isFaithfulShape(def.shape, met) && (def.catchall === undefined || all(def.catchall));
    default:
      return false;
  }
}

/** A field behind a getter is how a type refers to itself. Following it might never end. */
function isFaithfulShape(shape: Readonly<Record<string, $ZodType>>, met: Set<$ZodType>): boolean {
  const fields = Object.values(Object.getOwnPropertyDescriptors(shape));
  return fields.every((field) => field.get === undefined && isFaithful(field.value as $ZodType, met));
}
