/**
 * PostgreSQL over the wire. Each service has connections of its own, of two kinds: for writing and for reading, each
 * in its own role, so that the server itself keeps services apart and queries from writing. Settings are made once, as
 * a connection starts, and cost nothing from then on.
 *
 * The login of the URL has to be allowed to take the roles of the services. A service whose code is not to be trusted
 * with that gets a URL of its own, with a login that may take its own two roles and no other.
 *
 * Poolers that share a server connection between transactions (PgBouncer in that mode) have to let the start-up
 * parameter `options` through, and prepared statements by name.
 */
import { type Database, type Listening, namesOf, type PoolFigures, type Session, type SessionMode, type SessionRequest, valueSettings } from "../data/index.ts";
import { Fault } from "../kernel/index.ts";
import type { ClientConfig } from "pg";
import { requestCancel } from "./cancel.ts";
import { Connection } from "./connection.ts";
import { Listener } from "./listener.ts";
import { Pool } from "./pool.ts";
import { PostgresSession } from "./session.ts";

export interface PostgresOptions {
  /** `postgres://user@host:5432/database`, as https://node-postgres.com reads it. */
  readonly url: string;
  /** The same as it is now, asked before each new connection: its user or password may have changed. */
  readonly currentUrl?: () => string | undefined;
  /** Services whose rows are elsewhere, or that log in as somebody else. */
  readonly urls?: Readonly<Record<string, string>>;
  /** Connections per service and mode. Default 8: a server's default is 100 in all. */
  readonly poolMax?: number;
  /** Default 3 000 ms: a server that is there answers in a tenth of it. */
  readonly connectTimeoutMs?: number;
  /** The longest that one statement of a service may run. Default 30 000 ms; calls end earlier, by their deadlines. */
  readonly statementTimeoutMs?: number;
  /** How long a transaction may stand idle before the server ends it. Default 60 000 ms. */
  readonly idleInTransactionTimeoutMs?: number;
  /** How long an unused connection is kept. Default 60 000 ms. */
  readonly idleMs?: number;
  /** How long a server may stay silent over what it should have ended, before its line is cut. Default 5 000 ms. */
  readonly answerGraceMs?: number;
  /** Prepared statements kept per connection. Default 256. */
  readonly preparedMax?: number;
}

type Pg = (typeof import("pg"))["default"];

/** How long the connection for watching is kept unused, in ms: a little longer than from one look at objectives to the next. */
const reserveIdleMs = 15_000;
/** Between two looks at the connections, in ms. */
const watchEveryMs = 500;

/**
 * Opens nothing yet: connections are made at first use, so that a database that is away makes calls fail, not the start.
 *
 * @throws {Fault} `invalid_argument` for a URL that cannot be read.
 */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const { default: pg } = await import("pg"); // 24 ms that an app on the embedded database does not pay
  return new PostgresDatabase(pg, options);
}

