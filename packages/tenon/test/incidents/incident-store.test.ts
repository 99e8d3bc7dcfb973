/** The port of incidents, kept in memory and in both databases: one at a time, nothing lost, changes told once. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { migrate, withSession } from "../../src/data/index.ts";
import { acknowledge, close, DatabaseIncidents, type Incident, type IncidentStore, MemoryIncidents, type SettingsMark } from "../../src/incidents/index.ts";
import { engines, type Opened } from "../data/engines.ts";

const nowMs = Date.parse("2026-11-24T13:00:00Z");

export function incident(id: string, more: Partial<Incident> = {}): Incident {
  return {
    id,
    app: "shop",
    service: "orders",
    title: "orders.place fails",
    severity: "page",
    state: "open",
    onsetMs: nowMs - 60_000,
    openedAtMs: nowMs,
    acknowledgedAtMs: undefined,
    acknowledgedBy: undefined,
    mitigatedAtMs: undefined,
    closedAtMs: undefined,
    alerts: [],
    changesUntilMs: nowMs,
    suspect: undefined,
    reach: undefined,
    samples: undefined,
    ...more,
  };
}

/** As JSON has it: what is `undefined` is not there. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function keepsThePort(open: () => IncidentStore): void {
  test("what is decided is written, with its entries; what is closed is not decided on", async () => {
    const store = open();
    await store.edit(() => [
      { incident: incident("aaaa0001"), entries: [{ atMs: nowMs, kind: "state", text: "opened", actor: "" }] },
      { incident: incident("aaab0002", { openedAtMs: nowMs + 1 }), entries: [] },
    ]);
    const taken = await store.edit((incidents) => incidents.slice(0, 1).flatMap((each) => acknowledge(each, { actor: "ada", atMs: nowMs + 5_000 }) ?? []));
    assert.deepEqual(taken.map(({ incident: { state } }) => state), ["acknowledged"]);
    await store.edit((incidents) => incidents.filter(({ id }) => id === "aaab0002").flatMap((each) => close(each, { actor: "ada", atMs: nowMs + 9_000 }, "a test") ?? []));
    assert.deepEqual(plain(await store.unclosed()), plain([incident("aaaa0001", { state: "acknowledged", acknowledgedAtMs: nowMs + 5_000, acknowledgedBy: "ada" })]));
    assert.deepEqual((await store.list(10)).map(({ id, state }) => [id, state]), [["aaab0002", "closed"], ["aaaa0001", "acknowledged"]]);
    assert.deepEqual((await store.find("aaa")).map(({ id }) => id), ["aaaa0001", "aaab0002"]);
    assert.deepEqual((await store.find("aaab")).map(({ id }) => id), ["aaab0002"]);
    assert.deepEqual(plain(await store.timeLine("aaaa0001")), [
      { atMs: nowMs, kind: "state", text: "opened", actor: "" },
      { atMs: nowMs + 5_000, kind: "state", text: "acknowledged", actor: "ada" },
    ]);
  });

  test("of two who decide at once, the second one sees what the first has done", async () => {
    const store = open();
    const once = (id: string) => store.edit((incidents) => (incidents.some(({ title }) => title === "a race") ? [] : [{ incident: incident(id, { title: "a race" }), entries: [] }]));
    const edits = await Promise.all(["bbbb0001", "bbbb0002", "bbbb0003"].map(once));
    assert.equal(edits.flat().length, 1);
    assert.equal((await store.find("bbbb")).length, 1);
  });

  test("another release is told once, and so are the names of settings that changed", async () => {
    const store = open();
    const mark = (digests: Readonly<Record<string, string>>) => (salt: string | undefined): SettingsMark => ({ salt: salt ?? "salt", digests });
    for (const release of ["", "1.0.0", "1.0.0", "1.1.0", "1.1.0"]) await store.noteRelease(release, nowMs);
    await store.noteSettings(mark({ PORT_A: "1111", GONE: "2222" }), nowMs + 1);
    await store.noteSettings(mark({ PORT_A: "1111", GONE: "2222" }), nowMs + 2);
    await store.noteSettings(mark({ PORT_A: "3333", NEW: "4444" }), nowMs + 3);
    await store.noteSettings(mark({ PORT_A: "3333", NEW: "4444" }), nowMs + 4);
    assert.deepEqual(await store.changes(nowMs, nowMs + 10), [
      { atMs: nowMs, kind: "release", text: "release 1.0.0, the first on record" },
      { atMs: nowMs, kind: "release", text: "release 1.1.0, after 1.0.0" },
      { atMs: nowMs + 3, kind: "configuration", text: "GONE was taken away, NEW was set, PORT_A has another value" },
    ]);
    assert.deepEqual(await store.changes(nowMs + 4, nowMs + 10), []);
  });

  test("what closed long ago is forgotten, and the last release is not", async () => {
    const store = open();
    await store.edit(() => [{ incident: incident("cccc0001", { state: "closed", closedAtMs: nowMs }), entries: [{ atMs: nowMs, kind: "state", text: "closed", actor: "" }] }]);
    await store.noteRelease("2.0.0", nowMs);
    await store.sweep(nowMs + 60_000);
    assert.deepEqual(await store.find("cccc"), []);
    assert.deepEqual(await store.timeLine("cccc0001"), []);
    await store.noteRelease("2.0.0", nowMs + 70_000);
    assert.deepEqual((await store.changes(nowMs + 65_000, nowMs + 80_000)).length, 0);
  });
}

describe("incidents in memory", () => {
  keepsThePort(() => new MemoryIncidents());
});

for (const engine of engines) {
  describe(`incidents in ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;

    before(async () => {
      opened = await engine.open();
      await migrate(opened.database, [{ service: "orders", migrations: [] }]);
    });
    after(() => opened?.drop());

    keepsThePort(() => new DatabaseIncidents({ withSession: (mode, task) => withSession(opened.database, { service: "orders", mode }, task), migrations: async () => [] }));
  });
}
