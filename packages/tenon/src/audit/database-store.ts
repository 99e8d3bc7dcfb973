/**
 * The trail of a service in its own schema. Records, seals and notes of archives are three tables that the service's roles
 * may add to and read, and that triggers keep from being changed; what the owner of the database can do all the same is
 * found by {@link verifyTrail}.
 */
import { type Database, quoteName, runStatement, schemaOf, type Session, type Statement, withSession } from "../data/index.ts";
import type { ArchiveNote, AuditFilter, AuditStore, NewRecord, SealingTurn, StoredRecord } from "./ports.ts";
import type { Seal } from "./seal.ts";

const insertOneText = "insert into tenon_audit (entry, hash, mac) values ($1::json, $2, $3)";
/** Of any number of records: one text, so that the server prepares it once. */
const insertText = `
  insert into tenon_audit (entry, hash, mac)
  select entry::json, decode(hash, 'hex'), decode(mac, 'hex') from unnest($1::text[], $2::text[], $3::text[]) with ordinality as added (entry, hash, mac, place) order by place`;

const columns = "seq, entry::text as entry, hash, mac";
const sealColumns = "body::text as body, leaves, hash, key, signature";

/** Any number that nobody else uses; the second half is the schema, so that services do not wait for each other. */
const lockText = "select pg_try_advisory_xact_lock(726639114, hashtext(current_schema())) as is_mine";

/** `seq` alone would let the planner walk the table backwards past all that does not match, where an index names the few. */
const pendingText = `
  select ${columns} from tenon_audit where seq > $1
  union all
  select ${columns} from tenon_audit where seq = any($2::bigint[])
  order by seq limit $3`;

export class DatabaseAudit implements AuditStore {
  readonly #database: Database;
  readonly #service: string;

  constructor(database: Database, service: string) {
    this.#database = database;
    this.#service = service;
  }

  insertion(records: readonly NewRecord[]): Statement {
    const [only] = records;
    if (only !== undefined && records.length === 1) return { text: insertOneText, parameters: [only.text, only.hash, only.mac] };
    const marks = records.map(({ mac }) => mac?.toString("hex") ?? null);
    return { text: insertText, parameters: [records.map(({ text }) => text), records.map(({ hash }) => hash.toString("hex")), marks] };
  }

  async insert(records: readonly NewRecord[]): Promise<void> {
    const { parameters, text } = this.insertion(records);
    await runStatement(this.#database, { service: this.#service, mode: "write", text, parameters });
  }

  async whileSealing(task: (turn: SealingTurn) => Promise<void>): Promise<boolean> {
    return withSession(this.#database, { service: this.#service, mode: "write" }, async (session) => {
      await session.script("begin");
      try {
        const { rows } = await session.query(lockText, []);
        const isMine = rows[0]?.["is_mine"] === true;
        if (isMine) await task(turnIn(session));
        await session.script("commit");
        return isMine;
      } catch (error) {
        await session.script("rollback").catch(() => undefined); // a lost session has undone it already; the error says more
        throw error;
      }
    });
  }

