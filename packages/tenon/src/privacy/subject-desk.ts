/**
 * The rights of a person over their data (GDPR articles 15 to 20), for all services of an app at once: what is held of
 * them, given to them whole; erased; restricted; or held back from erasure, where the law asks for it.
 *
 * It works on the databases and not through the services, so one that does not run keeps nothing back. Rows are removed as
 * the tables say; then the keys are destroyed, and with them everything that was sealed under them, wherever a copy is; then
 * rows that came in between are removed too. A step that was interrupted is done again by the next attempt.
 */
import { type Database, runStatement, type RunStatement } from "../data/index.ts";
import { type Clock, Fault } from "../kernel/index.ts";
import { isSealed } from "./envelope.ts";
import type { AuditSink } from "./audit-sink.ts";
import type { EventSeals } from "./event-seals.ts";
import { evictionChannel } from "./open-vault.ts";
import type { OutstandingPart } from "./outstanding-parts.ts";
import { openSigner } from "./signed-report.ts";
import { RecordSeals } from "./record-seals.ts";
import { destroyKeys, eraseFrom, inAdminTransaction, type ServiceReport } from "./subject-erasure.ts";
import { exportRows, type ServiceTables } from "./subject-rows.ts";
import { exportRuns } from "./subject-runs.ts";
import { findTraces, type KeptTrace } from "./subject-traces.ts";
import type { Vault } from "./vault.ts";

export interface SubjectDeskOptions {
  readonly app: string;
  readonly database: Database;
  readonly services: readonly ServiceTables[];
  /** One that opens what is restricted, too. */
  readonly vault: Vault;
  readonly seals: EventSeals;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly audit?: AuditSink | undefined;
}

export interface SubjectState {
  readonly restrictedAt: string | undefined;
  readonly heldAt: string | undefined;
  readonly holdReason: string | undefined;
}

export interface SubjectReport {
  readonly kind: "erasure" | "export";
  readonly id: string;
  readonly app: string;
  readonly subject: string;
  readonly at: string;
  readonly by: string;
  readonly services: readonly ServiceReport[];
  readonly keysDestroyed: number;
  /** Of a request that is not done: what is missing, since when and why. */
  readonly outstanding?: readonly OutstandingPart[];
  readonly notes: readonly string[];
}

export interface Signed<T> {
  readonly report: T;
  /** Compact JWS of the report. */
  readonly jws: string;
}

/** What one service holds of a person. */
export interface ServiceExport {
  /** Rows by table, as they were entered. */
  readonly tables: Readonly<Record<string, readonly object[]>>;
  readonly kept: readonly KeptTrace[];
}

export interface SubjectExport {
  /** By service and table. */
  readonly services: Readonly<Record<string, ServiceExport>>;
}

/** What every report of an erasure says besides. */
export const erasureNotes: readonly string[] = [
  "Traces, metrics and log lines hold no classified values: they are hidden when they are written.",
  "Events in streams of brokers, dumps of databases and other copies were sealed with the destroyed keys.",
  "Runs of workflows that have ended hold no values any more; those that are named as under way go on, and lose their values when they end.",
  "A copy of the table of keys from before, together with the master key of that time, opens what it opened then: keep such copies apart and briefly, or rotate the master key and destroy the old one.",
];

const runsUnderWayText = "select id from tenon_runs where subjects @> array[$1::text] and subjects <> '{}' and ended_at is null order by id limit 100";

export class SubjectDesk {
  readonly #options: SubjectDeskOptions;

  constructor(options: SubjectDeskOptions) {
    this.#options = options;
  }

