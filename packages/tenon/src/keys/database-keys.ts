/** Keys in the app's database, in a schema of the platform's own, which no service can see. */
import { type Database, DatabaseError, runStatement, whileAlone, withSession } from "../data/index.ts";
import type { KeyStore, StoredKey } from "./ports.ts";

const table = "tenon_platform.api_keys";
const place = { service: "", mode: "admin" } as const;

const createText = `
  create schema if not exists tenon_platform;
  revoke all on schema tenon_platform from public;
  create table if not exists ${table} (
    id text primary key,
    name text not null,
    subject text not null,
    scopes json not null,
    roles json not null,
    digest text not null,
    former_digest text,
    former_until_ms bigint,
    created_at_ms bigint not null,
    expires_at_ms bigint not null,
    revoked_at_ms bigint
  );
  comment on table ${table} is 'Keys that programs call with: digests, never the keys themselves';
`;

const columns = `id, name, subject, scopes, roles, digest, former_digest, former_until_ms, created_at_ms, expires_at_ms, revoked_at_ms`;

interface Row {
  readonly id: string;
  readonly name: string;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly digest: string;
  readonly former_digest: string | null;
  readonly former_until_ms: number | null;
  readonly created_at_ms: number;
  readonly expires_at_ms: number;
  readonly revoked_at_ms: number | null;
}

/** The table is made with the first key; until then there are none. */
export function databaseKeys(database: Database): KeyStore {
  async function run(text: string, parameters: readonly unknown[]): Promise<{ readonly rows: readonly Row[]; readonly affected: number }> {
    try {
      const { affected, rows } = await runStatement(database, { ...place, text, parameters });
      return { affected, rows: rows as unknown as readonly Row[] };
    } catch (error) {
      if (isMissing(error)) return { affected: 0, rows: [] };
      throw error;
    }
  }

  return {
    async add({ createdAtMs, digest, expiresAtMs, id, name, roles, scopes, subject }) {
      await withSession(database, place, (session) => whileAlone(session, () => session.script(createText)));
      await run(`insert into ${table} (id, name, subject, scopes, roles, digest, created_at_ms, expires_at_ms) values ($1, $2, $3, $4, $5, $6, $7, $8)`, [
        id,
        name,
        subject,
        JSON.stringify(scopes),
        JSON.stringify(roles),
        digest,
        createdAtMs,
        expiresAtMs,
      ]);
    },
    async find(id) {
      const { rows } = await run(`select ${columns} from ${table} where id = $1`, [id]);
      return rows[0] && toKey(rows[0]);
    },
    async list() {
      const { rows } = await run(`select ${columns} from ${table} order by created_at_ms desc, id`, []);
      return rows.map(toKey);
    },
    async rotate({ digest: before, id }, { digest, expiresAtMs, formerUntilMs }) {
      const text = `update ${table} set digest = $3, former_digest = $2, former_until_ms = $4, expires_at_ms = $5 where id = $1 and digest = $2 and revoked_at_ms is null`;
      return (await run(text, [id, before, digest, formerUntilMs, expiresAtMs])).affected === 1;
    },
    async revoke(id, atMs) {
      return (await run(`update ${table} set revoked_at_ms = $2 where id = $1 and revoked_at_ms is null`, [id, atMs])).affected === 1;
    },
  };
}

/** Undefined table, undefined schema: PostgreSQL manual, appendix A. */
function isMissing(error: unknown): boolean {
  return error instanceof DatabaseError && (error.sqlState === "42P01" || error.sqlState === "3F000");
}

function toKey(row: Row): StoredKey {
  const { created_at_ms: createdAtMs, digest, expires_at_ms: expiresAtMs, former_digest: former, former_until_ms: untilMs, id, name, revoked_at_ms: revokedAtMs, roles, scopes, subject } = row;
  return {
    id,
    name,
    subject,
    scopes,
    roles,
    digest,
    createdAtMs,
    expiresAtMs,
    ...(former === null || untilMs === null ? {} : { former: { digest: former, untilMs } }),
    ...(revokedAtMs === null ? {} : { revokedAtMs }),
  };
}
