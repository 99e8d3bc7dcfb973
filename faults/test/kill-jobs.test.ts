/** That the drill counts what went wrong, on queues that go wrong on purpose, and that it runs with each of the tools. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JobSubject } from "../jobs/job-subject.ts";
import { jobSubjects } from "../jobs/subjects.ts";
import { brokenPromises, type JobKillResult, runJobKills } from "../kill-jobs.ts";
import { createSeededRandom } from "../seeded-random.ts";
import { faultySubject, type JobFault } from "./faulty-jobs/queue.ts";
import { serverUrl, skip } from "./postgres-server.ts";

function drill(subject: JobSubject, jobs: number, kills: number): Promise<JobKillResult> {
  return runJobKills({ subject, url: serverUrl, jobs, kills, random: createSeededRandom(7) });
}

/** Numbers 7, 17, … 97. */
const unlucky = 10;

describe("the drill that kills workers counts", { skip }, () => {
  const expected: Readonly<Record<JobFault, readonly [lost: number, twice: number, stuck: number]>> = {
    none: [0, 0, 0],
    loses: [unlucky, 0, 0],
    doubles: [0, unlucky, 0],
    strands: [0, 0, unlucky],
  };
  for (const fault of ["none", "loses", "doubles", "strands"] as const) {
    test(`a queue that goes wrong by "${fault}"`, async () => {
      const subject = faultySubject(fault);
      const result = await drill(subject, 100, 2);
      assert.deepEqual([result.lost, result.appliedTwice, result.stuck, result.stuckUnapplied], [...expected[fault], expected[fault][2]]);
      assert.equal(brokenPromises(result, subject).length, fault === "none" ? 0 : 1, JSON.stringify(result));
    });
  }
});

describe("the drill that kills workers runs", { skip }, () => {
  for (const subject of jobSubjects) {
    test(`with ${subject.name}, and every job is done where nobody is killed`, async () => {
      const { lost, appliedTwice, stuck } = await drill(subject, 40, 0);
      assert.deepEqual({ lost, appliedTwice, stuck }, { lost: 0, appliedTwice: 0, stuck: 0 });
    });
  }
});

describe("a promise", () => {
  const result: JobKillResult = { subject: "x", jobs: 1, kills: 1, lost: 0, appliedTwice: 1, stuck: 1, stuckUnapplied: 0, leaseMs: 10_000, waitedMs: 5_000 };
  const subject = faultySubject("none");

  test("is broken by what its own documentation excludes, and by that alone", () => {
    assert.deepEqual(brokenPromises(result, { ...subject, promise: "at least once" }), []);
    assert.deepEqual(brokenPromises(result, subject), ["1 applied twice"]);
    assert.deepEqual(brokenPromises({ ...result, waitedMs: 20_001, lost: 2 }, subject), ["2 lost", "1 applied twice", "1 stuck beyond the lease"]);
  });

  test("is put to the test by the same plan for the same seed", () => {
    const [one, other] = [createSeededRandom(3), createSeededRandom(3)];
    const drawn = Array.from({ length: 1_000 }, one);
    assert.deepEqual(drawn, Array.from({ length: 1_000 }, other));
    assert.ok(drawn.every((value) => value >= 0 && value < 1) && new Set(drawn).size > 990);
  });
});