  /** Everything that is held of a person, as they entered it. */
  async export(subject: string, by: string): Promise<Signed<SubjectReport> & SubjectExport> {
    const found: Record<string, ServiceExport> = {};
    const reports: ServiceReport[] = [];
    for (const service of this.#options.services) {
      const { data, report } = await this.exportFrom(service, subject);
      if (Object.keys(data.tables).length > 0 || data.kept.length > 0) found[service.name] = data;
      reports.push(report);
    }
    return { ...(await this.#sign({ kind: "export", subject, by, services: reports, keysDestroyed: 0 })), services: found };
  }

  /** What one service holds of a person. */
  async exportFrom(service: ServiceTables, subject: string): Promise<{ readonly data: ServiceExport; readonly report: ServiceReport }> {
    const run = this.#runIn(service.name);
    const tables = await exportRows(service, subject, { run, vault: this.#options.vault });
    const kept: KeptTrace[] = [];
    for (const trace of await findTraces(await this.#keyIds(subject), run)) kept.push(await this.#opened(service.name, trace));
    kept.push(...(await exportRuns(subject, { run, seals: this.#recordSeals(service) })));
    const outcomes = Object.entries(tables).map(([table, rows]) => ({ table, found: rows.length, done: "nothing" as const }));
    return { data: { tables, kept }, report: { service: service.name, tables: outcomes, unreadable: {} } };
  }

  /** @throws {Fault} `conflict`: the person's data is on hold. */
  async erase(subject: string, by: string): Promise<Signed<SubjectReport>> {
    const { heldAt, holdReason } = await this.state(subject);
    if (heldAt !== undefined) throw new Fault("conflict", `the data of ${subject} is on hold since ${heldAt}: ${holdReason ?? ""}`);
    const { database, services, vault } = this.#options;
    const parts = { subject, vault };
    const reports: ServiceReport[] = [];
    for (const service of services) reports.push(await inAdminTransaction(database, service.name, (session) => eraseFrom(session, service, parts)));
    const keysDestroyed = await inAdminTransaction(database, "", (session) => destroyKeys(session, services, parts));
    await this.#tell(subject);
    // What came while the keys were there.
    for (const service of services) await inAdminTransaction(database, service.name, (session) => eraseFrom(session, service, parts));
    return this.#sign({ kind: "erasure", subject, by, services: reports, keysDestroyed });
  }

  /** From now on the data of a person is kept and not used: whoever reads it is refused. Or it may be used again. */
  async restrict(subject: string, to: "restricted" | "free", by: string): Promise<void> {
    await this.#admin(
      `insert into tenon_privacy.subjects (subject, restricted_at) values ($1, case when $2 = 'restricted' then now() end)
       on conflict (subject) do update set restricted_at = excluded.restricted_at`,
      [subject, to],
    );
    await this.#tell(subject);
    await this.#options.audit?.record({ what: `subject.${to === "free" ? "unrestrict" : "restrict"}`, subject, by });
  }

  /** Keeps erasures and sweeps from a person's data for a reason, or lets it go. */
  async hold(subject: string, reason: string | undefined, by: string): Promise<void> {
    await this.#admin(
      `insert into tenon_privacy.subjects (subject, held_at, hold_reason) values ($1, case when $2::text is not null then now() end, $2)
       on conflict (subject) do update set held_at = excluded.held_at, hold_reason = excluded.hold_reason`,
      [subject, reason ?? null],
    );
    await this.#options.audit?.record({ what: reason === undefined ? "subject.release" : "subject.hold", subject, by });
  }

  /** Runs of workflows that tell of the person and have not ended, by service. */
  async runsUnderWay(subject: string): Promise<Readonly<Record<string, readonly string[]>>> {
    const found: Record<string, readonly string[]> = {};
    for (const { name } of this.#options.services) {
      const { rows } = await this.#runIn(name)({ text: runsUnderWayText, parameters: [subject] });
      if (rows.length > 0) found[name] = rows.map((row) => row["id"] as string);
    }
    return found;
  }

  async state(subject: string): Promise<SubjectState> {
    const { rows } = await this.#admin("select restricted_at, held_at, hold_reason from tenon_privacy.subjects where subject = $1", [subject]);
    const { held_at: heldAt, hold_reason: holdReason, restricted_at: restrictedAt } = rows[0] ?? {};
    const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
    return { restrictedAt: text(restrictedAt), heldAt: text(heldAt), holdReason: text(holdReason) };
  }

  /** What a report says, where this app has signed it. */
  async verify(jws: string): Promise<unknown> {
    return (await this.#signer()).verify(jws);
  }

  #recordSeals({ name }: ServiceTables): RecordSeals {
    return new RecordSeals(this.#options.vault, name);
  }

  async #opened(service: string, trace: KeptTrace): Promise<KeptTrace> {
    if (trace.table === "tenon_answers") {
      const value = trace.data;
      if (typeof value !== "string" || !isSealed(value)) return trace;
      const [opened] = await this.#options.vault.open([{ column: `${service}/tenon_answers.value`, key: [trace.id], sealed: value }], this.#runIn(service));
      return { ...trace, data: typeof opened === "string" ? (JSON.parse(opened) as unknown) : null };
    }
    return { ...trace, data: await this.#options.seals.open(service, trace) };
  }

  async #keyIds(subject: string): Promise<readonly string[]> {
    const { rows } = await this.#admin("select id from tenon_privacy.keys where purpose = 'subject' and subject = $1 and wrapped is not null", [subject]);
    return rows.map((row) => row["id"] as string);
  }

  async #sign({ by, keysDestroyed, kind, services, subject }: Pick<SubjectReport, "kind" | "subject" | "by" | "services" | "keysDestroyed">): Promise<Signed<SubjectReport>> {
    const { app, audit, clock, newId } = this.#options;
    const report: SubjectReport = { kind, id: newId(), app, subject, at: new Date(clock.nowMs()).toISOString(), by, services, keysDestroyed, notes: kind === "erasure" ? erasureNotes : [] };
    const jws = (await this.#signer()).sign(report);
    await this.#admin("insert into tenon_privacy.reports (id, subject, kind, report) values ($1, $2, $3, $4)", [report.id, subject, kind, jws]);
    await audit?.record({ what: `subject.${kind}`, subject, by });
    return { report, jws };
  }

  #signer() {
    return openSigner(this.#options.vault, ({ parameters, text }) => this.#admin(text, parameters));
  }

  /** Processes read the keys of the subject again. */
  async #tell(subject: string): Promise<void> {
    this.#options.vault.keys.evict(subject);
    await this.#admin("select pg_notify($1, $2)", [evictionChannel, subject]);
  }

  #admin(text: string, parameters: readonly unknown[]) {
    return runStatement(this.#options.database, { service: "", mode: "admin", text, parameters });
  }

  #runIn(service: string): RunStatement {
    return (statement) => runStatement(this.#options.database, { service, mode: "read", ...statement });
  }
}
