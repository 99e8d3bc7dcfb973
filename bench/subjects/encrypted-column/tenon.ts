/**
 * `POST /people`: one row, written and read again in a command. `GET /people/{id}`: one of the rows that
 * are there. `BENCH_CLASSIFIED` says how many of its columns are marked as personal, and `BENCH_ENCRYPTED` whether they are encrypted: the table says whose they are, or does not. All else is the same.
 */
import { randomUUID } from "node:crypto";
import { app, command, contract, personal, query, service, table } from "tenon";
import * as z from "zod";
import { startTenon } from "../start-tenon.ts";
import { type NewPerson, persons, rowId, seededRows } from "./person.ts";

const count = Number(process.env["BENCH_CLASSIFIED"]);
const mark = (position: number, schema: z.ZodString): z.ZodString => (position <= count ? personal(schema) : schema);

const columns = {
  accountId: z.uuid(),
  name: mark(2, z.string()),
  email: mark(1, z.string()),
  street: mark(3, z.string()),
  city: mark(4, z.string()),
  tags: z.array(z.string()),
};
const tables = { people: table({ id: z.uuid(), ...columns }, process.env["BENCH_ENCRYPTED"] !== "yes" ? { key: "id" } : { key: "id", subject: "accountId" }) };
const Person = z.object({ id: z.uuid(), ...columns });

const people = contract("people", {
  put: command({ http: { route: "POST /people", status: 201 }, access: "public", input: z.object(columns), output: Person }),
  get: query({ http: "GET /people/{id}", access: "public", input: z.object({ id: z.uuid() }), output: Person }),
});

const peopleService = service(people, {
  tables,
  migrations: new URL("migrations/", import.meta.url),
  async seed({ db }) {
    for (let from = 0; from < seededRows; from += 500) {
      const rows = Array.from({ length: 500 }, (_, i) => toRow(rowId(from + i), persons[(from + i) % persons.length] as NewPerson));
      await db.insertInto("people").values(rows).execute();
    }
  },
  handlers: {
    get: ({ input, db }) => db.selectFrom("people").selectAll().where("id", "=", input.id).executeTakeFirstOrThrow(),
    async put({ input, db }) {
      const id = randomUUID();
      await db.insertInto("people").values(toRow(id, input)).execute();
      return db.selectFrom("people").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
    },
  },
});

function toRow(id: string, person: NewPerson) {
  return { id, ...person, tags: JSON.stringify(person.tags) as never };
}

await startTenon(app("encrypted-column", { services: [peopleService] }), {}, process.env["BENCH_SEED"] === "yes" ? "yes" : "no");
