/**
 * The plan of the house. Each folder under `packages/tenon/src` is a room; a room may import the rooms above it in this
 * list, through their `index.ts`, and none below. Read from top to bottom, it is the order in which to read the code.
 */

/** What a room may do. */
export type RoomKind =
  /** Words and promises: no input, no output, and they run in a browser. */
  | "words"
  /** What the platform can do. Owns its ports; is handed time, chance and the network. */
  | "capability"
  /** Translates what comes in. Decides nothing. */
  | "face"
  /** Translates what goes out, to one engine. Decides nothing. */
  | "adapter"
  /** Puts the parts together. */
  | "composition";

export interface Room {
  readonly name: string;
  readonly kind: RoomKind;
  /** What it is for, in a line. */
  readonly purpose: string;
}

export const rooms: readonly Room[] = [
  { name: "kernel", kind: "words", purpose: "words that every room shares: faults and their table, durations, clocks, identifiers" },
  { name: "contract", kind: "words", purpose: "the promise as data: operations, events, access rules, data classes; its description" },
  { name: "telemetry", kind: "capability", purpose: "what happened: logs, metrics, redaction" },
  { name: "calls", kind: "capability", purpose: "the life of a call: stages, deadlines, admission, replay, calls between services" },
  { name: "trust", kind: "capability", purpose: "who is calling, and what they may do" },
  { name: "identity", kind: "capability", purpose: "who a service is towards other services, and for whom it acts" },
  { name: "data", kind: "capability", purpose: "a database per service: unit of work, tables, migrations" },
  { name: "audit", kind: "capability", purpose: "who did what to which record: an append-only trail, its seals, their verification" },
  { name: "keys", kind: "capability", purpose: "keys that the app gives to programs: made, kept as digests, rotated, revoked" },
  { name: "privacy", kind: "capability", purpose: "data classes at work: values sealed under keys of their subjects; export, erasure, retention" },
  { name: "events", kind: "capability", purpose: "what happened, told to whoever wants to know: outbox, inbox, deliveries, schedules, webhooks" },
  { name: "workflows", kind: "capability", purpose: "work that takes longer than a call: runs, their steps and waits, turns, compensation" },
  { name: "objectives", kind: "capability", purpose: "what was promised and how much of it was kept: error budgets, burn rates, alerts, silences" },
  { name: "incidents", kind: "capability", purpose: "what went wrong, what led to it and how far it reaches: incidents, time lines, suspects" },
  { name: "service", kind: "words", purpose: "what a team writes besides contracts: services, apps, mounts, as plain values" },
  { name: "handlers", kind: "capability", purpose: "running users' handlers of operations: the context of each, and the cut of its answer to the contract" },
  { name: "reactions", kind: "capability", purpose: "running what services do without being asked: subscriptions, triggers, workflows; and trying it" },
  { name: "rest", kind: "face", purpose: "calls in over HTTP" },
  { name: "documents", kind: "face", purpose: "contracts as others read them: OpenAPI, AsyncAPI and their page" },
  { name: "client", kind: "face", purpose: "calls out over HTTP, typed by the contract; runs in a browser" },
  { name: "node", kind: "adapter", purpose: "the process itself: clock, chance, sockets, files" },
  { name: "pglite", kind: "adapter", purpose: "PostgreSQL inside of the process, for development and tests" },
  { name: "postgres", kind: "adapter", purpose: "PostgreSQL over the wire" },
  { name: "nats", kind: "adapter", purpose: "events over NATS JetStream" },
  { name: "kafka", kind: "adapter", purpose: "events over Kafka" },
  { name: "redis", kind: "adapter", purpose: "rate limits counted by all instances together, in Redis" },
  { name: "oidc", kind: "adapter", purpose: "tokens of OpenID Connect issuers, and the issuer for development" },
  { name: "certificates", kind: "adapter", purpose: "where certificates of services come from: an authority for development, mounted files" },
  { name: "remote", kind: "adapter", purpose: "calls between processes, both ends: HTTP over mutual TLS" },
  { name: "issuer", kind: "adapter", purpose: "an issuer of tokens inside of the process, for development and tests" },
  { name: "sign-in", kind: "adapter", purpose: "browsers that sign in at an OpenID Connect issuer: pages, sessions" },
  { name: "vault", kind: "adapter", purpose: "settings from HashiCorp Vault, and a master key that stays there" },
  { name: "kms", kind: "adapter", purpose: "a master key that stays in AWS KMS" },
  { name: "alerts", kind: "adapter", purpose: "alerts to webhooks, Slack and Alertmanager" },
  { name: "otlp", kind: "adapter", purpose: "telemetry to OpenTelemetry collectors over HTTP" },
  { name: "telemetry-store", kind: "adapter", purpose: "traces, metrics and logs on disk; OTLP in, questions answered" },
  { name: "opentelemetry", kind: "adapter", purpose: "what stands behind @opentelemetry/api" },
  { name: "app", kind: "composition", purpose: "configuration, the readable list of standard parts, start and stop" },
  { name: "cli", kind: "composition", purpose: "the command line" },
];

/** Front doors that a browser can open, with all that stands behind them. */
export const browserDoors: readonly string[] = [
  "kernel/index.ts",
  "contract/index.ts",
  "service/index.ts",
  "client/index.ts",
  "index.ts",
  "client.ts",
];

export interface Exception {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** Faces and adapters know nothing of each other, save these. */
export const neighborImports: readonly Exception[] = [
  { from: "documents", to: "rest", reason: "documents name the media types that the face speaks" },
  { from: "sign-in", to: "oidc", reason: "an issuer is found, asked and believed in one way, whoever asks" },
  { from: "oidc", to: "node", reason: "a key file of development is made once, in one way" },
  { from: "nats", to: "node", reason: "both brokers wait in one way, which ends at once when their app stops" },
  { from: "kafka", to: "node", reason: "the same" },
  { from: "certificates", to: "node", reason: "a key file of development is made once, in one way" },
  { from: "sign-in", to: "rest", reason: "failures look the same on every page" },
  { from: "node", to: "rest", reason: "the face says what it needs of an HTTP server in its ports; node keeps that port with node:http" },
];