  async seals(afterNumber: number, max: number): Promise<readonly Seal[]> {
    return (await this.#read(`select ${sealColumns} from tenon_audit_seals where number > $1 order by number limit $2`, [afterNumber, max])).map(toSeal);
  }

  async records(afterSeq: number, max: number): Promise<readonly StoredRecord[]> {
    return (await this.#read(`select ${columns} from tenon_audit where seq > $1 order by seq limit $2`, [afterSeq, max])).map(toRecord);
  }

  async recordsAt(seqs: readonly number[]): Promise<readonly StoredRecord[]> {
    if (seqs.length === 0) return [];
    return (await this.#read(`select ${columns} from tenon_audit where seq = any($1::bigint[]) order by seq`, [seqs])).map(toRecord);
  }

  async search(filter: AuditFilter, { beforeSeq, max }: { readonly beforeSeq?: number | undefined; readonly max: number }): Promise<readonly StoredRecord[]> {
    const { conditions, parameters } = conditionsOf(filter);
    if (beforeSeq !== undefined) {
      parameters.push(beforeSeq);
      conditions.push(`seq < $${parameters.length}`);
    }
    parameters.push(max);
    const where = conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`;
    return (await this.#read(`select ${columns} from tenon_audit ${where} order by seq desc limit $${parameters.length}`, parameters)).map(toRecord);
  }

  async estimate(): Promise<number> {
    const [row] = await this.#read("select coalesce(max(seq), 0) - coalesce(min(seq) - 1, 0) as records from tenon_audit", []);
    return Number(row?.["records"] ?? 0);
  }

  async archives(): Promise<readonly ArchiveNote[]> {
    const rows = await this.#read("select note::text as note, key, signature from tenon_audit_archives order by place", []);
    return rows.map((row) => ({ text: row["note"] as string, keyId: (row["key"] as string | null) ?? undefined, signature: bufferOf(row["signature"]) }));
  }

  async removeThrough(seq: number, { keyId, signature, text }: ArchiveNote): Promise<number> {
    return withSession(this.#database, { service: this.#service, mode: "admin" }, async (session) => {
      const schema = quoteName(schemaOf(this.#service));
      await session.script("begin");
      try {
        await session.query(`insert into ${schema}.tenon_audit_archives (through_seq, note, key, signature) values ($1, $2::json, $3, $4)`, [seq, text, keyId, signature]);
        const { affected } = await session.query(`delete from ${schema}.tenon_audit where seq <= $1`, [seq]);
        await session.script("commit");
        return affected;
      } catch (error) {
        await session.script("rollback").catch(() => undefined);
        throw error;
      }
    });
  }

  async #read(text: string, parameters: readonly unknown[]): Promise<readonly Record<string, unknown>[]> {
    return (await runStatement(this.#database, { service: this.#service, mode: "read", text, parameters })).rows;
  }
}

function turnIn(session: Session): SealingTurn {
  return {
    async last(max) {
      const { rows } = await session.query(`select ${sealColumns} from tenon_audit_seals order by number desc limit $1`, [max]);
      return rows.map(toSeal).reverse();
    },
    async pending(afterSeq, holes, max) {
      return (await session.query(pendingText, [afterSeq, holes, max])).rows.map(toRecord);
    },
    async add({ hash, keyId, leaves, signature, text }) {
      await session.query("insert into tenon_audit_seals (number, body, leaves, hash, key, signature) values (($1::json ->> 'number')::bigint, $1::json, $2, $3, $4, $5)", [text, leaves, hash, keyId, signature]);
    },
  };
}

/** Records that name several persons or rows, in the very words of the index of 0010_audit_persons.sql. */
function namedIn(kind: "subject" | "record", place: string): string {
  return `(((entry -> 'subjects') is not null or (entry -> 'records') is not null) and tenon_audit_names(entry) @> array['${kind} ' || ${place}])`;
}

/** Where a member of the record is asked for, in the very words of an index of 0007_audit.sql. */
function conditionsOf({ action, actor, outcome, record, sinceMs, subject, untilMs }: AuditFilter): { readonly conditions: string[]; readonly parameters: unknown[] } {
  const conditions: string[] = [];
  const parameters: unknown[] = [];
  function ask(condition: (place: string) => string, value: unknown): void {
    if (value === undefined) return;
    parameters.push(value);
    conditions.push(condition(`$${parameters.length}`));
  }
  ask((place) => `(entry -> 'actor' ->> 'subject') = ${place}`, actor);
  ask((place) => `((entry ->> 'subject') = ${place} or ${namedIn("subject", place)})`, subject);
  if (action?.endsWith("*") === true) ask((place) => `starts_with(entry ->> 'action', ${place})`, action.slice(0, -1));
  else ask((place) => `(entry ->> 'action') = ${place}`, action);
  ask((place) => `(entry ->> 'outcome') = ${place}`, outcome);
  ask((place) => `(((entry -> 'record' ->> 'service') || '/' || (entry -> 'record' ->> 'table') || '/' || (entry -> 'record' ->> 'key')) = ${place} or ${namedIn("record", place)})`, record);
  ask((place) => `(entry ->> 'at') collate "C" >= ${place}`, sinceMs === undefined ? undefined : new Date(sinceMs).toISOString());
  ask((place) => `(entry ->> 'at') collate "C" < ${place}`, untilMs === undefined ? undefined : new Date(untilMs).toISOString());
  return { conditions, parameters };
}

function toRecord(row: Record<string, unknown>): StoredRecord {
  return { seq: Number(row["seq"]), text: row["entry"] as string, hash: bufferOf(row["hash"]) ?? Buffer.alloc(0), mac: bufferOf(row["mac"]) };
}

function toSeal(row: Record<string, unknown>): Seal {
  return {
    text: row["body"] as string,
    leaves: bufferOf(row["leaves"]) ?? Buffer.alloc(0),
    hash: bufferOf(row["hash"]) ?? Buffer.alloc(0),
    keyId: (row["key"] as string | null) ?? undefined,
    signature: bufferOf(row["signature"]),
  };
}

function bufferOf(value: unknown): Buffer | undefined {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : undefined;
}
