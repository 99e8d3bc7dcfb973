/**
 * What is put is emitted and written down at the other end, in the order in which it arrives. One delivery in twenty
 * fails at its first attempt, so retries and what waits behind them are part of the drill.
 */
import { app, reactions, service, table } from "tenon";
import * as z from "zod";
import { sink, source } from "./contract.ts";

const drops = { drops: table({ key: z.string(), n: z.int() }, { key: ["key", "n"] }) };
/** Without a key that is unique: a second row is what we look for. */
const arrivals = { arrivals: table({ position: z.int(), key: z.string(), n: z.int() }, { key: "position", defaults: ["position"] }) };
const { on } = reactions(arrivals);

const sourceService = service(source, {
  tables: drops,
  migrations: new URL("migrations/source/", import.meta.url),
  handlers: {
    async put({ input, db, emit }) {
      await db.insertInto("drops").values(input).execute();
      await emit(source.fell, input);
    },
  },
});

const sinkService = service(sink, {
  tables: arrivals,
  migrations: new URL("migrations/sink/", import.meta.url),
  handlers: {
    async applied({ db }) {
      const { count } = await db.selectFrom("arrivals").select((select) => select.fn.countAll<number>().as("count")).executeTakeFirstOrThrow();
      return { count };
    },
  },
  subscriptions: [
    on(source.fell, "write-down", { attempts: 100, backoff: { base: "20ms", cap: "100ms" } }, async ({ attempt, data, db }) => {
      await db.insertInto("arrivals").values({ key: data.key, n: data.n }).execute();
      if (attempt === 1 && data.n % 20 === 7) throw new FirstAttemptError();
    }),
  ],
});

class FirstAttemptError extends Error {
  override readonly name = "FirstAttemptError";
}

export default app("river", { services: [sourceService, sinkService] });
