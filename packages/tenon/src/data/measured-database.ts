/**
 * A database that counts: how long sessions are waited for, how long trips to the server take, which of them fail, and how
 * full the pools are. It costs two readings of the clock and one closure a trip.
 *
 * A batch is one trip and is counted as one: what its statements take apart is not seen from here.
 */
import { type Clock, Fault } from "../kernel/index.ts";
import type { Counter, Family, Histogram, Metrics, Reading } from "../telemetry/index.ts";
import { type Database, DatabaseError, type PoolFigures, type Session, type SessionMode, type SessionRequest, type Statement } from "./ports.ts";

export interface MeasureOptions {
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** The same database, counted. Once for each registry. */
export function measureDatabase(database: Database, { clock, metrics }: MeasureOptions): Database {
  watchPools(database, metrics);
  const labels = ["service", "mode"];
  const waits = metrics.histogram({ name: "tenon_database_wait_seconds", help: "How long a free session of the database was waited for, in vain or not.", unit: "seconds", labels });
  const trips = metrics.histogram({ name: "tenon_database_statement_duration_seconds", help: "How long trips to the database took: one statement, or several that travel together.", unit: "seconds", labels });
  const failures = metrics.counter({ name: "tenon_database_failures", help: "Trips to the database and waits for a session that failed, by SQLSTATE or code.", labels: [...labels, "code"] });
  const meters = new Map<SessionMode, Map<string, SessionMeter>>();

  function meterOf({ mode, service }: SessionRequest): SessionMeter {
    let byService = meters.get(mode);
    if (byService === undefined) meters.set(mode, (byService = new Map()));
    let meter = byService.get(service);
    if (meter === undefined) byService.set(service, (meter = new SessionMeter({ clock, waits: waits.with(service, mode), trips: trips.with(service, mode), failures, service, mode })));
    return meter;
  }

  return {
    label: database.label,
    sessions: database.sessions,
    acquire(request) {
      const meter = meterOf(request);
      const startedMs = clock.elapsedMs();
      return database.acquire(request).then(
        (session) => {
          meter.waited(startedMs);
          return new MeasuredSession(session, meter);
        },
        (thrown: unknown) => {
          meter.waited(startedMs);
          meter.failed(thrown);
          throw thrown;
        },
      );
    },
    ...(database.listen === undefined ? {} : { listen: (channel, onNotice) => (database.listen as NonNullable<Database["listen"]>)(channel, onNotice) }),
    ...(database.pools === undefined ? {} : { pools: () => (database.pools as NonNullable<Database["pools"]>)() }),
    close: () => database.close(),
  };
}

function watchPools(database: Database, metrics: Metrics): void {
  const labels = ["service", "mode"];
  const read = (valueOf: (pool: PoolFigures) => number): (() => readonly Reading[]) => () =>
    (database.pools?.() ?? []).map((pool) => ({ labels: [pool.service, pool.mode], value: valueOf(pool) }));
  metrics.watch({ name: "tenon_database_sessions_used", help: "Sessions of the database that somebody holds.", type: "gauge", labels }, read(({ inUse }) => inUse));
  metrics.watch({ name: "tenon_database_sessions_idle", help: "Sessions of the database that are open and free.", type: "gauge", labels }, read(({ idle }) => idle));
  metrics.watch({ name: "tenon_database_sessions_max", help: "Sessions of the database there may be.", type: "gauge", labels }, read(({ max }) => max));
  metrics.watch({ name: "tenon_database_sessions_awaited", help: "Who waits for a session of the database.", type: "gauge", labels }, read(({ waiting }) => waiting));
}

interface SessionMeterParts {
  readonly clock: Clock;
  readonly waits: Histogram;
  readonly trips: Histogram;
  readonly failures: Family<Counter>;
  readonly service: string;
  readonly mode: SessionMode;
}

/** Of the sessions of one service and mode. */
class SessionMeter {
  readonly #parts: SessionMeterParts;

  constructor(parts: SessionMeterParts) {
    this.#parts = parts;
  }

  waited(sinceMs: number): void {
    const { clock, waits } = this.#parts;
    waits.observe((clock.elapsedMs() - sinceMs) / 1000);
  }

  failed(thrown: unknown): void {
    const { failures, mode, service } = this.#parts;
    failures.with(service, mode, thrown instanceof DatabaseError ? thrown.sqlState : Fault.from(thrown).code).add();
  }

  async time<T>(trip: () => Promise<T>): Promise<T> {
    const { clock, trips } = this.#parts;
    const startedMs = clock.elapsedMs();
    try {
      return await trip();
    } catch (thrown) {
      this.failed(thrown);
      throw thrown;
    } finally {
      trips.observe((clock.elapsedMs() - startedMs) / 1000);
    }
  }
}

class MeasuredSession implements Session {
  readonly #session: Session;
  readonly #meter: SessionMeter;

  constructor(session: Session, meter: SessionMeter) {
    this.#session = session;
    this.#meter = meter;
  }

  query(text: string, parameters: readonly unknown[]) {
    return this.#meter.time(() => this.#session.query(text, parameters));
  }

  batch(statements: readonly Statement[]) {
    return this.#meter.time(() => this.#session.batch(statements));
  }

  script(text: string) {
    return this.#meter.time(() => this.#session.script(text));
  }

  release(how?: "broken"): void {
    this.#session.release(how);
  }

  cancel(): void {
    this.#session.cancel();
  }
}
