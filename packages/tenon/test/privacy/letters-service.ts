/** A service beside the shop whose events, deliveries, runs and answers hold something of a person. */
import * as z from "zod";
import { command, contract, event, personal, table } from "../../src/contract/index.ts";
import { reactions, service } from "../../src/service/index.ts";

const Reader = z.object({ readerId: z.string(), email: personal(z.email()), wishes: z.array(personal(z.string())) });

export const letters = contract("letters", {
  subscribe: command({ access: "signed-in", input: Reader, output: Reader }),
  subscribed: event({ data: Reader.extend({ note: z.string() }), key: "readerId", subject: "readerId" }),
});

export const tables = {
  readers: table({ readerId: z.string(), email: personal(z.email()), wishes: z.array(personal(z.string())) }, { key: "readerId", subject: "readerId" }),
};

const { on, workflow } = reactions(tables);

/** What a delivery and a run have seen. */
export const heard: unknown[] = [];

const welcome = workflow("welcome", { input: Reader, output: Reader }, async (flow) => flow.step("write", () => flow.input));

export default service(letters, {
  tables,
  migrations: new URL("letters-migrations/", import.meta.url),
  handlers: {
    async subscribe({ input, emit, start }) {
      await emit(letters.subscribed, { ...input, note: "tenon:1:looks-like-one-and-is-none-000000000000000000000000000000000000000000" });
      await start(welcome, input, { id: input.readerId });
      return input;
    },
  },
  workflows: [welcome],
  subscriptions: [
    on(letters.subscribed, "keep", async ({ data, db }) => {
      heard.push(data);
      const { note: _note, ...reader } = data;
      await db.insertInto("readers").values({ ...reader, wishes: JSON.stringify(reader.wishes) as never }).execute();
    }),
    on(letters.subscribed, "fail", { attempts: 1 }, async () => {
      throw new Error("no letter today");
    }),
  ],
});
