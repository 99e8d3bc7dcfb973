/**
 * A trail of a million records, verified; and then what a database administrator does to it, with all rights and triggers
 * off, one thing after the other, each to be found by name.
 */
import { type AuditKey, type Checkpoint, createAuditKeyPem, DatabaseAudit, leafHash, merkleRoot, parseAuditKey, parseSeal, sealHash, sealText, Sealer, ServiceTrail, type VerifyReport, verifyTrail } from "../packages/tenon/src/audit/index.ts";
import { systemClock } from "../packages/tenon/src/app/index.ts";
import { type Database, migrate, withSession } from "../packages/tenon/src/data/index.ts";

export interface AuditDrillOptions {
  readonly database: Database;
  readonly records: number;
  readonly tell: (text: string) => void;
}

export interface Tampering {
  readonly what: string;
  /** What was named: `changed at place 500000`. */
  readonly found: string;
  readonly isFound: boolean;
  readonly seconds: number;
}

export interface AuditDrillResult {
  readonly records: number;
  readonly seals: number;
  readonly writeSeconds: number;
  readonly verifySeconds: number;
  readonly recordsPerS: number;
  /** Of the untouched trail: 0, or something is wrong with the verifier. */
  readonly findings: number;
  readonly rssMib: number;
  readonly tamperings: readonly Tampering[];
}

const service = "ledger";
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const portion = 1_000;

export async function runAuditDrill({ database, records, tell }: AuditDrillOptions): Promise<AuditDrillResult> {
  await migrate(database, [{ service, migrations: [] }]);
  const key = parseAuditKey(createAuditKeyPem());
  const store = new DatabaseAudit(database, service);
  const checkpoints: Checkpoint[] = [];
  const writeSeconds = await secondsOf(() => write(store, { key, checkpoints, records, tell }));
  tell(`${records} records written and sealed in ${writeSeconds.toFixed(1)} s`);

  const verify = (): Promise<VerifyReport> => verifyTrail({ store, service, trusted: [key], keys: [key], checkpoints });
  let whole: VerifyReport | undefined;
  const verifySeconds = await secondsOf(async () => {
    whole = await verify();
  });
  const rssMib = Math.round(process.memoryUsage.rss() / 1024 ** 2);
  tell(`${whole?.records ?? 0} records under ${whole?.seals ?? 0} seals verified in ${verifySeconds.toFixed(1)} s, ${rssMib} MiB of memory`);

  const tamperings: Tampering[] = [];
  for (const { as, expected, what } of attacks(records)) {
    await sql(database, "create table before_records as table tenon_audit with no data; create table before_seals as table tenon_audit_seals with no data");
    await as({ database, store });
    let report: VerifyReport | undefined;
    const seconds = await secondsOf(async () => {
      report = await verify();
    });
    const [first] = report?.findings ?? [];
    const found = first === undefined ? "nothing" : `${first.kind} at ${first.seq === undefined ? `seal ${first.seal}` : `place ${first.seq}`}`;
    tamperings.push({ what, found, isFound: found === expected, seconds: Math.round(seconds * 10) / 10 });
    tell(`${what}: ${found}`);
    await sql(database, restoreText);
  }
  return { records: whole?.records ?? 0, seals: whole?.seals ?? 0, writeSeconds, verifySeconds, recordsPerS: Math.round(records / verifySeconds), findings: whole?.findingsCount ?? -1, rssMib, tamperings };
}

async function write(store: DatabaseAudit, { checkpoints, key, records, tell }: { readonly key: AuditKey; readonly checkpoints: Checkpoint[]; readonly records: number; readonly tell: (text: string) => void }): Promise<void> {
  const trail = new ServiceTrail({ store, service, writer: crypto.randomUUID(), key, clock: systemClock, log: silent });
  const anchor = { name: "memory", keep: async (checkpoint: Checkpoint) => void checkpoints.push(checkpoint) };
  const sealer = new Sealer({ store, service, key, anchors: [anchor], clock: systemClock, log: silent });
  for (let at = 0; at < records; at += portion) {
    await trail.write(
      Array.from({ length: Math.min(portion, records - at) }, (_, index) => ({
        actor: { kind: "person" as const, subject: `user-${(at + index) % 997}`, issuer: "https://issuer.example" },
        action: "ledger.place",
        record: { service, table: "orders", key: `o-${at + index}` },
        subject: `customer-${(at + index) % 4_999}`,
        address: "192.0.2.1",
        outcome: "done" as const,
        allowedBy: "scope ledger:write",
        traceId: "0af7651916cd43dd8448eb211c80319c",
      })),
    );
    if ((at / portion) % 4 === 3) await sealer.seal();
    if (at > 0 && at % 250_000 === 0) tell(`${at} records`);
  }
  await sealer.seal();
}

interface Victim {
  readonly database: Database;
  readonly store: DatabaseAudit;
}

interface Attack {
  readonly what: string;
  /** What is to be named. */
  readonly expected: string;
  readonly as: (victim: Victim) => Promise<void>;
}

