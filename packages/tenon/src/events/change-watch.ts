/**
 * Keeps the triggers of one service as its code wants them: makes what is missing, mends what differs, removes what nobody
 * wants any more. Two questions to the catalog where nothing differs; each function says in its comment what it was made
 * from.
 */
import { hash } from "node:crypto";
import { type Database, MigrationError, quoteName, quoteText, schemaOf, type Session, toSnakeCase, whileAlone } from "../data/index.ts";
import { changeFunction, changeSubscription, type Watch, type WatchedColumn } from "./change-trigger.ts";

export interface ChangeWatchOptions {
  readonly service: string;
  readonly watches: readonly Watch[];
}

export interface MendOptions {
  /** What becomes of triggers that the code does not know: of another version of the app, or of an older one. */
  readonly unknown: "remove" | "remove when alone" | "leave";
  /** A table that is not there: `skip` while migrations are under way. */
  readonly missing: "refuse" | "skip";
}

interface Built {
  readonly name: string;
  readonly mark: string;
  /** The table that its trigger is on. */
  readonly table: string | undefined;
}

interface Wanted {
  /** Of function and trigger. */
  readonly name: string;
  readonly table: string;
  readonly mark: string;
  readonly text: string;
}

const builtText = `
  select p.proname as name, coalesce(obj_description(p.oid, 'pg_proc'), '') as mark, c.relname as "table"
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  left join pg_trigger t on t.tgfoid = p.oid and t.tgparentid = 0
  left join pg_class c on c.oid = t.tgrelid
  where n.nspname = $1 and p.proname like 'tenon\\_change\\_%'`;

/** Of a domain the type under it, as in the description of a query's result. */
const columnsText = `
  with recursive base (oid, under) as (
    select oid, oid from pg_type where typtype <> 'd'
    union all
    select t.oid, base.under from pg_type t join base on t.typtype = 'd' and t.typbasetype = base.oid
  )
  select c.relname as "table", a.attname as "column", base.under::int8 as oid
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  join pg_namespace n on n.oid = c.relnamespace
  join base on base.oid = a.atttypid
  where n.nspname = $1 and c.relname = any($2::text[]) and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped`;

export class ChangeWatch {
  readonly #options: ChangeWatchOptions;

  constructor(options: ChangeWatchOptions) {
    this.#options = options;
  }

  /** Mends while no other process does, and only where something differs. @returns What was done, for the log. */
  async mendIn(database: Database): Promise<readonly string[]> {
    const { service } = this.#options;
    const how: MendOptions = { unknown: database.sessions === "one" ? "remove" : "remove when alone", missing: "refuse" };
    const session = await database.acquire({ service, mode: "admin", timeoutMs: 10_000 });
    let isBroken = true;
    try {
      let done: readonly string[] = [];
      if ((await this.#statements(session, how)).length > 0) {
        done = await whileAlone(session, async () => {
          await session.script("begin");
          const made = await this.mend(session, how);
          await session.script("commit");
          return made;
        });
      }
      isBroken = false;
      return done;
    } finally {
      session.release(isBroken ? "broken" : undefined);
    }
  }

  /**
   * Mends in a session that is alone, and in its transaction.
   *
   * @throws {MigrationError} a table or key that is watched is not there.
   */
  async mend(session: Session, how: MendOptions): Promise<readonly string[]> {
    const statements = await this.#statements(session, how);
    for (const { text } of statements) await session.script(text);
    return statements.map(({ what }) => what);
  }

  async #statements(session: Session, how: MendOptions): Promise<readonly { readonly what: string; readonly text: string }[]> {
    const { service } = this.#options;
    const schema = schemaOf(service);
    const built = new Map((await session.query(builtText, [schema])).rows.map((row) => [row["name"] as string, toBuilt(row)]));
    const wanted = await this.#wanted(session, how);
    const statements = [...wanted.values()]
      .filter(({ mark, name, table }) => built.get(name)?.mark !== mark || built.get(name)?.table !== table)
      .map((each) => ({ what: `${each.name} on ${each.table}`, text: madeText(schema, each, built.get(each.name)) }));
    const names = new Set(this.#options.watches.map(functionName));
    const unknown = [...built.values()].filter(({ name }) => !names.has(name));
    if (unknown.length === 0 || how.unknown === "leave" || (how.unknown === "remove when alone" && (await isDelivered(session, schema)))) return statements;
    return [...statements, ...unknown.map((each) => ({ what: `${each.name} removed`, text: removedText(schema, each) }))];
  }

  async #wanted(session: Session, { missing }: MendOptions): Promise<ReadonlyMap<string, Wanted>> {
    const { service, watches } = this.#options;
    if (watches.length === 0) return new Map();
    const tables = watches.map(({ table }) => toSnakeCase(table));
    const { rows } = await session.query(columnsText, [schemaOf(service), tables]);
    const byTable = Map.groupBy(rows, (row) => row["table"] as string);
    const wanted = new Map<string, Wanted>();
    for (const watch of watches) {
      const table = toSnakeCase(watch.table);
      const columns = columnsOf(watch, byTable.get(table) ?? []);
      const absent = watch.key.filter((column) => !columns.some(({ name }) => name === column));
      if (absent.length > 0) {
        if (missing === "skip") continue;
        throw new MigrationError(`${service}: onChange("${watch.table}", "${watch.name}") watches what no migration has built: ${byTable.has(table) ? `the columns ${absent.map(toSnakeCase).join(", ")} of ` : ""}the table ${table}`);
      }
      const name = functionName(watch);
      const text = changeFunction(watch, { service, name, columns });
      wanted.set(name, { name, table, text, mark: `${changeSubscription(watch.name)}: ${hash("sha256", text, "hex")}` });
    }
    return wanted;
  }
}

