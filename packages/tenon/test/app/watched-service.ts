/** A service that watches its tables, for tests, and runs what SQL it is given. */
import { sql } from "kysely";
import * as z from "zod";
import { command, contract, query, reactions, service, table } from "tenon";

export const things = contract("things", {
  run: command({ access: "public", input: z.object({ text: z.string(), fails: z.boolean().default(false) }) }),
  samples: query({ access: "public", output: z.unknown() }),
});

const anything = z.unknown();
const sampleColumns = [
  "aBool", "aSmall", "anInt", "aBig", "aReal", "aDouble", "aNumeric", "aText", "aVarchar", "aChar", "aName", "aUuid", "someBytes",
  "aDate", "aTime", "aTimetz", "aTimestamp", "anInstant", "anInterval", "someJson", "someJsonb", "aMood", "anInet", "aPrice",
  "someInts", "someBigs", "someNumerics", "someTexts", "someBools", "someInstants", "someBytesList", "someMoods", "someJsons",
] as const;

export const tables = {
  things: table({ id: z.int(), thingName: z.string(), state: z.string(), total: z.int() }, { key: "id", defaults: ["state", "total"] }),
  orderLines: table({ orderId: z.string(), line: z.int(), count: z.int() }, { key: ["orderId", "line"] }),
  samples: table({ id: z.int(), ...Object.fromEntries(sampleColumns.map((name) => [name, anything])) }, { key: "id" }),
};

export interface Seen {
  readonly by: string;
  readonly operation: string;
  readonly key: unknown;
  readonly before: unknown;
  readonly after: unknown;
  readonly isCut: boolean;
}

/** What the handlers were told, in order. */
export const seen: Seen[] = [];

export function take(by: string): readonly Omit<Seen, "by">[] {
  const taken = seen.filter((each) => each.by === by).map(({ by: _by, ...rest }) => rest);
  seen.splice(0, seen.length, ...seen.filter((each) => each.by !== by));
  return taken;
}

const { onChange } = reactions(tables);
const note = (by: string) => ({ after, before, isCut, key, operation }: Omit<Seen, "by">): void => void seen.push({ by, operation, key, before, after, isCut });

export default service(things, {
  tables,
  migrations: new URL("change-migrations/", import.meta.url),
  handlers: {
    async run({ db, input }) {
      await sql.raw(input.text).execute(db);
      if (input.fails) throw new RangeError("after the statement");
    },
    async samples({ db }) {
      return db.selectFrom("samples").selectAll().orderBy("id").execute();
    },
  },
  triggers: [
    onChange("things", "note-all", note("all")),
    onChange("things", "note-state", { columns: ["state"] }, note("state")),
    onChange("orderLines", "note-lines", note("lines")),
    onChange("samples", "note-samples", note("samples")),
  ],
});
