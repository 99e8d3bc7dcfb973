/**
 * A contract as plain data: versioned, serializable, complete. Every document and binding is made from this and from
 * nothing else, so two of them cannot disagree.
 */
import type { AccessDescription } from "./access.ts";
import type { Deprecation, HttpMethod, Objective, OperationKind, Priority, Probe } from "./operation.ts";
import type { RateLimits } from "./rate-limit.ts";
import type { FieldKind } from "./scalar-kind.ts";
import type { JsonSchema } from "./schema.ts";

export interface ContractDescription {
  /** Version of this format. */
  readonly tenon: 1;
  readonly name: string;
  /** Version of the contract, semantic: https://semver.org */
  readonly version: string;
  readonly description?: string;
  readonly operations: readonly OperationDescription[];
  readonly events: readonly EventDescription[];
}

export interface OperationDescription {
  readonly name: string;
  /** `contract.name`: unique in an app. */
  readonly id: string;
  readonly kind: OperationKind;
  readonly summary?: string;
  readonly description?: string;
  readonly deprecated?: Deprecation;
  readonly access: AccessDescription;
  /** Missing where the operation is called by other services only. */
  readonly http?: HttpDescription;
  /** An object schema, or missing where the operation takes no fields. */
  readonly input?: JsonSchema;
  readonly body?: BytesDescription;
  readonly output: OutputDescription;
  readonly errors: readonly ErrorDescription[];
  readonly deadlineMs: number;
  readonly objective?: Objective;
  /** Missing where it is `normal`. */
  readonly priority?: Priority;
  readonly probe?: Probe;
  readonly rateLimit?: RateLimits;
  /** Only tokens that are bound to a key of the caller are taken. */
  readonly senderConstrained?: true;
}

export interface HttpDescription {
  readonly method: HttpMethod;
  /** With `{name}` for each path parameter, as in OpenAPI. */
  readonly path: string;
  /** Status of a success. */
  readonly status: number;
  /** Where each field of the input travels. */
  readonly fields: readonly FieldPlace[];
}

export interface FieldPlace {
  readonly field: string;
  readonly in: "path" | "query" | "header" | "body";
  /** Name on the wire; header names in lower case. */
  readonly name: string;
  readonly required: boolean;
  /** How the text of a path, query or header value is read; `json` for body fields. */
  readonly kind: FieldKind;
  /** The value may occur several times. */
  readonly array: boolean;
}

export interface BytesDescription {
  readonly mediaTypes: readonly string[];
  readonly maxBytes: number;
}

export type OutputDescription =
  | { readonly kind: "none" }
  | { readonly kind: "json"; readonly schema: JsonSchema }
  | { readonly kind: "stream"; readonly schema: JsonSchema }
  | ({ readonly kind: "bytes" } & BytesDescription);

export interface ErrorDescription {
  readonly name: string;
  readonly status: number;
  readonly message?: string;
  readonly data?: JsonSchema;
}

export interface EventDescription {
  readonly name: string;
  readonly id: string;
  readonly summary?: string;
  readonly description?: string;
  readonly deprecated?: Deprecation;
  readonly key?: string;
  /** Version of the data; missing where it is 1. */
  readonly version?: number;
  /** The older versions that can still be read, oldest first; missing where there are none. */
  readonly upcastsFrom?: readonly number[];
  readonly data: JsonSchema;
}
