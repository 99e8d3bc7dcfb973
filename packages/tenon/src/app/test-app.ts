/**
 * Services in a test: their operations as functions, on a real embedded database, through the whole pipeline, without
 * a socket. What is called in a test is what runs in production, but for the way the bytes travel.
 */
import {
  anonymous,
  type AnyContract,
  type AnyOutput,
  type Bytes,
  type CallPromise,
  type Caller,
  describe,
  type ErrorSpecs,
  type InputOf,
  type Operation,
  type OperationKind,
  operationsOf,
  type Received,
  type Schema,
} from "../contract/index.ts";
import { Call, compile, type Handler, keepBoundToken, record, validate } from "../calls/index.ts";
import { signStandardWebhook, type WebhookSecret } from "../events/index.ts";
import { handle } from "../handlers/index.ts";
import { type Clock, createIdSource, type Duration, Fault, parseDuration, type Part } from "../kernel/index.ts";
import { app, type AnyHandler, type AppOptions, type HandlerOf, type NoConfig, type NoTables, type Service } from "../service/index.ts";
import { LogWriter, Metrics, noPrivacy } from "../telemetry/index.ts";
import { createUnrestrictedCaller, systemCaller } from "../trust/index.ts";
import { parseConfig } from "./config.ts";
import { needsData, type OpenedData, openTestData } from "./open-data.ts";
import { openApp } from "./open-app.ts";
import { openAudit } from "./open-audit.ts";
import { parseServiceConfigs } from "./service-config.ts";
import { systemClock } from "./system.ts";
import { advanceTime, TestClock } from "./test-time.ts";
import { postTo, type TestAnswer, type TestPost } from "./test-post.ts";
import type { TestStepOptions, TestStepOutcome } from "./test-step.ts";

/** Who a test calls as. */
export interface TestCaller {
  readonly subject: string;
  readonly scopes?: readonly string[];
  readonly roles?: readonly string[];
  /** With `cnf` among them it is somebody whose token is bound to a key, and who has proven it. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

type TestCallerLike = TestCaller | "anonymous" | "platform" | `system:${string}.${string}`;

export interface TestCallOptions {
  /** Default: the one of {@link TestOptions}. `anonymous` shows nothing; `system:orders.checkout` is what acts by itself. */
  readonly as?: TestCallerLike;
  readonly idempotencyKey?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** The service that makes the call, for operations that only services may call. */
  readonly from?: string;
  /** The upload, for operations with a `body`. */
  readonly body?: Bytes;
}

export interface TestOptions {
  /** Services that the tested one calls, real ones. */
  readonly with?: readonly Service[];
  /** Operations of other services, answered by the test itself. Made by {@link fake}. */
  readonly fakes?: readonly Fake[];
  /** Settings of the services, as the environment would have them. */
  readonly env?: Readonly<Record<string, string>>;
  /** Who calls where a call does not say. Default `platform`: every rule about callers lets it in. */
  readonly as?: TestCallerLike;
  /** Rights of what acts by itself, as `app()` has them. */
  readonly grants?: AppOptions["grants"];
  /** Operations for the rights of persons, as `app()` has them. */
  readonly subjectRights?: AppOptions["subjectRights"];
  /** Fill the database with the services' seeds. Default `no`. */
  readonly seed?: "yes" | "no";
  /** Log lines to standard error. Default: only errors, which are bugs. */
  readonly logLevel?: "debug" | "info" | "warn" | "error";
}

export interface Fake {
  readonly operation: Operation;
  readonly handler: AnyHandler;
}

/** Answers an operation of a service that is not part of the test. The input is validated and the output cut, as ever. */
export function fake<Op extends Operation>(operation: Op, handler: HandlerOf<Op, NoTables, NoConfig>): Fake {
  return { operation, handler: handler };
}

type OperationNames<P> = { [K in keyof P & string]: P[K] extends Operation ? K : never }[keyof P & string];

