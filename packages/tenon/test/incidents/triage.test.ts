/** What becomes of incidents as alerts fire and end. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { acknowledge, close, type Incident, type IncidentEdit, isFiring, isPaging, postmortemOf, triage, type TriageInput } from "../../src/incidents/index.ts";
import type { Alert, Severity } from "../../src/objectives/index.ts";

const startMs = Date.parse("2026-11-24T13:00:00Z");
const hourMs = 3_600_000;

function alert(subject: string, severity: Severity = "page", firedAtMs: number = startMs): Alert {
  const service = subject.slice(0, subject.indexOf("."));
  const target = `${subject}/availability`;
  return { id: `${target}/${severity}`, target, service, subject, indicator: "availability", severity, state: "firing", sinceMs: firedAtMs, firedAtMs, calmSinceMs: undefined, toldAtMs: undefined, summary: "calls fail", budgetLeft: 0.9 };
}

/** A record of incidents, in which one look after the other is written down. */
class Desk {
  incidents: readonly Incident[] = [];
  edits: readonly IncidentEdit[] = [];
  #ids = 0;

  look(alerts: readonly Alert[], nowMs: number, more: Partial<TriageInput> = {}): readonly IncidentEdit[] {
    const services = new Set(["orders", "payments", "catalog"]);
    const edits = triage({ incidents: this.incidents.filter(({ state }) => state !== "closed"), alerts, services, nowMs, closeAfterMs: 24 * hourMs, areConnected: (a, b) => [a, b].toSorted().join() === "orders.checkout,payments.charge", app: "shop", createId: () => String(++this.#ids).padStart(8, "0"), ...more });
    for (const { incident } of edits) this.incidents = [...this.incidents.filter(({ id }) => id !== incident.id), incident];
    this.edits = [...this.edits, ...edits];
    return edits;
  }

  write(edit: IncidentEdit | undefined): void {
    assert.ok(edit !== undefined);
    this.incidents = [...this.incidents.filter(({ id }) => id !== edit.incident.id), edit.incident];
  }
}

describe("triage", () => {
  test("a page opens an incident, a ticket does not; looking again changes nothing", () => {
    const desk = new Desk();
    assert.deepEqual(desk.look([alert("orders.place", "ticket")], startMs), []);
    desk.look([alert("orders.place", "ticket"), alert("orders.place")], startMs);
    assert.deepEqual(desk.incidents.map(({ alerts, severity, state, title }) => [title, state, severity, alerts.map(({ id }) => id)]), [["orders.place fails", "open", "page", ["orders.place/availability/page", "orders.place/availability/ticket"]]]);
    assert.deepEqual(desk.look([alert("orders.place", "ticket"), alert("orders.place")], startMs + 10_000), []);
  });

  test("alerts of the same service or connected by calls join; others open their own", () => {
    const desk = new Desk();
    desk.look([alert("orders.checkout")], startMs);
    desk.look([alert("orders.checkout"), alert("payments.charge"), alert("catalog.search")], startMs + 20_000);
    assert.deepEqual(desk.incidents.map(({ alerts }) => alerts.map(({ subject }) => subject).join()).toSorted(), ["catalog.search", "orders.checkout,payments.charge"]);
  });

  test("it is mitigated when the last page ends, opens again with it, and is closed after a day of quiet", () => {
    const desk = new Desk();
    desk.look([alert("orders.checkout"), alert("payments.charge")], startMs);
    desk.look([alert("payments.charge")], startMs + 60_000);
    assert.equal(desk.incidents[0]?.state, "open");
    desk.look([alert("payments.charge", "ticket")], startMs + 120_000);
    assert.deepEqual([desk.incidents[0]?.state, desk.incidents[0]?.mitigatedAtMs], ["mitigated", startMs + 120_000]);
    desk.look([alert("payments.charge", "page", startMs + 300_000)], startMs + 300_000);
    assert.deepEqual([desk.incidents.length, desk.incidents[0]?.state, desk.incidents[0]?.mitigatedAtMs], [1, "open", undefined]);
    desk.look([], startMs + 400_000);
    assert.deepEqual(desk.look([], startMs + 400_000 + 24 * hourMs - 1), []);
    desk.look([], startMs + 400_000 + 24 * hourMs);
    assert.deepEqual(desk.edits.at(-1)?.entries.map(({ actor, text }) => [actor, text]), [["", "closed: it was quiet for 24 h"]]);
    desk.look([alert("payments.charge", "page", startMs + 60 * hourMs)], startMs + 60 * hourMs);
    assert.equal(desk.incidents.length, 2, "what comes later is another incident");
  });

  test("alerts of a service that is not watched here are left alone", () => {
    const desk = new Desk();
    desk.look([alert("orders.checkout")], startMs);
    assert.deepEqual(desk.look([], startMs + 60_000, { services: new Set(["catalog"]) }), []);
  });

  test("people take and close it, with their names; not while it fires, and not twice", () => {
    const desk = new Desk();
    desk.look([alert("orders.checkout")], startMs);
    const [opened] = desk.incidents as readonly [Incident];
    assert.equal(close(opened, { actor: "ada", atMs: startMs }, "done"), undefined);
    desk.write(acknowledge(opened, { actor: "ada", atMs: startMs + 30_000 }));
    const [taken] = desk.incidents as readonly [Incident];
    assert.deepEqual([taken.state, taken.acknowledgedBy, acknowledge(taken, { actor: "bob", atMs: startMs })], ["acknowledged", "ada", undefined]);
    desk.look([], startMs + 120_000);
    desk.write(close(desk.incidents[0] as Incident, { actor: "ada", atMs: startMs + 200_000 }, "rolled back"));
    assert.deepEqual(desk.incidents.map(({ closedAtMs, state }) => [state, closedAtMs]), [["closed", startMs + 200_000]]);
    assert.equal(acknowledge(desk.incidents[0] as Incident, { actor: "bob", atMs: startMs }), undefined);
  });

  test("whatever fires and ends: no alert fires in two incidents, no page in none, and what is mitigated is quiet", () => {
    const subjects = ["orders.checkout", "orders.get", "payments.charge", "catalog.search"];
    const look = fc.subarray(subjects.flatMap((subject) => [`${subject} page`, `${subject} ticket`]));
    fc.assert(
      fc.property(fc.array(fc.tuple(look, fc.integer({ min: 1, max: 30 * hourMs })), { maxLength: 12 }), (looks) => {
        const desk = new Desk();
        let nowMs = startMs;
        for (const [names, passMs] of looks) {
          nowMs += passMs;
          const alerts = names.map((name) => alert(name.split(" ")[0] as string, name.split(" ")[1] as Severity, nowMs));
          desk.look(alerts, nowMs);
          const firing = desk.incidents.flatMap((each) => each.alerts.filter(isFiring).map(({ id }) => id));
          assert.equal(new Set(firing).size, firing.length);
          for (const { id } of alerts.filter(({ severity }) => severity === "page")) assert.ok(firing.includes(id), `${id} is in no incident`);
          for (const each of desk.incidents) assert.equal(each.alerts.some(isPaging), each.state === "open" || each.state === "acknowledged");
          assert.deepEqual(desk.look(alerts, nowMs), []);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("the draft of a post-mortem", () => {
  test("says what is on record, and marks what is not", () => {
    const desk = new Desk();
    desk.look([alert("orders.checkout")], startMs);
    desk.look([], startMs + 600_000);
    const [incident] = desk.incidents as readonly [Incident];
    const reach = { operations: [{ operation: "orders.checkout", calls: 400, failed: 20, isSlow: false }], services: ["orders"], objectives: [{ target: "orders.checkout/availability", bad: 41, total: 800 }], callers: 12 };
    const text = postmortemOf({ ...incident, onsetMs: startMs - 90_000, reach }, [
      { atMs: startMs - 150_000, kind: "release", text: "release 2 | hot", actor: "" },
      { atMs: startMs + 60_000, kind: "step", text: "lanes / drain: done", actor: "ada", data: { outcome: "done" } },
    ]);
    for (const line of ["# orders.checkout fails", "- Length: 11 min 30 s", "- orders.checkout/availability: 41 of 800 not as promised (5.13 %)", "- orders.checkout: 20 of 400 calls failed (5 %), in the instance that looked", "- Callers: about 12, in the instance that looked", "| 2026-11-24 12:57:30 | release 2 \\| hot |  |", "| 2026-11-24 13:01:00 | lanes / drain: done | ada |", "- 1 min before it began: release 2 | hot", "- An alert fired 1 min 30 s after it began; nobody had to report it"]) assert.ok(text.split("\n").includes(line), `${line}\n---\n${text}`);
    assert.match(text, /Nobody acknowledged it\./);
  });
});
