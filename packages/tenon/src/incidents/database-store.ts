/**
 * Incidents in the database of the app: in the schema of its first service that has one. Changes are there too; migrations
 * are read from the record that each service's schema keeps of them anyway.
 *
 * Whoever decides holds a lock of the table meanwhile: two instances that find alerts of one trouble at once open one incident.
 */
import type { Rows, Session } from "../data/index.ts";
import type { WithSession } from "../objectives/index.ts";
import { type Change, releaseText, settingsChange, type SettingsMark } from "./change.ts";
import type { Entry, EntryKind, Incident, IncidentEdit } from "./incident.ts";
import type { IncidentStore } from "./ports.ts";

/** Writers one at a time; readers go on. */
const lockText = "lock table tenon_incidents in share row exclusive mode";
const unclosedText = "select incident from tenon_incidents where closed_at is null order by opened_at, id";
const writeText = `
  insert into tenon_incidents (id, state, opened_at, closed_at, incident) values ($1, $2, $3, $4, $5::json)
  on conflict (id) do update set state = excluded.state, closed_at = excluded.closed_at, incident = excluded.incident`;
const entriesText = `
  insert into tenon_incident_entries (incident, at, kind, text, actor, data)
  select $1, * from unnest($2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::json[])`;
const noteText = "insert into tenon_changes (at, kind, text, data) values ($1, $2, $3, $4::json)";

export interface DatabaseIncidentsOptions {
  /** Of the service in whose schema they are. */
  readonly withSession: WithSession;
  /** Migrations of all services of the app in a time. */
  readonly migrations: (fromMs: number, untilMs: number) => Promise<readonly Change[]>;
}

export class DatabaseIncidents implements IncidentStore {
  readonly #options: DatabaseIncidentsOptions;

  constructor(options: DatabaseIncidentsOptions) {
    this.#options = options;
  }

  async edit(decide: (incidents: readonly Incident[]) => readonly IncidentEdit[]): Promise<readonly IncidentEdit[]> {
    return this.#alone(lockText, async (session) => {
      const { rows } = await session.query(unclosedText, []);
      const edits = decide(rows.map(toIncident));
      for (const { entries, incident } of edits) await writeEdit(session, incident, entries);
      return edits;
    });
  }

  async unclosed(): Promise<readonly Incident[]> {
    return (await this.#read(unclosedText, [])).rows.map(toIncident);
  }

  async list(max: number): Promise<readonly Incident[]> {
    return (await this.#read("select incident from tenon_incidents order by opened_at desc, id limit $1", [max])).rows.map(toIncident);
  }

  async find(idPrefix: string): Promise<readonly Incident[]> {
    return (await this.#read("select incident from tenon_incidents where starts_with(id, $1) order by opened_at", [idPrefix])).rows.map(toIncident);
  }

  async timeLine(id: string): Promise<readonly Entry[]> {
    const { rows } = await this.#read("select at, kind, text, actor, data from tenon_incident_entries where incident = $1 order by at, seq", [id]);
    return rows.map((row) => ({
      atMs: Date.parse(row["at"] as string),
      kind: row["kind"] as EntryKind,
      text: row["text"] as string,
      actor: row["actor"] as string,
      ...(row["data"] === null ? {} : { data: row["data"] }),
    }));
  }

  async noteRelease(release: string, atMs: number): Promise<void> {
    if (release === "") return;
    await this.#alone("lock table tenon_changes in share row exclusive mode", async (session) => {
      const { rows } = await session.query("select data from tenon_changes where kind = 'release' order by seq desc limit 1", []);
      const before = (rows[0]?.["data"] as { readonly release: string } | undefined)?.release;
      if (before !== release) await session.query(noteText, [new Date(atMs), "release", releaseText(release, before), JSON.stringify({ release })]);
    });
  }

  async noteSettings(mark: (salt: string | undefined) => SettingsMark, atMs: number): Promise<void> {
    await this.#alone("lock table tenon_changes in share row exclusive mode", async (session) => {
      const { rows } = await session.query("select data from tenon_changes where kind = 'configuration' order by seq desc limit 1", []);
      const before = rows[0]?.["data"] as SettingsMark | undefined;
      const after = mark(before?.salt);
      const text = before === undefined ? "" : settingsChange(before, after);
      if (text !== undefined) await session.query(noteText, [new Date(atMs), "configuration", text, JSON.stringify(after)]);
    });
  }

  async changes(fromMs: number, untilMs: number): Promise<readonly Change[]> {
    // The first settings on record say nothing, and have no text.
    const { rows } = await this.#read("select at, kind, text from tenon_changes where at between $1 and $2 and text <> '' order by at, seq", [new Date(fromMs), new Date(untilMs)]);
    const own = rows.map((row): Change => ({ atMs: Date.parse(row["at"] as string), kind: row["kind"] as Change["kind"], text: row["text"] as string }));
    return [...own, ...(await this.#options.migrations(fromMs, untilMs))].toSorted((a, b) => a.atMs - b.atMs);
  }

  async sweep(beforeMs: number): Promise<void> {
    const before = new Date(beforeMs);
    await this.#options.withSession("write", async (session) => {
      await session.query("delete from tenon_incidents where closed_at < $1", [before]);
      // The last of each kind says what the next one is compared with.
      await session.query("delete from tenon_changes where at < $1 and seq not in (select max(seq) from tenon_changes group by kind)", [before]);
    });
  }

  async #alone<T>(lock: string, task: (session: Session) => Promise<T>): Promise<T> {
    return this.#options.withSession("write", async (session) => {
      await session.batch([{ text: "begin", parameters: [] }, { text: lock, parameters: [] }]);
      try {
        const result = await task(session);
        await session.query("commit", []);
        return result;
      } catch (thrown) {
        await session.query("rollback", []).catch(() => undefined); // a lost connection has undone it
        throw thrown;
      }
    });
  }

  async #read(text: string, parameters: readonly unknown[]): Promise<Rows> {
    return this.#options.withSession("read", (session) => session.query(text, parameters));
  }
}

async function writeEdit(session: Session, incident: Incident, entries: readonly Entry[]): Promise<void> {
  const { closedAtMs, id, openedAtMs, state } = incident;
  await session.query(writeText, [id, state, new Date(openedAtMs), closedAtMs === undefined ? null : new Date(closedAtMs), JSON.stringify(incident)]);
  if (entries.length === 0) return;
  await session.query(entriesText, [
    id,
    entries.map(({ atMs }) => new Date(atMs)),
    entries.map(({ kind }) => kind),
    entries.map(({ text }) => text),
    entries.map(({ actor }) => actor),
    entries.map(({ data }) => (data === undefined ? null : JSON.stringify(data))),
  ]);
}

/** JSON has no `undefined`: a field that is missing reads as that. */
function toIncident(row: Record<string, unknown>): Incident {
  return row["incident"] as Incident;
}
