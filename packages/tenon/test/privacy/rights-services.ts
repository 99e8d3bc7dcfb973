/** An app of two services: people tell of themselves in an event, and the other keeps a bill of what it heard. */
import * as z from "zod";
import { command, contract, event, personal, role, table } from "../../src/contract/index.ts";
import { app, reactions, service } from "../../src/service/index.ts";

const Person = z.object({ id: z.string(), name: personal(z.string()) });
const people = contract("people", {
  join: command({ http: "POST /people", access: "signed-in", input: Person }),
  joined: event({ data: Person, key: "id", subject: "id" }),
});
export const peopleService = service(people, {
  tables: { people: table(Person.shape, { key: "id", subject: "id" }) },
  migrations: new URL("rights-migrations/people/", import.meta.url),
  handlers: {
    async join({ db, emit, input }) {
      await db.insertInto("people").values(input).execute();
      await emit(people.joined, input);
    },
  },
});

const billTables = { bills: table({ id: z.string(), personId: z.string(), address: personal(z.string()).nullable(), cents: z.int() }, { key: "id", subject: "personId", erase: { keep: "HGB § 257" } }) };
export const billsService = service(contract("bills", {}), {
  tables: billTables,
  migrations: new URL("rights-migrations/bills/", import.meta.url),
  handlers: {},
  subscriptions: [reactions(billTables).on(people.joined, "bill", ({ data, db }) => db.insertInto("bills").values({ id: `bill-${data.id}`, personId: data.id, address: `Lane of ${data.name}`, cents: 990 }).execute())],
});

export const shop = app("rights", { services: [peopleService, billsService], subjectRights: { access: role("privacy") } });
