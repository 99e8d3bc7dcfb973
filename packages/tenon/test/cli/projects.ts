/** Small apps for the tests of the command line. */

/** Without a database: quick to start. */
export function greeterFiles(greeting = "hello"): Record<string, string> {
  return {
    "app.ts": `import { app } from "tenon";
import greeter from "./greeter/service.ts";

export default app("greetings", { services: [greeter] });
`,
    "greeter/contract.ts": `import { contract, query, scope } from "tenon";
import * as z from "zod";

export const greeter = contract("greeter", {
  greet: query({ http: "GET /greet/{name}", access: "public", input: z.object({ name: z.string() }), output: z.object({ text: z.string() }) }),
  whoami: query({ http: "GET /whoami", access: scope("greeter:read"), output: z.object({ subject: z.string() }) }),
  slow: query({ http: "GET /slow", access: "public", output: z.object({ text: z.string() }) }),
});
`,
    "greeter/service.ts": `import { setTimeout as sleep } from "node:timers/promises";
import { service } from "tenon";
import { greeter } from "./contract.ts";

export default service(greeter, {
  handlers: {
    greet: ({ input }) => ({ text: \`${greeting} \${input.name}\` }),
    whoami: ({ caller }) => ({ subject: caller.subject }),
    async slow() {
      await sleep(700);
      return { text: "done" };
    },
  },
});
`,
  };
}

/** With a database of one table, and a seed. */
export function notesFiles(): Record<string, string> {
  return {
    "app.ts": `import { app } from "tenon";
import notes from "./notes/service.ts";

export default app("notebook", { services: [notes] });
`,
    "notes/contract.ts": `import { contract, query } from "tenon";
import * as z from "zod";

export const Note = z.object({ id: z.int32(), text: z.string() });

export const notes = contract("notes", {
  list: query({ http: "GET /notes", access: "public", output: z.object({ items: z.array(Note) }) }),
});
`,
    "notes/service.ts": `import { service, table } from "tenon";
import { Note, notes } from "./contract.ts";

export default service(notes, {
  tables: { notes: table(Note.shape, { key: "id" }) },
  migrations: new URL("migrations/", import.meta.url),
  async seed({ db }) {
    await db.insertInto("notes").values({ id: 1, text: "from the seed" }).execute();
  },
  handlers: {
    async list({ db }) {
      return { items: await db.selectFrom("notes").selectAll().orderBy("id").execute() };
    },
  },
});
`,
    "notes/migrations/0001_notes.sql": "create table notes (id integer primary key, text text not null);\n",
  };
}