function toBuilt({ mark, name, table }: Readonly<Record<string, unknown>>): Built {
  return { name: name as string, mark: mark as string, table: (table as string | null) ?? undefined };
}

/** The longest name that PostgreSQL keeps whole has 63 bytes. */
function functionName({ name }: Pick<Watch, "name">): string {
  const plain = `tenon_change_${name.replaceAll("-", "_")}`;
  return plain.length <= 63 ? plain : `${plain.slice(0, 46)}_${hash("sha256", name, "hex").slice(0, 16)}`;
}

function columnsOf({ columns }: Watch, rows: readonly Readonly<Record<string, unknown>>[]): readonly WatchedColumn[] {
  const oids = new Map(rows.map((row) => [row["column"] as string, row["oid"] as number]));
  return columns.flatMap((name) => {
    const oid = oids.get(toSnakeCase(name));
    return oid === undefined ? [] : [{ name, oid }];
  });
}

/** The trigger is left alone where it is right: making one waits for every transaction that has written to the table. */
function madeText(schema: string, { mark, name, table, text }: Wanted, built: Built | undefined): string {
  const own = `${quoteName(schema)}.${quoteName(name)}`;
  const moved = built?.table !== undefined && built.table !== table ? `drop trigger ${quoteName(name)} on ${quoteName(schema)}.${quoteName(built.table)};` : "";
  const trigger = built?.table === table ? "" : `create trigger ${quoteName(name)} after insert or update or delete on ${quoteName(schema)}.${quoteName(table)} for each row execute function ${own}();`;
  return `${moved} ${text}; comment on function ${own}() is ${quoteText(mark)}; ${trigger}`;
}

/** What it has put into the inbox goes with it: nobody is left who could handle it. */
function removedText(schema: string, { mark, name }: Built): string {
  const subscription = mark.slice(0, mark.lastIndexOf(":"));
  return `drop function ${quoteName(schema)}.${quoteName(name)}() cascade; delete from ${quoteName(schema)}.tenon_inbox where subscription = ${quoteText(subscription)};`;
}

/** Whether any process delivers for the service at present: it may be one of another version. */
async function isDelivered(session: Session, schema: string): Promise<boolean> {
  const { rows } = await session.query(`select exists (select from ${quoteName(schema)}.tenon_members where seen_until > now()) as is_delivered`, []);
  return rows[0]?.["is_delivered"] === true;
}