/** Each keeps what it takes away or changes in `before_records` and `before_seals`. */
function attacks(records: number): readonly Attack[] {
  const middle = Math.floor(records / 2);
  const keep = (where: string): string => `insert into before_records overriding system value select * from tenon_audit where ${where};`;
  return [
    {
      what: "a record was changed, and its hash with it",
      expected: `changed at place ${middle}`,
      as: ({ database }) => sql(database, `${keep(`seq = ${middle}`)} update tenon_audit set entry = replace(entry::text, 'user-', 'USER-')::json where seq = ${middle}; update tenon_audit set hash = sha256('\\x00'::bytea || convert_to(entry::text, 'UTF8')) where seq = ${middle}`),
    },
    { what: "a record was dropped", expected: `dropped at place ${middle}`, as: ({ database }) => sql(database, `${keep(`seq = ${middle}`)} delete from tenon_audit where seq = ${middle}`) },
    {
      what: "a record was inserted",
      expected: `inserted at place ${records + 1}`,
      as: ({ database }) => sql(database, `insert into tenon_audit (seq, entry, hash) overriding system value select ${records + 1}, replace(entry::text, 'user-', 'USER-')::json, hash from tenon_audit where seq = ${middle}`),
    },
    {
      what: "two records have changed places",
      expected: `reordered at place ${middle}`,
      as: ({ database }) =>
        sql(database, `${keep(`seq in (${middle}, ${middle + 7})`)} update tenon_audit as a set entry = b.entry, hash = b.hash, mac = b.mac from tenon_audit as b where a.seq in (${middle}, ${middle + 7}) and b.seq = ${2 * middle + 7} - a.seq`),
    },
    rewritten("the last tenth was written anew, seals and all", records),
    cutOff("the end was cut off, records and seals", records),
  ];
}

/** Chains it all anew from a seal on, as the sealer does, but for the key. */
function rewritten(what: string, records: number): Attack {
  const first = Math.max(2, Math.ceil((records * 0.9) / 4_000));
  return {
    what,
    expected: `seal at seal ${first}`,
    async as({ database, store }) {
      const seals = await store.seals(first - 2, 1_000_000);
      let previous = seals[0]?.hash.toString("hex") ?? "";
      await sql(database, `insert into before_seals select * from tenon_audit_seals where number >= ${first}`);
      for (const seal of seals.slice(1)) {
        const body = parseSeal(seal.text);
        if (body === undefined) throw new TypeError("a seal of the drill is not readable");
        const [from = 0, to = from] = body.members.split("-").map(Number);
        await sql(database, `insert into before_records overriding system value select * from tenon_audit where seq between ${from} and ${to}; update tenon_audit set entry = replace(entry::text, '"done"', '"refused"')::json where seq between ${from} and ${to}; update tenon_audit set hash = sha256('\\x00'::bytea || convert_to(entry::text, 'UTF8')) where seq between ${from} and ${to}`);
        const leaves = Buffer.concat((await store.records(from - 1, body.size)).map(({ text }) => leafHash(text)));
        const text = sealText({ ...body, previous, root: merkleRoot(leaves).toString("hex") });
        previous = sealHash(text).toString("hex");
        await query(database, "update tenon_audit_seals set body = $1::json, leaves = $2, hash = $3 where number = $4", [text, leaves, sealHash(text), body.number]);
      }
    },
  };
}

function cutOff(what: string, records: number): Attack {
  const seals = Math.ceil(records / 4_000);
  return {
    what,
    expected: `anchor at seal ${seals}`,
    as: ({ database }) => sql(database, `insert into before_seals select * from tenon_audit_seals where number = ${seals}; insert into before_records overriding system value select * from tenon_audit where seq > ${(seals - 1) * 4_000}; delete from tenon_audit_seals where number = ${seals}; delete from tenon_audit where seq > ${(seals - 1) * 4_000}`),
  };
}

const restoreText = `
  delete from tenon_audit where mac is null;
  delete from tenon_audit as record using before_records as before where record.seq = before.seq;
  insert into tenon_audit overriding system value select * from before_records;
  delete from tenon_audit_seals where number in (select number from before_seals);
  insert into tenon_audit_seals select * from before_seals;
  drop table before_records, before_seals`;

function sql(database: Database, text: string): Promise<void> {
  return asAdministrator(database, (session) => session.script(text));
}

async function query(database: Database, text: string, parameters: readonly unknown[]): Promise<void> {
  await asAdministrator(database, (session) => session.query(text, parameters));
}

/** A superuser, with triggers off. */
async function asAdministrator<T>(database: Database, task: Parameters<typeof withSession<T>>[2]): Promise<T> {
  return withSession(database, { service, mode: "admin" }, async (session) => {
    await session.script(`set session_replication_role = replica; set search_path = ${service}, public`);
    try {
      return await task(session);
    } finally {
      await session.script("set session_replication_role = origin; set search_path = public");
    }
  });
}

async function secondsOf(task: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await task();
  return Math.round(performance.now() - startedMs) / 1_000;
}

export function keepsAuditPromise({ findings, tamperings }: AuditDrillResult): boolean {
  return findings === 0 && tamperings.every(({ isFound }) => isFound);
}
