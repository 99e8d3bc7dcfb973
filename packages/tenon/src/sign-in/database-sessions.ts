/** Sessions in the app's database, in a schema of the platform's own: all instances see the same. */
import { type Database, runStatement, whileAlone, withSession } from "../data/index.ts";
import type { SessionStore, StoredSession } from "./ports.ts";

const table = "tenon_platform.sessions";

const createText = `
  create schema if not exists tenon_platform;
  revoke all on schema tenon_platform from public;
  create table if not exists ${table} (
    id text primary key,
    content text not null,
    started_at_ms bigint not null,
    used_at_ms bigint not null,
    ends_at_ms bigint not null,
    held_until_ms bigint not null default 0
  );
  create index if not exists sessions_ends on ${table} (ends_at_ms);
  comment on table ${table} is 'Browsers that are signed in: known by digests of their cookies, and sealed under them';
`;

/** Makes the table where it is missing. */
export async function openDatabaseSessions(database: Database): Promise<SessionStore> {
  const place = { service: "", mode: "admin" } as const;
  await withSession(database, place, (session) => whileAlone(session, () => session.script(createText)));
  const run = (text: string, parameters: readonly unknown[]) => runStatement(database, { ...place, text, parameters });

  return {
    async add({ content, endsAtMs, id, startedAtMs, usedAtMs }) {
      await run(`insert into ${table} (id, content, started_at_ms, used_at_ms, ends_at_ms) values ($1, $2, $3, $4, $5)`, [id, content, startedAtMs, usedAtMs, endsAtMs]);
    },
    async find(id) {
      const { rows } = await run(`select id, content, started_at_ms as "startedAtMs", used_at_ms as "usedAtMs", ends_at_ms as "endsAtMs" from ${table} where id = $1`, [id]);
      return rows[0] as StoredSession | undefined;
    },
    async use(id, atMs) {
      await run(`update ${table} set used_at_ms = $2 where id = $1 and used_at_ms < $2`, [id, atMs]);
    },
    async hold(id, nowMs, holdMs) {
      return (await run(`update ${table} set held_until_ms = $3 where id = $1 and held_until_ms <= $2`, [id, nowMs, nowMs + holdMs])).affected === 1;
    },
    async renew(id, content) {
      await run(`update ${table} set content = $2, held_until_ms = 0 where id = $1`, [id, content]);
    },
    async end(id) {
      await run(`delete from ${table} where id = $1`, [id]);
    },
    async sweep(nowMs, unusedSinceMs) {
      await run(`delete from ${table} where ends_at_ms <= $1 or used_at_ms <= $2`, [nowMs, unusedSinceMs]);
    },
  };
}

