/** The promise as data: what a service offers, to whom, how fast, and what it says when it cannot. */
export {
  type AccessDescription,
  type AccessQuestion,
  type AccessRule,
  type AllOfRule,
  anonymous,
  type AnyOfRule,
  type Caller,
  calledBy,
  type CalledByRule,
  isInternal,
  type PredicateRule,
  relationsIn,
  role,
  type RoleRule,
  scope,
  type ScopeRule,
} from "./access.ts";
export {
  type AnyContract,
  contract,
  type Contract,
  type ContractMembers,
  type ContractOptions,
  describe,
  describeOperationOf,
  descriptionKey,
  eventsOf,
  findRouteClashes,
  type Named,
  operationsOf,
} from "./contract.ts";
export { type DataClass, dataClassesOf, dataClassKeyword, personal, secret, sensitive } from "./data-class.ts";
export { checkDepth, maxDepth } from "./depth.ts";
export type {
  BytesDescription,
  ContractDescription,
  ErrorDescription,
  EventDescription,
  FieldPlace,
  HttpDescription,
  OperationDescription,
  OutputDescription,
} from "./description.ts";
export { FieldClasses } from "./field-classes.ts";
export { hasJsonBody } from "./json-body.ts";
export { pointerToken, resolvePointer } from "./json-schema.ts";
export { type ClassifiedPlace, createMask, type Mask, maskAll, replaceClassified } from "./mask.ts";
export { ContractMistakes, type Mistake, MistakeList, type MistakesAt } from "./mistakes.ts";
export {
  type CallInput,
  cloudEventMediaType,
  command,
  type CommandOptions,
  type ContractEvent,
  defaultDeadline,
  type Deprecation,
  type ErrorSpec,
  type ErrorSpecs,
  event,
  type EventOptions,
  type EventSpec,
  type HttpBinding,
  type HttpMethod,
  type LagObjective,
  type NoErrors,
  type NoInput,
  type Objective,
  type OldData,
  type Operation,
  type OperationKind,
  type OperationSpec,
  type Priority,
  type Probe,
  query,
  type QueryOptions,
  type Route,
  type Upcast,
  type Upcasts,
} from "./operation.ts";
export { objectShapeOf, type ObjectShape } from "./object-shape.ts";
export { type CallPromise, type DeclaredFaults, outcome, type Outcome } from "./outcome.ts";
export {
  type AnyOutput,
  bytes,
  type Bytes,
  type BytesOutput,
  isBytesOutput,
  isStreamOutput,
  type Received,
  type Returned,
  stream,
  type StreamOutput,
} from "./output.ts";
export { createParser, type Parser, type ParserOptions, type ParseResult } from "./parser.ts";
export { createProjector, type Projector } from "./projector.ts";
export { type LimitedBy, type NamedLimit, type RateLimit, type RateLimits, rateLimitsOf } from "./rate-limit.ts";
export { isLookup, isRelation, owner, type OwnerOptions, related, type RelationDenial, type RelationLookup, type RelationMatch, type RelationOptions, relationProblems, type RelationRule } from "./relation.ts";
export { defaultRetryPolicy, parseRetryOptions, type RetryOptions, type RetryPolicy } from "./retry.ts";
export type { FieldKind } from "./scalar-kind.ts";
export { describeSchema, type InputOf, isSchema, type JsonSchema, type OutputOf, type Schema, toJsonSchema } from "./schema.ts";
export { type Columns, encryptedColumns, table, type Table, type TableOptions } from "./table.ts";
export { upcast, upcastData, type Upcasted, upcastsFrom } from "./upcast.ts";
