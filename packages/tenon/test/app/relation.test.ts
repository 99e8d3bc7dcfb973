/** Relations of access rules on a real database, through the whole pipeline. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import * as z from "zod";
import { type AccessRule, command, contract, ContractMistakes, outcome, owner, query, related, role, service, table } from "../../src/index.ts";
import { test as open } from "../../src/test.ts";

const ById = z.object({ id: z.uuid() });
const Note = z.object({ id: z.uuid(), body: z.string() });
const mine = owner({ table: "notes", key: "id", subject: "ownerId" });
const lead = related("lead of its team", { table: "members", subject: "userId", match: { part: { value: "lead" }, teamId: { table: "notes", column: "teamId", match: { id: "id" } } } });
const member = related("member of the team", { table: "members", subject: "userId", match: { teamId: "teamId" }, denied: "permission_denied" });
const NotFound = { status: 404, message: "there is no such note" } as const;

const tables = {
  notes: table({ id: z.uuid(), ownerId: z.string(), teamId: z.string(), body: z.string() }, { key: "id" }),
  members: table({ teamId: z.string(), userId: z.string(), part: z.string() }, { key: ["userId", "teamId"] }),
};
const notes = contract("notes", {
  get: query({ http: "GET /notes/{id}", access: { anyOf: [role("support"), mine, lead] }, input: ById, output: Note, errors: { NotFound } }),
  plain: query({ http: "GET /plain/{id}", access: mine, input: ById, output: Note }),
  edit: command({ http: "PUT /notes/{id}", access: mine, input: ById.extend({ body: z.string() }), output: Note, errors: { NotFound } }),
  add: command({ http: "POST /teams/{teamId}/notes", access: { allOf: ["signed-in", member] }, input: z.object({ teamId: z.string(), body: z.string() }), output: Note }),
  join: command({ access: role("support"), input: z.object({ teamId: z.string(), userId: z.string(), part: z.string() }) }),
});

const migrations = new URL("relation-migrations/", import.meta.url);
const notesService = service(notes, {
  tables,
  migrations,
  handlers: {
    async get({ input, db, fail }) {
      const note = await db.selectFrom("notes").selectAll().where("id", "=", input.id).executeTakeFirst();
      if (note === undefined) throw fail.NotFound();
      return note;
    },
    plain: ({ input, db }) => db.selectFrom("notes").selectAll().where("id", "=", input.id).executeTakeFirstOrThrow(),
    edit: ({ input, db }) => db.updateTable("notes").set({ body: input.body }).where("id", "=", input.id).returningAll().executeTakeFirstOrThrow(),
    add: ({ input, caller, db }) => db.insertInto("notes").values({ ...input, id: randomUUID(), ownerId: caller.subject }).returningAll().executeTakeFirstOrThrow(),
    async join({ input, db }) {
      await db.insertInto("members").values(input).execute();
    },
  },
});

const ada = { subject: "ada" };
const ben = { subject: "ben" };
const support = { subject: "olga", roles: ["support"] };

async function opened() {
  const tested = open(notesService, { as: "anonymous" });
  await tested.join({ teamId: "t1", userId: "ada", part: "member" }, { as: support });
  await tested.join({ teamId: "t1", userId: "lea", part: "lead" }, { as: support });
  await tested.join({ teamId: "t2", userId: "ben", part: "lead" }, { as: support });
  return tested;
}

describe("relations", () => {
  test("who stands in the row is let in, and for everybody else the row is not there", async () => {
    await using tested = await opened();
    const { id } = await tested.add({ teamId: "t1", body: "hello" }, { as: ada });
    assert.equal((await tested.get({ id }, { as: ada })).body, "hello", "its owner");
    assert.equal((await tested.get({ id }, { as: { subject: "lea" } })).body, "hello", "who leads its team");
    assert.equal((await tested.get({ id }, { as: support })).body, "hello", "who needs no relation");
    for (const as of [ben, { subject: "somebody" }]) {
      const theirs = await outcome(tested.get({ id }, { as }));
      const nobodys = await outcome(tested.get({ id: randomUUID() }, { as }));
      assert.ok(!theirs.ok && !nobodys.ok);
      assert.equal(theirs.fault.reason, "NotFound");
      assert.deepEqual({ message: theirs.fault.message, status: theirs.fault.status }, { message: "there is no such note", status: 404 });
      assert.deepEqual([nobodys.fault.reason, nobodys.fault.message], [theirs.fault.reason, theirs.fault.message], "nobody can tell one from the other");
    }
    await assert.rejects(tested.get({ id }, { as: "anonymous" }), { code: "unauthenticated" });
  });

  test("an operation without a 404 of its own answers with the platform's", async () => {
    await using tested = await opened();
    const { id } = await tested.add({ teamId: "t1", body: "hello" }, { as: ada });
    await assert.rejects(tested.plain({ id }, { as: ben }), { code: "not_found", message: "notes.plain has found nothing" });
    await assert.rejects(tested.plain({ id: randomUUID() }, { as: ben }), { code: "not_found", message: "notes.plain has found nothing" });
  });

  test("a command asks before its transaction, and changes nothing of what is not the caller's", async () => {
    await using tested = await opened();
    const { id } = await tested.add({ teamId: "t1", body: "hello" }, { as: ada });
    const denied = await outcome(tested.edit({ id, body: "mine now" }, { as: ben }));
    assert.equal(denied.ok ? "ok" : denied.fault.reason, "NotFound");
    assert.equal((await tested.get({ id }, { as: ada })).body, "hello");
    assert.equal((await tested.edit({ id, body: "better" }, { as: ada })).body, "better");
  });

  test("a relation to what everybody knows of says what is missing", async () => {
    await using tested = await opened();
    await assert.rejects(tested.add({ teamId: "t1", body: "hello" }, { as: ben }), { code: "permission_denied", message: "notes.add needs to be member of the team" });
  });

  test("a NUL, or another text that no column can hold, is nobody's row", async () => {
    await using tested = await opened();
    await assert.rejects(tested.add({ teamId: "t1\u0000", body: "x" }, { as: ada }), { code: "invalid_argument" });
    await assert.rejects(tested.add({ teamId: "' or 1=1 --", body: "x" }, { as: ada }), { code: "permission_denied" });
  });

  test("names of tables, columns and fields that are not there are told at start, all of them", () => {
    const wrong = (access: AccessRule<{ id: string }>) => contract("wrong", { get: query({ access, input: ById, output: Note }) });
    const make = (access: AccessRule<{ id: string }>) => service(wrong(access), { tables, migrations, handlers: { get: () => ({ id: "", body: "" }) } });
    const mistakesOf = (access: AccessRule<{ id: string }>): string => {
      try {
        make(access);
      } catch (thrown) {
        assert.ok(thrown instanceof ContractMistakes, String(thrown));
        return thrown.message;
      }
      return "none";
    };
    assert.match(mistakesOf(owner({ table: "note", key: "id", subject: "ownerId" })), /wrong\.get.*the relation "owner" reads the table "note", and the service's tables are notes, members/s);
    assert.match(mistakesOf(owner({ table: "notes", key: "id", subject: "owner" })), /reads the column "owner" of "notes", which has id, ownerId, teamId, body/);
    assert.match(mistakesOf(related("owner", { table: "notes", subject: "ownerId", match: { id: "noteId" } })), /matches id with the input's "noteId", and there is no such field.*one of: id/s);
    assert.match(mistakesOf(related("owner", { table: "notes", subject: "ownerId", match: {} })), /does not say which rows of notes are meant/);
    assert.equal(mistakesOf(mine), "none");
  });
});
