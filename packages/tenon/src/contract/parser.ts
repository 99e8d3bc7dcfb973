/**
 * From a value that came from somewhere to a value that a schema vouches for: every input before a handler sees it,
 * every output before it leaves. What comes back holds what the schema declares and nothing else, so a handler that
 * returns too much leaks nothing and a caller that sends too much smuggles nothing in.
 *
 * A parser moves  new → plain → compiled,  or stays plain where its schema cannot be compiled. Both give the same
 * answers; compiled is about ten times as fast for a valid value. It waits for `compileAtCall` calls because compiling
 * costs more than a hundred plain calls, and most operations of a large app are called rarely.
 *
 * It will not coerce, repair or explain a value beyond what the schema does.
 */
import type { FaultDetail } from "../kernel/index.ts";
import { checkDepth, isBoundedSchema } from "./depth.ts";
import { pointerToken } from "./json-schema.ts";
import { createProjector, type Projector } from "./projector.ts";
import { type JsonSchema, type OutputOf, type Schema, toJsonSchema } from "./schema.ts";
import { compileZod } from "./zod-compiler.ts";

export type ParseResult<T = unknown> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly details: readonly FaultDetail[] };

export interface Parser<T = unknown> {
  /** Whether the schema itself limits how deep a value can be; where it does not, `parse` refuses beyond 64 levels. */
  readonly isBounded: boolean;
  /** A promise only where the schema itself waits for something. Rejects or throws what a schema's own code throws. */
  parse(value: unknown): ParseResult<T> | Promise<ParseResult<T>>;
}

export interface ParserOptions {
  /** The call, from 1, at which the schema is compiled. Default 16: a parser that was asked so often will be again. */
  readonly compileAtCall?: number;
}

const defaultCompileAtCall = 16;

/** A list of ten thousand wrong items is answered with the first of them: an answer must not outgrow its question. */
const maxDetails = 100;

/** Makes a parser. Cheap: everything that costs is done at the first calls. */
export function createParser<S extends Schema>(schema: S, options: ParserOptions = {}): Parser<OutputOf<S>> {
  return new SchemaParser(schema, options.compileAtCall ?? defaultCompileAtCall) as Parser<OutputOf<S>>;
}

type Standard = Schema["~standard"];
type Validated = Awaited<ReturnType<Standard["validate"]>>;

class SchemaParser implements Parser {
  readonly #schema: Schema;
  #standard: Standard;
  #callsUntilCompiled: number;
  #isBounded: boolean | undefined = undefined;
  #project: Projector | undefined = undefined;

  constructor(schema: Schema, compileAtCall: number) {
    this.#schema = schema;
    this.#standard = schema["~standard"];
    this.#callsUntilCompiled = compileAtCall;
  }

  get isBounded(): boolean {
    this.#isBounded ??= isBounded(this.#schema);
    return this.#isBounded;
  }

  parse(value: unknown): ParseResult | Promise<ParseResult> {
    if (this.#callsUntilCompiled > 0) this.#prepare();
    if (this.#isBounded !== true) {
      const tooDeep = checkDepth(value);
      if (tooDeep !== undefined) return { ok: false, details: [tooDeep] };
    }
    const validated = this.#standard.validate(value);
    return validated instanceof Promise ? validated.then((later) => this.#finish(later)) : this.#finish(validated);
  }

  /** Runs at each of the calls up to the first compiled one. */
  #prepare(): void {
    if (this.#isBounded === undefined) {
      this.#isBounded = isBounded(this.#schema);
      this.#project = projectorFor(this.#schema);
    }
    this.#callsUntilCompiled -= 1;
    if (this.#callsUntilCompiled === 0) this.#standard = (compileZod(this.#schema) ?? this.#schema)["~standard"];
  }

  #finish(validated: Validated): ParseResult {
    if (validated.issues !== undefined) return { ok: false, details: detailsOf(validated.issues, this.#standard.vendor) };
    return { ok: true, value: this.#project === undefined ? validated.value : this.#project(validated.value) };
  }
}

/** Zod's objects drop what they do not declare, or say `additionalProperties`. Of other libraries that is not known. */
function isKnownToCut(schema: Schema): boolean {
  return schema["~standard"].vendor === "zod";
}

function isBounded(schema: Schema): boolean {
  const json = jsonSchemaOr(schema, "input");
  return json !== undefined && isBoundedSchema(json, isKnownToCut(schema) ? "cut" : "kept");
}

function projectorFor(schema: Schema): Projector | undefined {
  if (isKnownToCut(schema)) return undefined;
  const json = jsonSchemaOr(schema, "output");
  return json === undefined ? undefined : createProjector(json);
}

/**
 * `undefined` where the library cannot describe this side. A contract has seen to it that inputs describe what is sent
 * and outputs what is received; the other side of a schema that transforms may have no JSON form.
 */
function jsonSchemaOr(schema: Schema, side: "input" | "output"): JsonSchema | undefined {
  try {
    return toJsonSchema(schema, side);
  } catch {
    return undefined;
  }
}

type Issues = NonNullable<Validated["issues"]>;

function detailsOf(issues: Issues, vendor: string): readonly FaultDetail[] {
  const details = issues.slice(0, maxDetails).map((issue) => ({
    path: pointerOf(issue.path ?? []),
    // Zod's own messages name types, bounds and choices; those of other libraries may repeat the value, which can be
    // somebody's password.
    message: vendor === "zod" ? issue.message : "is not valid",
  }));
  if (issues.length > maxDetails) details.push({ path: "", message: `and ${issues.length - maxDetails} more` });
  return details;
}

/** JSON Pointer, RFC 6901. */
function pointerOf(path: NonNullable<Issues[number]["path"]>): string {
  return path.map((segment) => `/${pointerToken(typeof segment === "object" ? segment.key : segment)}`).join("");
}
