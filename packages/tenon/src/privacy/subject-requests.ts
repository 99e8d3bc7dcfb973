/**
 * Requests of persons that are served by the services themselves, each in its own time: what a service did for a request is
 * kept in one transaction with its rows, so a repeated delivery does nothing twice. Whoever is the last one ends the
 * request: it removes what came in between, destroys the key where it was an erasure, and signs the report.
 */
import { quoteName, runStatement, type Rows, schemaOf, type Session } from "../data/index.ts";
import { evictionChannel } from "./open-vault.ts";
import { findOutstanding, type OutstandingPart } from "./outstanding-parts.ts";
import { openSigner } from "./signed-report.ts";
import { erasureNotes, SubjectDesk, type SubjectDeskOptions, type SubjectReport, type SubjectState } from "./subject-desk.ts";
import { destroyKeys, eraseFrom, inAdminTransaction, inSchema, type ServiceReport } from "./subject-erasure.ts";
import type { ServiceTables } from "./subject-rows.ts";

export interface SubjectRequestView {
  readonly id: string;
  readonly subject: string;
  readonly kind: "export" | "erasure";
  readonly state: "working" | "done" | "held" | "replaced";
  readonly askedBy: string;
  readonly askedAt: string;
  readonly doneAt?: string;
  readonly services: readonly RequestPart[];
  /** Compact JWS. */
  readonly report?: string;
  /** While it is not done, the same: what was found and done so far, and what is outstanding. Compact JWS. */
  readonly interimReport?: string;
  /** Of an export that is done: by service and table. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What a service has to do for a request. Of one that is `done`, what it found and did; its runs are those that have not ended since. */
export type RequestPart = ({ readonly state: "done" } & ServiceReport) | OutstandingPart;

interface RequestRow {
  readonly id: string;
  readonly subject: string;
  readonly kind: "export" | "erasure";
  readonly state: SubjectRequestView["state"];
  readonly asked_by: string;
  readonly asked_at: string;
  readonly done_at: string | null;
  readonly services: readonly string[];
  readonly report: string | null;
}

interface PartRow {
  readonly service: string;
  readonly outcome: ServiceReport;
  readonly data: string | null;
}

/** What a service did, to be kept. */
interface Part {
  readonly outcome: ServiceReport;
  readonly data: string | null;
}

const requestText = "select id, subject, kind, state, asked_by, asked_at, done_at, services, report from subjects.requests where id::text = $1";
const latestText = "select id, subject, kind, state, asked_by, asked_at, done_at, services, report from subjects.requests where subject = $1 order by asked_at desc limit 20";
const interimNote = "This request is not done: what is outstanding is named, and the key of the person is there until it is.";
const partsText = "select service, outcome, data from subjects.parts where request = $1::uuid order by service";

export interface SubjectRequestsOptions extends SubjectDeskOptions {
  /** The subscription by which services take part. */
  readonly subscription: string;
  /** Puts on record what a service does for a request, in the transaction in which it does it. Left out: nobody does. */
  readonly onPart?: ((session: Session, part: DonePart) => Promise<void>) | undefined;
}

/** A part that a service has done. */
export interface DonePart {
  readonly service: string;
  readonly request: string;
  readonly kind: "export" | "erasure";
  readonly subject: string;
  readonly askedBy: string;
}

export class SubjectRequests {
  readonly #options: SubjectRequestsOptions;
  readonly #desk: SubjectDesk;

  /** @param options  With a vault that opens what is restricted, too. */
  constructor(options: SubjectRequestsOptions) {
    this.#options = options;
    this.#desk = new SubjectDesk(options);
  }

  /** Who takes part. */
  get services(): readonly string[] {
    return this.#options.services.map(({ name }) => name);
  }