type TestedOperation<Op> = Op extends Operation<OperationKind, infer I extends Schema, infer O extends AnyOutput, infer E extends ErrorSpecs>
  ? (
      ...rest: undefined extends InputOf<I> ? [input?: InputOf<I>, options?: TestCallOptions] : [input: InputOf<I>, options?: TestCallOptions]
    ) => CallPromise<Received<O>, E>
  : never;

/** The operations of a service as functions. Opened at the first call; `await using`, or dispose of it at the end. */
export type Tested<P extends AnyContract> = { readonly [K in OperationNames<P>]: TestedOperation<P[K]> } & AsyncDisposable;

/**
 * Makes a service callable in a test.
 *
 * Its database is an embedded one of its own, in memory; with `TENON_TEST_DATABASE_URL=postgres://…` in the
 * environment, a fresh database on that server, dropped at the end.
 */
export function test<P extends AnyContract>(service: Service<P>, testOptions: TestOptions = {}): Tested<P> {
  let opening: Promise<Opened> | undefined;
  const tested: Record<string | symbol, unknown> = {
    async [settleKey](): Promise<void> {
      await (await opening)?.settled();
    },
    async [advanceKey](ms: number): Promise<void> {
      opening ??= open(service, testOptions);
      await (await opening).advance(ms);
    },
    async [callKey](operation: Operation, input: unknown, options: TestCallOptions) {
      opening ??= open(service, testOptions);
      return (await opening).run(operation, input, options);
    },
    async [fireKey](schedule: string, options: FireOptions): Promise<void> {
      opening ??= open(service, testOptions);
      await (await opening).fire(options.service === undefined ? service.name : describe(options.service).name, schedule, options);
    },
    async [stepKey](name: string, options: TestStepOptions) {
      opening ??= open(service, testOptions);
      return (await opening).step({ ...options, tested: service.name, name });
    },
    async [postKey](path: string, webhook: TestWebhook) {
      opening ??= open(service, testOptions);
      return (await opening).post(path, webhook);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      if (opening === undefined) return;
      const { data, log, parts } = await opening;
      for (const part of parts.toReversed()) await part.stop();
      await data?.close();
      log.flush();
    },
  };
  for (const operation of operationsOf(service.contract)) {
    tested[operation.name] = async (input?: unknown, call: TestCallOptions = {}) => {
      opening ??= open(service, testOptions);
      return (await opening).run(operation, input, call);
    };
  }
  return tested as unknown as Tested<P>;
}

/**
 * Resolves when every event that a tested service and those beside it emitted has been delivered, with all that follows
 * from it. A delivery that failed and waits for its next attempt is not waited for.
 */
export async function settled(tested: AsyncDisposable): Promise<void> {
  await (tested as { readonly [settleKey]?: () => Promise<void> })[settleKey]?.();
}

export interface FireOptions {
  /** When the run was due, in UTC (RFC 3339). Default: now. */
  readonly scheduledAt?: string;
  /** How many earlier instants it stands for. Default 0. */
  readonly missed?: number;
  /** The service whose schedule it is, where that is one beside the tested one. */
  readonly service?: AnyContract;
}

/**
 * Runs a schedule now: in a test none runs by itself. {@link settled} waits until it has run.
 *
 *     await fire(shop, "remind-unpaid");
 *     await settled(shop);
 *
 * @throws {RangeError} there is no schedule of this name.
 */
export async function fire(tested: AsyncDisposable, schedule: string, options: FireOptions = {}): Promise<void> {
  await (tested as AsyncDisposable & Reached)[fireKey](schedule, options);
}

/**
 * Lets time pass for what waits: runs that sleep or wait for something, deliveries between two attempts. Nothing is waited
 * for. What is due is done in the order in which it is due, and what follows from it, before time goes on, so three sleeps of
 * an hour are over after `advance(tested, "3h")`. `flow.now()` and the instants of events go along; the database's own clock
 * does not.
 *
 *     await advance(shop, "10m");
 */
export async function advance(tested: AsyncDisposable, by: Duration): Promise<void> {
  const ms = parseDuration(by);
  if (ms === undefined) throw new RangeError(`"${by}" is not a length of time: "10m", "2d"`);
  await (tested as { readonly [advanceKey]?: (ms: number) => Promise<void> })[advanceKey]?.(ms);
}

