/**
 * The shop as a process runs it, with saboteurs in place of its handlers, and everything that it says kept: lines of the
 * log, records, spans and metrics of sinks, failures as callers get them, errors as the database keeps them.
 */
import { mkdtempSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import type { StartedApp } from "../../src/app/index.ts";
import { startApp, systemClock } from "../../src/app/index.ts";
import { Call, type CallStart, type Handler } from "../../src/calls/index.ts";
import { dataClassesOf, describe, type Operation, operationsOf, toJsonSchema } from "../../src/contract/index.ts";
import type { AnyDb } from "../../src/data/index.ts";
import { signStandardWebhook } from "../../src/events/index.ts";
import { type DeclaredFault, Fault, type Log } from "../../src/kernel/index.ts";
import { toProblem } from "../../src/rest/index.ts";
import { type AnyHandler, app, type Service, type Subscription } from "../../src/service/index.ts";
import type { TelemetrySink } from "../../src/telemetry/index.ts";
import accounts from "../../../../examples/shop/accounts/service.ts";
import shop from "../../../../examples/shop/app.ts";
import catalog from "../../../../examples/shop/catalog/service.ts";
import inventory from "../../../../examples/shop/inventory/service.ts";
import orders from "../../../../examples/shop/orders/service.ts";
import payments from "../../../../examples/shop/payments/service.ts";
import { Provider } from "../../../../examples/shop/provider/server.ts";

export const providerKey = "sk_planted_key_of_the_provider";
export const webhookSecret = "whsec_cGxhbnRlZC1zZWNyZXQtb2YtdGhlLXdlYmhvb2tz";

/** What saboteurs use of a context. */
export interface Sabotaged {
  readonly input: unknown;
  readonly data: unknown;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly read: Parameters<ReturnType<typeof sql>["execute"]>[0];
  readonly fail: Readonly<Record<string, (...parameters: readonly unknown[]) => DeclaredFault>>;
}

export interface Stage {
  readonly service: Service;
  readonly operation: Operation | undefined;
  /** Rows of the service's own tables that hold something planted. */
  readonly rows: () => Promise<readonly unknown[]>;
}

/** Runs instead of, or before, the handler: what it gives is the answer, unless it is `original`. */
export type Saboteur = (context: Sabotaged, stage: Stage, original: () => unknown) => unknown;

const honest: Saboteur = (_context, _stage, original) => original();

export class WatchedShop {
  /** Everything that was said, but for the log. */
  readonly said: string[] = [];
  readonly #reached = new Set<string>();
  readonly #services: readonly Service[];
  readonly #provider = new Provider({ key: providerKey });
  readonly #directory = mkdtempSync(join(tmpdir(), "tenon-planted-"));
  #saboteur: Saboteur = honest;
  #started: StartedApp | undefined = undefined;

  constructor() {
    this.#services = [accounts, catalog, inventory, orders, payments].map((service) => this.#sabotage(service as Service));
  }

  async start(format: "json" | "text"): Promise<void> {
    const port = await this.#provider.listen(0);
    const say = (what: string) => (values: readonly unknown[]) => void this.said.push(`${what} ${JSON.stringify(values)}`);
    const sink: TelemetrySink = { logs: say("records"), spans: say("spans"), metrics: say("metrics") };
    this.#started = await startApp(app("shop", { services: this.#services, ...(shop.subjectRights === undefined ? {} : { subjectRights: shop.subjectRights }) }), {
      layers: [{ name: "test", values: { ...this.env, PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "debug", LOG_FORMAT: format, PAYMENTS_PROVIDER_URL: `http://127.0.0.1:${port}`, PAYMENTS_PROVIDER_KEY: providerKey, PAYMENTS_WEBHOOK_SECRET: webhookSecret } }],
      output: { isTerminal: format === "text", hasColors: format === "text", fd: openSync(this.#logFile, "w") },
      telemetry: [sink],
      seed: "yes",
    });
  }

  /** For commands over what the shop leaves behind. */
  get env(): Readonly<Record<string, string>> {
    return { TENON_MODE: "development", TENON_DIRECTORY: this.#directory, TENON_CACHE: process.env["TENON_CACHE"] ?? "", DATABASE_URL: `pglite:${join(this.#directory, "database")}` };
  }

  get started(): StartedApp {
    if (this.#started === undefined) throw new TypeError("the shop has not been started");
    return this.#started;
  }

  get operations(): readonly Operation[] {
    return this.#services.flatMap((service) => operationsOf(service.contract));
  }

  get services(): readonly Service[] {
    return this.#services;
  }

  /** Operations whose saboteur has run, and subscriptions and workflows. */
  get reached(): ReadonlySet<string> {
    return this.#reached;
  }

  async during<T>(saboteur: Saboteur, work: () => Promise<T>): Promise<T> {
    const before = this.#saboteur;
    this.#saboteur = saboteur;
    this.#reached.clear();
    try {
      return await work();
    } finally {
      this.#saboteur = before;
    }
  }

  /** For one operation; everything else goes on as it does. */
  #duringOnly<T>(only: Operation, saboteur: (context: Sabotaged) => Promise<void>, work: () => Promise<T>): Promise<T> {
    const before = this.#saboteur;
    return this.during((context, stage, original) => (stage.operation === only ? saboteur(context) : before(context, stage, original)), work);
  }

  /** Calls an operation, and keeps a failure as the caller gets it. */
  async call(operation: Operation, input: unknown, more: Partial<CallStart> & { readonly subject?: string } = {}): Promise<unknown> {
    const { subject = "planter", ...start } = more;
    const claims = { sub: subject, email: "planted-claim@example.org", name: "Planted-Claim" };
    const call = new Call({
      operation,
      id: crypto.randomUUID(),
      startedAtMs: systemClock.elapsedMs(),
      input,
      credentials: { bearer: "planted.bearer.token" },
      caller: { kind: "person", subject, issuer: "urn:test", scopes: new Set(), roles: new Set(["admin"]), claims },
      from: "orders",
      ...start,
    });
    try {
      return await (this.started.open.directory.find(operation.id) as Handler)(call);
    } catch (thrown) {
      const fault = Fault.from(thrown);
      this.said.push(`answer ${JSON.stringify(toProblem(fault, call.id))} ${String(fault.stack)}`);
      return undefined;
    }
  }

  async fetch(path: string, init: RequestInit = {}): Promise<number> {
    const response = await fetch(`${this.started.url}${path}`, init);
    const text = await response.text();
    if (response.status >= 400 || path === "/metrics") this.said.push(`${path.split("?")[0]} ${[...response.headers].join()} ${text}`);
    return response.status;
  }

  async post(body: string): Promise<number> {
    const bytes = Buffer.from(body);
    const headers = signStandardWebhook({ id: crypto.randomUUID(), sentAtMs: Date.now(), body: bytes, secret: webhookSecret });
    return this.fetch("/webhooks/payments", { method: "POST", body: bytes, headers: { "content-type": "application/json", ...headers } });
  }

  /** What the database keeps of failures; not what it keeps of data. */
  async keptErrors(): Promise<readonly string[]> {
    const kept: string[] = [];
    for (const { name, migrations } of this.#services) {
      if (migrations === undefined) continue;
      const data = await this.query(name, `select (select json_agg(error) from tenon_inbox)::text as inbox, (select json_agg(error) from tenon_dead_letters)::text as dead,
        (select json_agg(json_build_array(failure, parked_reason, cancel_reason)) from tenon_runs)::text as runs, (select json_agg(json_build_array(name, failure, detail)) from tenon_steps)::text as steps`);
      kept.push(`errors of ${name} ${JSON.stringify(data)}`);
    }
    return kept;
  }

  /** In a service's own schema. */
  async query(service: string, text: string): Promise<readonly unknown[]> {
    const call = this.operations.find((operation) => operation.service === service && operation.kind === "query" && operation.input === undefined) ?? this.operations.find((operation) => operation.service === service && operation.kind === "query");
    if (call === undefined) return [];
    let rows: readonly unknown[] = [];
    await this.#duringOnly(
      call,
      async (context) => {
        rows = (await sql.raw(text).execute(context.read)).rows;
      },
      () => this.call(call, call.input === undefined ? undefined : { orderId: crypto.randomUUID(), sku: ["TEA-0001"] }),
    );
    return rows;
  }

  /** Rows of a table that hold something planted. */
  async plantedRows(service: string, table: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const call = this.operations.find((operation) => operation.service === service && operation.kind === "query") as Operation;
    let rows: readonly Readonly<Record<string, unknown>>[] = [];
    await this.#duringOnly(
      call,
      async ({ read }) => {
        rows = await plantedRowsOf(table, read as unknown as AnyDb);
      },
      () => this.call(call, call.input === undefined ? undefined : { orderId: crypto.randomUUID(), sku: ["TEA-0001"] }),
    );
    return rows;
  }

  async stop(): Promise<void> {
    await this.started.stop();
    await this.#provider.close();
  }

  get log(): string {
    return readFileSync(this.#logFile, "utf8");
  }

  get #logFile(): string {
    return join(this.#directory, "log");
  }

  #sabotage(service: Service): Service {
    const operations = new Map(operationsOf(service.contract).map((operation) => [operation.name, operation]));
    const wrap = (name: string, handler: AnyHandler, operation?: Operation): AnyHandler => {
      const wrapped = (context: Sabotaged): unknown => {
        this.#reached.add(`${service.name}.${name}`);
        return this.#saboteur(context, { service, operation, rows: () => plantedRows(service, context) }, () => (handler as (given: unknown) => unknown)(context));
      };
      return wrapped;
    };
    const once = (subscription: Subscription): Subscription => ({ ...subscription, options: { ...subscription.options, attempts: 1 }, handler: wrap(subscription.name, subscription.handler) });
    return {
      ...service,
      handlers: Object.fromEntries(Object.entries(service.handlers).map(([name, handler]) => [name, wrap(name, handler, operations.get(name))])),
      subscriptions: service.subscriptions.map(once),
      workflows: service.workflows.map((workflow) => ({ ...workflow, code: wrap(workflow.name, workflow.code) })),
    };
  }
}

/** Columns of a table that are classified. */
export function classifiedColumns(service: Service, table: string): readonly string[] {
  return Object.entries(service.tables[table]?.columns ?? {}).filter(([, column]) => dataClassesOf(toJsonSchema(column, "output")).size > 0).map(([name]) => name);
}

async function plantedRows(service: Service, { read }: Sabotaged): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for (const table of Object.keys(service.tables)) {
    if (classifiedColumns(service, table).length > 0) found.push(...(await plantedRowsOf(table, read as unknown as AnyDb)));
  }
  return found;
}

/** As handlers read them: what is encrypted is plain. */
async function plantedRowsOf(table: string, db: AnyDb): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const rows = await db.selectFrom(table).selectAll().execute();
  return rows.filter((row) => JSON.stringify(row).toLowerCase().includes("planted")).slice(0, 3);
}

/** Every classified place of every contract of the shop. */
export function classifiedPlaces(services: readonly Service[]): readonly string[] {
  return services.flatMap((service) => describe(service.contract).operations.flatMap(({ id, input }) => (input === undefined ? [] : [...dataClassesOf(input).keys()].map((place) => `${id}${place}`))));
}