  /** What a new request is known by. */
  draw(): { readonly id: string; readonly askedAt: string } {
    return { id: this.#options.newId(), askedAt: new Date(this.#options.clock.nowMs()).toISOString() };
  }

  state(subject: string): Promise<SubjectState> {
    return this.#desk.state(subject);
  }

  async restrict(subject: string, to: "restricted" | "free", by: string): Promise<SubjectState> {
    await this.#desk.restrict(subject, to, by);
    return this.#desk.state(subject);
  }

  async hold(subject: string, reason: string | undefined, by: string): Promise<SubjectState> {
    await this.#desk.hold(subject, reason, by);
    return this.#desk.state(subject);
  }

  /** How far a request has come. The data of a person who was erased since is gone. */
  async view(id: string): Promise<SubjectRequestView | undefined> {
    const row = firstOf(await this.#admin(requestText, [id]));
    if (row === undefined) return undefined;
    const { parts, view } = await this.#seen(row);
    const data = await this.#dataOf(row, parts);
    return data === undefined ? view : { ...view, data };
  }

  /** The latest requests of a person, without their data. Empty where none was made yet. */
  async of(subject: string): Promise<readonly SubjectRequestView[]> {
    const { rows: there } = await this.#admin("select to_regclass('subjects.requests') is not null as is_there", []);
    if (there[0]?.["is_there"] !== true) return [];
    const { rows } = await this.#admin(latestText, [subject]);
    const views: SubjectRequestView[] = [];
    for (const row of rows as unknown as readonly RequestRow[]) views.push((await this.#seen(row)).view);
    return views;
  }

  async #seen(row: RequestRow): Promise<{ readonly view: SubjectRequestView; readonly parts: readonly PartRow[] }> {
    const { asked_at: askedAt, asked_by: askedBy, id, kind, report, state, subject } = row;
    const parts = (await this.#admin(partsText, [id])).rows as unknown as readonly PartRow[];
    const missing = row.services.filter((service) => !parts.some((part) => part.service === service));
    const outstanding = state === "done" ? [] : await findOutstanding({ id, askedAt, subscription: this.#options.subscription }, missing, ({ parameters, text }) => this.#admin(text, parameters));
    const services: RequestPart[] = [];
    for (const service of row.services) {
      const part = parts.find((each) => each.service === service);
      const open = outstanding.find((each) => each.service === service);
      if (part !== undefined) services.push({ ...(await this.#runsOf(service, part.outcome)), service, state: "done" });
      else if (open !== undefined) services.push(open);
    }
    const doneAt = row.done_at ?? undefined;
    const view = { id, subject, kind, state, askedBy, askedAt, services, ...(doneAt === undefined ? {} : { doneAt }) };
    if (report !== null) return { parts, view: { ...view, report } };
    return { parts, view: { ...view, interimReport: await this.#signInterim(row, parts, outstanding) } };
  }

  /** Runs that were under way at the time, and are still. */
  async #runsOf(service: string, outcome: ServiceReport): Promise<ServiceReport> {
    const { runs } = outcome;
    if (runs === undefined || runs.underWay.length === 0) return outcome;
    const { rows } = await this.#admin(`select id from ${quoteName(schemaOf(service))}.tenon_runs where id = any($1::text[]) and ended_at is null order by id`, [runs.underWay]);
    return { ...outcome, runs: { ...runs, underWay: rows.map((each) => each["id"] as string) } };
  }

  async #signInterim({ asked_by: by, id, kind, subject }: RequestRow, parts: readonly PartRow[], outstanding: readonly OutstandingPart[]): Promise<string> {
    const { app, clock, vault } = this.#options;
    const report: SubjectReport = { kind, id, app, subject, at: new Date(clock.nowMs()).toISOString(), by, services: parts.map(({ outcome }) => outcome), keysDestroyed: 0, outstanding, notes: [interimNote] };
    return (await openSigner(vault, ({ parameters, text }) => this.#admin(text, parameters))).sign(report);
  }

  /** A service does its part. Repeatable. Holds a session of its own, so nobody may hold one who waits for it. */
  async takePart(service: string, id: string): Promise<void> {
    const { services } = this.#options;
    const own = services.find(({ name }) => name === service);
    const request = firstOf(await this.#admin(requestText, [id]));
    if (own === undefined || request === undefined || !isWaitingFor(request, service)) return;
    const exported = request.kind === "export" ? await this.#exportFrom(own, request) : undefined;
    const ended = await inAdminTransaction(this.#options.database, service, async (session) => {
      const locked = firstOf(await session.query(`${requestText} for update`, [id])); // one after the other: somebody has to be the last
      if (locked === undefined || !isWaitingFor(locked, service)) return false;
      const { rows: known } = await session.query("select 1 from subjects.parts where request = $1::uuid and service = $2", [id, service]);
      if (known.length > 0) return false;
      if (locked.kind === "erasure" && (await isHeld(session, locked.subject))) {
        await session.query("update subjects.requests set state = 'held' where id = $1::uuid", [id]);
        return false;
      }
      const part: Part = exported ?? { outcome: await eraseFrom(session, own, { subject: locked.subject, vault: this.#options.vault }), data: null };
      await inSchema(session, service, async () => this.#options.onPart?.(session, { service, request: id, kind: locked.kind, subject: locked.subject, askedBy: locked.asked_by }));
      await session.query("insert into subjects.parts (request, service, outcome, data) values ($1::uuid, $2, $3::jsonb, $4)", [id, service, JSON.stringify(part.outcome), part.data]);
      const parts = (await session.query(partsText, [id])).rows as unknown as readonly PartRow[];
      if (parts.length < locked.services.length) return false;
      await this.#end(session, locked, parts);
      return true;
    });
    if (ended) this.#options.vault.keys.evict(request.subject);
  }

  async #exportFrom(service: ServiceTables, { id, subject }: RequestRow): Promise<Part> {
    const { vault } = this.#options;
    const { data, report } = await this.#desk.exportFrom(service, subject);
    if (Object.keys(data.tables).length === 0 && data.kept.length === 0) return { outcome: report, data: null };
    const key = await vault.keyOf({ purpose: "subject", subject }, (statement) => this.#admin(statement.text, statement.parameters));
    return { outcome: report, data: vault.sealWith(key, JSON.stringify(data), boundOf(id, service.name)) };
  }

  async #end(session: Session, { asked_by: by, id, kind, subject }: RequestRow, parts: readonly PartRow[]): Promise<void> {
    const { app, clock, services, vault } = this.#options;
    let keysDestroyed = 0;
    if (kind === "erasure") {
      for (const service of services) await eraseFrom(session, service, { subject, vault }); // what came in between
      keysDestroyed = await destroyKeys(session, services, { subject, vault });
      await session.query("update subjects.parts set data = null where request in (select id from subjects.requests where subject = $1)", [subject]);
    }
    const report: SubjectReport = { kind, id, app, subject, at: new Date(clock.nowMs()).toISOString(), by, services: parts.map(({ outcome }) => outcome), keysDestroyed, notes: kind === "erasure" ? erasureNotes : [] };
    const signer = await openSigner(vault, ({ parameters, text }) => session.query(text, parameters));
    const jws = signer.sign(report);
    await session.query("insert into tenon_privacy.reports (id, subject, kind, report) values ($1::uuid, $2, $3, $4)", [id, subject, kind, jws]);
    await session.query("update subjects.requests set state = 'done', done_at = $2::timestamptz, report = $3 where id = $1::uuid", [id, report.at, jws]);
    await session.query("select pg_notify($1, $2)", [evictionChannel, subject]);
  }

  async #dataOf({ id, kind, state }: RequestRow, parts: readonly PartRow[]): Promise<Readonly<Record<string, unknown>> | undefined> {
    if (kind !== "export" || state !== "done") return undefined;
    const { vault } = this.#options;
    const found: Record<string, unknown> = {};
    for (const { data, service } of parts) {
      if (data === null) continue;
      const [opened] = await vault.open([{ column: boundOf(id, service)[0] as string, key: boundOf(id, service).slice(1), sealed: data }], ({ parameters, text }) => this.#admin(text, parameters));
      if (typeof opened === "string") found[service] = JSON.parse(opened) as unknown;
    }
    return found;
  }

  #admin(text: string, parameters: readonly unknown[]): Promise<Rows> {
    return runStatement(this.#options.database, { service: "", mode: "admin", text, parameters });
  }
}

function firstOf({ rows }: Rows): RequestRow | undefined {
  return rows[0] as unknown as RequestRow | undefined;
}

function isWaitingFor({ services, state }: RequestRow, service: string): boolean {
  return state === "working" && services.includes(service);
}

function boundOf(request: string, service: string): readonly string[] {
  return ["subjects/parts.data", request, service];
}

async function isHeld(session: Session, subject: string): Promise<boolean> {
  const { rows } = await session.query("select 1 from tenon_privacy.subjects where subject = $1 and held_at is not null", [subject]);
  return rows.length > 0;
}