export interface TestWebhook {
  /** Text and bytes are sent as they are, everything else as JSON. */
  readonly body: unknown;
  /** Signs as Standard Webhooks has it. Left out: the signature is among the headers, or missing. */
  readonly secret?: WebhookSecret;
  /** The delivery's identifier, for `secret`. Default: a new one. */
  readonly id?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Posts to a webhook of a tested service as its sender would. {@link settled} waits for what follows.
 *
 *     const { status } = await post(shop, "/hooks/payments", { secret, body: { type: "payment.captured", order: "o1" } });
 */
export async function post(tested: AsyncDisposable, path: string, webhook: TestWebhook): Promise<TestAnswer> {
  return (tested as AsyncDisposable & Reached)[postKey](path, webhook);
}

/**
 * Runs a step of a runbook. {@link settled} waits for what follows from the events that it emits.
 *
 *     const outcome = await runStep(shop, "provider-in-trouble/ask-provider", { input: { waitedMinutes: 5 } });
 *
 * @returns how it went: a step that fails has changed nothing in the service's database, and does not reject.
 * @throws {RangeError} there is no such step, or it has no dry run of its own.
 */
export async function runStep(tested: AsyncDisposable, step: string, options: TestStepOptions = {}): Promise<TestStepOutcome> {
  return (tested as AsyncDisposable & Reached)[stepKey](step, options);
}

/** Calls an operation of a service beside the tested one: `call(shop, payments.capture, { ... })`. */
export function call<K extends OperationKind, I extends Schema, O extends AnyOutput, E extends ErrorSpecs>(
  tested: AsyncDisposable,
  operation: Operation<K, I, O, E>,
  ...rest: undefined extends InputOf<I> ? [input?: InputOf<I>, options?: TestCallOptions] : [input: InputOf<I>, options?: TestCallOptions]
): CallPromise<Received<O>, E> {
  const [input, options = {}] = rest;
  return (tested as AsyncDisposable & Reached)[callKey](operation, input, options) as CallPromise<Received<O>, E>;
}

interface Reached {
  readonly [callKey]: (operation: Operation, input: unknown, options: TestCallOptions) => Promise<unknown>;
  readonly [fireKey]: (schedule: string, options: FireOptions) => Promise<void>;
  readonly [stepKey]: (step: string, options: TestStepOptions) => Promise<TestStepOutcome>;
  readonly [postKey]: (path: string, webhook: TestWebhook) => Promise<TestAnswer>;
}

const callKey: unique symbol = Symbol("call");
const fireKey: unique symbol = Symbol("fire");
const stepKey: unique symbol = Symbol("step");
const postKey: unique symbol = Symbol("post");
/** Where a tested service keeps what {@link settled} does, out of the way of the names of its operations. */
const settleKey: unique symbol = Symbol("settled");
const advanceKey: unique symbol = Symbol("advance");

interface Opened {
  readonly parts: readonly Part[];
  readonly settled: () => Promise<void>;
  readonly fire: (service: string, schedule: string, options: FireOptions) => Promise<void>;
  readonly advance: (ms: number) => Promise<void>;
  readonly step: (asked: TestStepOptions & { readonly tested: string; readonly name: string }) => Promise<TestStepOutcome>;
  readonly post: (path: string, webhook: TestWebhook) => Promise<TestAnswer>;
  readonly log: LogWriter;
  readonly data: OpenedData | undefined;
  readonly run: (operation: Operation, input: unknown, call: TestCallOptions) => Promise<unknown>;
}

async function open(service: Service, options: TestOptions): Promise<Opened> {
  const clock = new TestClock(systemClock);
  const layers = [{ name: "test", values: { ...process.env, ...options.env } }];
  const { config } = parseConfig([{ name: "test", values: { TENON_CACHE: process.env["TENON_CACHE"] } }]);
  const tested = app("test", { services: [service, ...(options.with ?? [])], grants: options.grants ?? {}, ...(options.subjectRights === undefined ? {} : { subjectRights: options.subjectRights }) });
  const serviceConfigs = await parseServiceConfigs(tested.services, layers);
  const log = new LogWriter({ write: (lines) => void process.stderr.write(lines), clock, level: options.logLevel ?? "error", format: "text" });
  const metrics = new Metrics({ clock, log });
  const data = needsData(tested)
    ? await openTestData(tested, { config, clock, random: Math.random, log, metrics, migrate: "always", seed: options.seed ?? "no" }, process.env["TENON_TEST_DATABASE_URL"])
    : undefined;
  const audit = data === undefined ? undefined : await openAudit(tested, { config, clock, random: Math.random, log, metrics, database: data.database, how: "unsealed" });
  const opened = await openApp(tested, { config, serviceConfigs: serviceConfigs.values, clock, random: Math.random, log, metrics, verifier: undefined, data, audit });
  const ids = createIdSource(Math.random);
  for (const each of options.fakes ?? []) {
    const environment = { service: each.operation.service, data: undefined, directory: opened.directory, clock, ids, log, metrics, privacy: noPrivacy, config: undefined };
    opened.directory.register(each.operation, compile([record({ metrics, spans: opened.spans, log, clock }), validate], each.operation, handle(each.operation, each.handler, environment)));
  }

  const parts = [...(audit?.parts ?? []), ...opened.eventParts];
  for (const part of parts) await part.start();
  return {
    log,
    data,
    parts,
    settled: () => opened.settled(),
    step: async (asked) => (await import("./test-step.ts")).runTestStep(tested, opened.environments, asked),
    post: (path, webhook) => postTo(opened.http, toPost(path, webhook, clock)),
    fire: (name, schedule, { missed = 0, scheduledAt }) => opened.fire(name, schedule, { missed, scheduledAtMs: scheduledAt === undefined ? clock.nowMs() : Date.parse(scheduledAt) }),
    async advance(ms) {
      if (data === undefined) return;
      await advanceTime(ms, { clock, data, services: [...data.services.keys()], settled: () => opened.settled() });
    },
    async run(operation, input, call) {
      const started = new Call({
        operation,
        id: ids(),
        startedAtMs: clock.elapsedMs(),
        input: input === undefined && operation.input !== undefined ? {} : input,
        caller: callerOf(call.as ?? options.as ?? "platform", options.grants),
        from: call.from,
        idempotencyKey: operation.kind === "command" ? call.idempotencyKey : undefined,
        timeoutMs: call.timeoutMs,
        address: "127.0.0.1",
        body: call.body,
      });
      call.signal?.addEventListener("abort", () => started.cancel(new Fault("canceled", "the test gave up")), { once: true });
      return (opened.directory.find(operation.id) as Handler)(started);
    },
  };
}

function toPost(path: string, { body, headers = {}, id = crypto.randomUUID(), secret }: TestWebhook, clock: Clock): TestPost {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const signed = secret === undefined ? {} : signStandardWebhook({ id, sentAtMs: clock.nowMs(), body: bytes, secret });
  return { path, body: bytes, headers: { "content-type": "application/json", ...headers, ...signed }, nowMs: clock.elapsedMs() };
}

const platform = createUnrestrictedCaller("platform");

const testIssuer = "urn:tenon:test";

function callerOf(as: TestCallerLike, grants: TestOptions["grants"]): Caller {
  if (as === "anonymous") return anonymous;
  if (as === "platform") return platform;
  if (typeof as === "string") {
    const [service = "", name = ""] = as.slice("system:".length).split(".", 2);
    return systemCaller(service, name, grants);
  }
  const caller: Caller = {
    kind: "person",
    subject: as.subject,
    issuer: testIssuer,
    scopes: new Set(as.scopes),
    roles: new Set(as.roles),
    claims: { sub: as.subject, iss: testIssuer, ...as.claims },
  };
  if (as.claims?.["cnf"] !== undefined) keepBoundToken(caller, { token: "", isProven: true });
  return caller;
}

