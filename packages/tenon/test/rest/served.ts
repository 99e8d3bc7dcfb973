/** Services behind the whole pipeline, the REST face and a real server, without a database. */
import {
  admit,
  compile,
  ConcurrencyLimit,
  deadline,
  Directory,
  type Handler,
  MemoryAnswers,
  record,
  replay,
  validate,
} from "../../src/calls/index.ts";
import { operationsOf } from "../../src/contract/index.ts";
import { handle } from "../../src/handlers/index.ts";
import { type Clock, createIdSource, Fault } from "../../src/kernel/index.ts";
import { type HttpLimits, HttpServer } from "../../src/node/index.ts";
import { type HttpHandler, limits, type Page, RestFace } from "../../src/rest/index.ts";
import type { AnyHandler, Mount, Service } from "../../src/service/index.ts";
import { LogWriter, Metrics, noPrivacy } from "../../src/telemetry/index.ts";
import { authorize, authorizeCaller, identify, limit, type TokenVerifier } from "../../src/trust/index.ts";

export const clock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

export interface ServeOptions {
  readonly services?: readonly Service[];
  readonly mounts?: readonly Mount[];
  readonly pages?: readonly Page[];
  readonly corsOrigins?: readonly string[];
  readonly bodyMaxBytes?: number;
  readonly limits?: Partial<HttpLimits>;
  readonly drainMs?: number;
  readonly drainDelayMs?: number;
  readonly connectionsMax?: number;
  readonly concurrencyMax?: number;
  /** Between the server and the face. */
  readonly wrap?: (face: HttpHandler) => HttpHandler;
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly operation?: string;
  readonly code?: string;
  readonly call?: string;
  readonly error?: string;
}

/** Tokens in tests are a subject and its scopes: `ada~things:read~things:write`. */
const verifier: TokenVerifier = {
  async verify(token) {
    const [subject = "", ...scopes] = token.split("~");
    if (subject === "bad" || /[\s,]/.test(token)) throw new Fault("unauthenticated", "the token is not valid", { facts: { reason: "bad" } });
    return { claims: { sub: subject, iss: "test", scope: scopes.join(" ") }, expiresAtMs: Date.now() + 3_600_000 };
  },
};

export class Served implements AsyncDisposable {
  readonly server: HttpServer;
  readonly #lines: string[];
  readonly #log: LogWriter;

  private constructor(server: HttpServer, log: LogWriter, lines: string[]) {
    this.server = server;
    this.#log = log;
    this.#lines = lines;
  }

  static async open(options: ServeOptions = {}): Promise<Served> {
    const lines: string[] = [];
    const log = new LogWriter({ write: (text) => lines.push(text), clock, level: "debug" });
    const face = createFace(options, log);
    const server = new HttpServer({
      handler: options.wrap === undefined ? face.answer : options.wrap(face.answer),
      clock,
      log,
      port: 0,
      host: "127.0.0.1",
      drainMs: options.drainMs ?? 1_000,
      drainDelayMs: options.drainDelayMs ?? 0,
      connectionsMax: options.connectionsMax ?? 1_000,
      limits: { timeoutCheckMs: 20, lingerMs: 200, drainIdleMs: 50, ...options.limits },
    });
    await server.start();
    return new Served(server, log, lines);
  }

  get port(): number {
    return this.server.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get log(): readonly LogLine[] {
    this.#log.flush();
    return this.#lines.join("").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as LogLine);
  }

  /** What was logged as a bug. */
  get bugs(): readonly LogLine[] {
    return this.log.filter((line) => line.level === "error");
  }

  /** How calls ended, in order: `things.get ok`. */
  get calls(): readonly string[] {
    return this.log.filter((line) => line.message === "call").map((line) => `${line.operation} ${line.code}`);
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function createFace(options: ServeOptions, log: LogWriter): RestFace {
  const services = options.services ?? [];
  const directory = new Directory();
  const ids = createIdSource(Math.random);
  const metrics = new Metrics({ clock });
  const max = options.concurrencyMax ?? 1_000;
  const stages = [
    record({ metrics, log, clock }),
    admit({ limit: new ConcurrencyLimit({ min: Math.min(8, max), max, initial: Math.min(64, max) }), clock, random: Math.random }),
    deadline({ clock }),
    identify({ verifier, clock }),
    authorizeCaller(),
    limit({ clock }),
    validate,
    authorize(),
    replay({ answers: new MemoryAnswers({ keepMs: 60_000, max: 1_000, nowMs: () => clock.nowMs() }) }),
  ];
  for (const service of services) {
    const environment = { service: service.name, data: undefined, directory, clock, ids, log, metrics, privacy: noPrivacy, config: undefined };
    for (const operation of operationsOf(service.contract)) {
      const handler = service.handlers[operation.name] as AnyHandler;
      directory.register(operation, compile(stages, operation, handle(operation, handler, environment)));
    }
  }
  return new RestFace({
    contracts: services.map((service) => service.contract),
    operationsOf,
    handlerOf: (operation) => directory.find(operation.id) as Handler,
    pages: options.pages ?? [],
    mounts: options.mounts ?? [],
    corsOrigins: options.corsOrigins ?? [],
    bodyMaxBytes: options.bodyMaxBytes ?? limits.bodyMaxBytes,
    clock,
    ids,
    log,
  });
}