class PostgresDatabase implements Database {
  readonly label: string;
  readonly sessions = "many";
  readonly #pg: Pg;
  readonly #options: PostgresOptions;
  readonly #statementTimeoutMs: number;
  readonly #graceMs: number;
  readonly #pools = new Map<SessionMode, Map<string, Pool>>([
    ["read", new Map()],
    ["write", new Map()],
    ["admin", new Map()],
  ]);
  /** For watching, of pools that have run dry: one connection each. */
  readonly #reserves = new Map<Pool, Pool>();
  readonly #listeners = new Set<Listener>();
  #watch: NodeJS.Timeout | undefined = undefined;
  #isClosed = false;

  constructor(pg: Pg, options: PostgresOptions) {
    this.#pg = pg;
    this.#options = options;
    this.#statementTimeoutMs = options.statementTimeoutMs ?? 30_000;
    this.#graceMs = options.answerGraceMs ?? 5_000;
    const { database, host, port } = this.#targetOf(options.url);
    for (const url of Object.values(options.urls ?? {})) this.#targetOf(url);
    this.label = `postgresql ${host}:${port}/${database}`;
  }

  async acquire(request: SessionRequest): Promise<Session> {
    const own = this.#poolOf(request.service, request.mode);
    const pool = request.purpose === "watch" && own.isDry ? this.#reserveOf(own, request) : own;
    return new PostgresSession(await pool.acquire(request.timeoutMs), pool);
  }

  listen(channel: string, onNotice: (payload: string | undefined) => void): Listening {
    const current = (): ClientConfig => this.#clientConfig("", "admin");
    const listener = new Listener({ Client: this.#pg.Client, get config() { return current(); }, channel, onNotice });
    this.#listeners.add(listener);
    return listener;
  }

  pools(): readonly PoolFigures[] {
    return [...this.#pools].flatMap(([mode, byService]) => [...byService].map(([service, pool]) => ({ service, mode, ...pool.figures })));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
    await Promise.all(this.#eachPool().map((pool) => pool.close(this.#graceMs)));
    clearInterval(this.#watch);
  }

  #eachPool(): readonly Pool[] {
    return [...[...this.#pools.values()].flatMap((byService) => [...byService.values()]), ...this.#reserves.values()];
  }

  #poolOf(service: string, mode: SessionMode): Pool {
    if (this.#isClosed) throw new Fault("unavailable", "the database is closed");
    const pools = this.#pools.get(mode) as Map<string, Pool>;
    // Services without a database of their own share the pool for admin sessions.
    const key = mode === "admin" && this.#options.urls?.[service] === undefined ? "" : service;
    let pool = pools.get(key);
    if (pool === undefined) {
      pool = this.#createPool(key, mode);
      pools.set(key, pool);
      this.#watch ??= this.#startWatch();
    }
    return pool;
  }

  #reserveOf(pool: Pool, { mode, service }: SessionRequest): Pool {
    let reserve = this.#reserves.get(pool);
    if (reserve === undefined) {
      reserve = new Pool({ name: `${service}, ${mode}, for watching`, max: 1, idleMs: reserveIdleMs, open: (onLost) => this.#connect(this.#clientConfig(service, mode), onLost) });
      this.#reserves.set(pool, reserve);
    }
    return reserve;
  }

  #createPool(service: string, mode: SessionMode): Pool {
    this.#clientConfig(service, mode); // what is wrong with it is told here
    return new Pool({
      name: service === "" ? mode : `${service}, ${mode}`,
      max: this.#options.poolMax ?? 8,
      idleMs: this.#options.idleMs ?? 60_000,
      open: (onLost) => this.#connect(this.#clientConfig(service, mode), onLost),
    });
  }

  async #connect(config: ClientConfig, onLost: (connection: Connection) => void): Promise<Connection> {
    const client = new this.#pg.Client(config);
    // Until the connection listens itself. A failure to connect comes as a rejection too.
    client.on("error", () => undefined);
    try {
      await client.connect();
    } catch (error) {
      throw toUnavailable(error, this.label);
    }
    return new Connection(client, {
      preparedMax: this.#options.preparedMax ?? 256,
      requestCancel: (target) => requestCancel(this.#pg.Connection as never, target, this.#graceMs),
      onLost,
    });
  }

  #clientConfig(service: string, mode: SessionMode): ClientConfig {
    const url = new URL(this.#options.urls?.[service] ?? this.#options.currentUrl?.() ?? this.#options.url);
    const ownOptions = url.searchParams.get("options") ?? "";
    url.searchParams.delete("options"); // what stands in the URL would win over what stands beside it
    const { database } = this.#targetOf(url.href);
    return {
      connectionString: url.href,
      connectionTimeoutMillis: this.#options.connectTimeoutMs ?? 3_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 30_000, // the system's own is hours
      application_name: service === "" ? "tenon" : `tenon ${service} ${mode}`,
      options: `${ownOptions} ${toStartOptions(this.#sessionSettings(database, service, mode))}`.trim(),
    };
  }

  #sessionSettings(database: string, service: string, mode: SessionMode): Readonly<Record<string, string>> {
    // Migrations take as long as they take.
    if (mode === "admin") return { ...valueSettings };
    const { reader, schema, writer } = namesOf(database, service);
    return {
      ...valueSettings,
      role: mode === "read" ? reader : writer,
      search_path: `${schema}, public`, // public for the functions of extensions
      default_transaction_read_only: mode === "read" ? "on" : "off",
      statement_timeout: String(this.#statementTimeoutMs),
      idle_in_transaction_session_timeout: String(this.#options.idleInTransactionTimeoutMs ?? 60_000),
    };
  }

  #targetOf(url: string): { readonly database: string; readonly host: string; readonly port: number } {
    if (!URL.canParse(url)) throw new Fault("invalid_argument", "the URL of the database cannot be read: postgres://user@host:5432/database");
    const { database = "", host, port } = new this.#pg.Client({ connectionString: url });
    return { database, host, port };
  }

  #startWatch(): NodeJS.Timeout {
    return setInterval(() => {
      const nowMs = performance.now();
      for (const [mode, pools] of this.#pools) {
        const busyMaxMs = mode === "admin" ? Number.POSITIVE_INFINITY : this.#statementTimeoutMs + this.#graceMs;
        const limits = { busyMaxMs, canceledMaxMs: this.#graceMs };
        for (const pool of pools.values()) for (const each of [pool, this.#reserves.get(pool)]) each?.tidy(nowMs, (connection) => isStuck(connection, nowMs, limits));
      }
    }, watchEveryMs).unref();
  }
}

/** The server should have answered by now: it is gone without a goodbye, or the network is. */
function isStuck(connection: Connection, nowMs: number, limits: { readonly busyMaxMs: number; readonly canceledMaxMs: number }): boolean {
  const { busySinceMs, canceledAtMs } = connection;
  if (canceledAtMs !== undefined && nowMs - canceledAtMs > limits.canceledMaxMs) return true;
  return busySinceMs !== undefined && nowMs - busySinceMs > limits.busyMaxMs;
}

/** https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-SHELL; blanks and backslashes are escaped. */
function toStartOptions(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings).map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\ ]/g, "\\$&")}`).join(" ");
}

function toUnavailable(error: unknown, label: string): Fault {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return new Fault("unavailable", "the database is out of reach", { cause: error, facts: { database: label, code }, retryAfterS: 1 });
}
