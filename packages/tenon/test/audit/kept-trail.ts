/** A trail of one service with a clock that is moved by hand, and whoever administers its database. */
import { type AuditAnchor, type AuditEntry, type AuditKey, type Checkpoint, createAuditKeyPem, DatabaseAudit, parseAuditKey, Sealer, ServiceTrail, verifyTrail, type VerifyReport } from "../../src/audit/index.ts";
import { type Database, migrate, withSession } from "../../src/data/index.ts";
import type { Log } from "../../src/kernel/index.ts";
import { ManualClock } from "../calls/fixture.ts";

export const service = "orders";
export const key = parseAuditKey(createAuditKeyPem());

/** Keeps what it is told, as a file elsewhere would. */
export class MemoryAnchor implements AuditAnchor {
  readonly name = "memory";
  readonly kept: Checkpoint[] = [];

  keep(checkpoint: Checkpoint): Promise<void> {
    this.kept.push(checkpoint);
    return Promise.resolve();
  }
}

export class Lines implements Log {
  readonly lines: string[] = [];
  debug(message: string): void {
    this.lines.push(`debug ${message}`);
  }
  info(message: string): void {
    this.lines.push(`info ${message}`);
  }
  warn(message: string): void {
    this.lines.push(`warn ${message}`);
  }
  error(message: string): void {
    this.lines.push(`error ${message}`);
  }
}

export function entry(number: number, more: Partial<AuditEntry> = {}): AuditEntry {
  return {
    actor: { kind: "person", subject: `user-${number % 7}`, issuer: "https://issuer.example" },
    action: "orders.place",
    record: { service, table: "orders", key: `o-${number}` },
    subject: `customer-${number % 5}`,
    address: "192.0.2.1",
    outcome: "done",
    allowedBy: "scope orders:write",
    traceId: "0af7651916cd43dd8448eb211c80319c",
    ...more,
  };
}

export interface KeptTrail {
  readonly clock: ManualClock;
  readonly store: DatabaseAudit;
  readonly trail: ServiceTrail;
  readonly sealer: Sealer;
  readonly anchor: MemoryAnchor;
  readonly log: Lines;
  /** Writes so many records, a second apart. */
  write(count: number): Promise<void>;
  verify(more?: { readonly key?: AuditKey; readonly anchors?: "used" }): Promise<VerifyReport>;
  /** With the rights of a superuser, and triggers off. */
  tamper(text: string, parameters?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
}

export async function prepare(database: Database): Promise<void> {
  await migrate(database, [{ service, migrations: [] }]);
}

export function openTrail(database: Database, { signing = key, writer = "writer-a" }: { readonly signing?: AuditKey | undefined; readonly writer?: string } = {}): KeptTrail {
  const clock = new ManualClock();
  const log = new Lines();
  const store = new DatabaseAudit(database, service);
  const anchor = new MemoryAnchor();
  const trail = new ServiceTrail({ store, service, writer, key: signing, clock, log });
  const sealer = new Sealer({ store, service, key: signing, anchors: [anchor], clock, log });
  let number = 0;
  return {
    clock,
    store,
    trail,
    sealer,
    anchor,
    log,
    async write(count) {
      for (let i = 0; i < count; i++) {
        clock.advance(1_000);
        await trail.write([entry(++number)]);
      }
    },
    verify: ({ anchors, key: trusted = signing } = {}) => verifyTrail({ store, service, trusted: [trusted], keys: [trusted], ...(anchors === undefined ? {} : { checkpoints: anchor.kept }) }),
    tamper: (text, parameters = []) =>
      withSession(database, { service, mode: "admin" }, async (session) => {
        await session.script("set session_replication_role = replica; set search_path = orders, public");
        try {
          return (await session.query(text, parameters)).rows;
        } finally {
          await session.script("set session_replication_role = origin; set search_path = public");
        }
      }),
  };
}

/** For the next test. */
export async function clear(database: Database): Promise<void> {
  await withSession(database, { service, mode: "admin" }, (session) => session.script("set session_replication_role = replica; truncate orders.tenon_audit, orders.tenon_audit_seals, orders.tenon_audit_archives restart identity; set session_replication_role = origin"));
}
