/** How runs end, wait, fail and are canceled: small workflows, each for one promise. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import * as z from "zod";
import { outcome } from "tenon";
import { fromRecordedFailure } from "../../src/workflows/index.ts";
import { engines } from "../data/engines.ts";
import { readRows, toNextDue } from "./app-process.ts";
import { payments } from "./shop.ts";
import { type Code, begin, child, closeTrials, current, database, desk, does, done, finish, id, nextRun, openTrials, process, read, services, trials } from "./trials.ts";

for (const engine of engines) {
  describe(`runs on ${engine.name}`, { skip: engine.skip }, () => {
    before(() => openTrials(engine));
    after(closeTrials);
    beforeEach(nextRun);

    describe("step by step", () => {
      test("a step that fails is tried again, and what it gave is kept", async () => {
        let tries = 0;
        await begin(async (flow) => {
          const got = await flow.step("try", ({ attempt }) => {
            if (++tries < 3) throw new RangeError("not yet");
            return { attempt, at: new Date(0) };
          });
          await flow.sleep("a while", "1h");
          return got;
        });
        const row = await finish();
        assert.deepEqual([row.state, row.output, tries], ["completed", { attempt: 3, at: "1970-01-01T00:00:00.000Z" }, 3]);
      });

      test("a step whose attempts are used up fails the run, which code may catch", async () => {
        await begin((flow) => flow.step("break", () => Promise.reject(new RangeError("never"))));
        const row = await finish();
        assert.equal(row.state, "failed");
        assert.deepEqual([row.failure?.name, row.failure?.message, row.failure?.step], ["RangeError", "never", "break"]);

        nextRun();
        await begin(async (flow) => {
          const caught = await flow.step("break", { attempts: 1 }, () => Promise.reject(new RangeError("never"))).catch((error: unknown) => (error as Error).message);
          await flow.sleep("on", "1h");
          return caught;
        });
        assert.deepEqual(await finish().then(({ output, state }) => [state, output]), ["completed", "break: never"]);
      });

      test("a name may come again, and the same steps are found again", async () => {
        await begin(async (flow) => {
          let sum = 0;
          for (let i = 1; i <= 3; i++) {
            sum += await flow.step("add", () => i);
            await flow.sleep("rest", "1h");
          }
          return sum;
        });
        assert.equal((await finish()).output, 6);
        const steps = await readRows(database, "trials", "select name from tenon_steps where run = $1 order by seq", [`small:${id}`]);
        assert.deepEqual(steps.map(({ name }) => name), ["add", "rest", "add#2", "rest#2", "add#3", "rest#3"]);
      });

      test("what is given back and too large, or has no form in JSON, fails the step with a reason", async () => {
        await begin((flow) => flow.step("large", () => "x".repeat(300_000)));
        assert.match((await finish()).failure?.message ?? "", /what "large" gave back has 300002 bytes, and 262144 at most are kept/);
        nextRun();
        const ring: Record<string, unknown> = {};
        ring["self"] = ring;
        await begin((flow) => flow.step("ring", () => ring));
        assert.match((await finish()).failure?.message ?? "", /has no form in JSON/);
      });

      test("a big integer, as statements count rows by, comes back as text", async () => {
        await begin((flow) => flow.step("count", () => ({ rows: 1n })));
        assert.deepEqual((await finish()).output, { rows: "1" });
      });

      test("time, chance and identifiers are the same at every turn", async () => {
        const seen: unknown[] = [];
        await begin(async (flow) => {
          await flow.step("one", () => 1);
          seen.push([flow.now().toISOString(), flow.random(), flow.uuid(), flow.random()]);
          await flow.sleep("a", "1h");
          await flow.sleep("b", "1h");
          return null;
        });
        await finish();
        assert.ok(seen.length >= 3);
        for (const each of seen) assert.deepEqual(each, seen[0]);
        assert.notEqual((seen[0] as unknown[])[1], (seen[0] as unknown[])[3]);
        assert.match((seen[0] as string[])[2] as string, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      });

      test("many steps take several turns", async () => {
        await begin(async (flow) => {
          for (let i = 0; i < 130; i++) await flow.step("n", () => void done.push("x"));
          return done.length;
        });
        assert.deepEqual(await finish().then(({ output }) => output), 130);
      });
    });

    describe("branches and children", () => {
      test("branches run beside each other, and their results come under their names", async () => {
        await begin(async (flow) =>
          flow.all("both", {
            quick: (branch) => branch.step("go", () => "q"),
            slow: async (branch) => {
              await branch.sleep("wait", "1h");
              return branch.step("go", () => "s");
            },
            empty: async () => "e",
          }),
        );
        assert.deepEqual((await finish()).output, { quick: "q", slow: "s", empty: "e" });
      });

      test("the first branch that failed, in their order, is what is thrown, once all have ended", async () => {
        await begin(async (flow) => {
          try {
            await flow.all("both", {
              a: async (branch) => {
                await branch.sleep("wait", "1h");
                throw branch.fail.Refused({ why: "a" });
              },
              b: (branch) => branch.step("break", { attempts: 1 }, () => Promise.reject(new RangeError("b"))),
            });
          } catch (error) {
            await flow.sleep("on", "1m");
            return (error as { readonly data: unknown }).data;
          }
          return "no";
        });
        assert.deepEqual((await finish()).output, { why: "a" });
      });

      test("a child gives its result, or fails with what it declares", async () => {
        current.childCode = async (flow) => {
          await flow.sleep("grow", "1h");
          if (flow.input.n > 1) throw flow.fail.Refused({ why: "too many" });
          return { twice: flow.input.n * 2 };
        };
        await begin(async (flow) => {
          const good = await flow.child("good", child, { n: 1 });
          const bad = await outcome(flow.child("bad", child, { n: 2 }));
          return { good, bad: bad.ok ? "no" : bad.fault.data };
        });
        assert.deepEqual((await finish()).output, { good: { twice: 2 }, bad: { why: "too many" } });
      });

      test("a child whose input does not fit fails where it is asked for", async () => {
        await begin((flow) => flow.child("bad", child, { n: "x" as unknown as number }));
        assert.match((await finish()).failure?.message ?? "", /the input of the workflow "child" does not fit: \/n/);
      });

      test("a failure of a child that nobody catches undoes the parent", async () => {
        current.childCode = async (flow) => {
          flow.undo("mend", does("mend"));
          return flow.step("break", { attempts: 1 }, () => Promise.reject(new RangeError("no")));
        };
        await begin(async (flow) => {
          flow.undo("back", does("back"));
          return flow.child("one", child, {});
        });
        const row = await finish();
        assert.deepEqual([row.state, row.failure?.message, done], ["failed", "no", ["mend", "back"]]);
      });
    });

    describe("canceled", () => {
      const waits: Readonly<Record<string, (flow: Parameters<Code>[0]) => Promise<unknown>>> = {
        "a sleep": (flow) => flow.sleep("long", "1d"),
        "an event": (flow) => flow.until("payment", payments.captured, { key: "none" }),
        "a person": (flow) => flow.ask("approve", { question: "may it?", schema: z.boolean() }),
        "the next attempt": (flow) => flow.step("break", { attempts: 100, backoff: { base: "1d", cap: "2d" } }, () => Promise.reject(new RangeError("no"))),
        branches: (flow) => flow.all("both", { a: (branch) => branch.sleep("x", "1d"), b: (branch) => branch.sleep("y", "2d") }),
      };
      for (const [what, wait] of Object.entries(waits)) {
        test(`while it waits for ${what}, it is undone in reverse`, async () => {
          await begin(async (flow) => {
            await flow.step("one", does("one"));
            flow.undo("un-one", does("un-one"));
            await flow.step("two", does("two"));
            flow.undo("un-two", does("un-two"));
            await wait(flow);
            done.push("never");
            return null;
          });
          assert.equal((await read()).state, "running");
          await process.call(trials.cancel, { id });
          await process.settled();
          const row = await read();
          assert.deepEqual([row.state, row.failure?.message, done], ["canceled", "nobody wants it", ["one", "two", "un-two", "un-one"]]);
          assert.deepEqual(await readRows(database, "trials", "select 1 from tenon_inbox where key = $1", [`small:${id}`]), []);
        });
      }

      test("while it waits for a child, the child is undone before it", async () => {
        current.childCode = async (flow) => {
          flow.undo("un-child", does("un-child"));
          await flow.sleep("grow", "1d");
          return null;
        };
        await begin(async (flow) => {
          flow.undo("un-parent", does("un-parent"));
          return flow.child("one", child, {});
        });
        await process.call(trials.cancel, { id });
        await process.settled();
        assert.deepEqual([(await read()).state, (await read(`child:small:${id}/one`)).state, done], ["canceled", "canceled", ["un-child", "un-parent"]]);
      });

      test("in the middle of a step, the step is told, and what it did is not kept", async () => {
        const started = Promise.withResolvers<void>();
        current.code = async (flow) => {
          flow.undo("back", does("back"));
          await flow.step("long", async ({ db, signal }) => {
            await db.insertInto("effects").values({ run: id, what: "long" }).execute();
            if (database.sessions === "one") throw new RangeError("the one session would be held");
            started.resolve();
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
          });
          return null;
        };
        if (database.sessions === "one") return; // nobody can ask for the end while its one session is held
        await process.call(trials.begin, { id, n: 0 });
        await started.promise;
        await process.call(trials.cancel, { id });
        await process.settled();
        assert.deepEqual([(await read()).state, done], ["canceled", ["back"]]);
        assert.deepEqual(await readRows(database, "trials", "select what from effects where run = $1", [id]), []);
      });
    });

    describe("asked and told", () => {
      test("a question is answered once, by what fits", async () => {
        await begin(async (flow) => flow.ask("approve", { question: "may it?", schema: z.object({ ok: z.boolean() }), timeout: "2d" }));
        await assert.rejects(process.call(trials.answer, { id, answer: { ok: "perhaps" } }), /the answer to "approve" does not fit: \/ok/);
        await process.call(trials.answer, { id, answer: { ok: true } });
        await assert.rejects(process.call(trials.answer, { id, answer: { ok: false } }), /answered already/);
        assert.deepEqual((await finish()).output, { ok: true });
      });

      test("a question that nobody answers in time", async () => {
        await begin(async (flow) => (await flow.ask("approve", { question: "may it?", schema: z.boolean(), timeout: "2d" })) ?? "nobody");
        assert.equal((await finish()).output, "nobody");
      });

      test("two waits for one key take two events, in their order", async () => {
        await begin(async (flow) => {
          const first = await flow.until("one", payments.captured, { key: id });
          const second = await flow.until("two", payments.captured, { key: id });
          return [first.cents, second.cents];
        });
        for (const cents of [1, 2, 3]) await process.call(payments.capture, { order: id, cents });
        assert.deepEqual((await finish()).output, [1, 2]);
      });

      test("an event that came before the run was started is not for it", async () => {
        await process.call(payments.capture, { order: id, cents: 1 });
        await process.settled();
        await begin(async (flow) => (await flow.until("one", payments.captured, { key: id, timeout: "1h" })) ?? "none");
        assert.equal((await finish()).output, "none");
      });

      test("an event and a time-out at one time: one of them it is, and the run goes on once", async () => {
        for (let i = 0; i < 5; i++) {
          nextRun();
          await begin(async (flow) => {
            const got = await flow.until("one", payments.captured, { key: id, timeout: "1h" });
            await flow.step("after", does(`after ${id}`));
            return got?.cents ?? "late";
          });
          await toNextDue(database, services);
          await Promise.all([process.call(payments.capture, { order: id, cents: 4 }), process.settled()]);
          const { output, state } = await finish();
          assert.equal(state, "completed");
          assert.ok(output === 4 || output === "late");
          assert.equal(done.filter((each) => each === `after ${id}`).length, 1);
        }
      });
    });

    test("a failed run is tried again from the step that failed, unless it was undone", async () => {
      let isMended = false;
      await begin(async (flow) => {
        await flow.step("one", does("one"));
        return flow.step("break", { attempts: 1 }, () => (isMended ? "mended" : Promise.reject(new RangeError("no"))));
      });
      assert.equal((await finish()).state, "failed");
      isMended = true;
      await desk().retry(`small:${id}`);
      assert.deepEqual([(await finish()).output, done], ["mended", ["one"]]);

      nextRun();
      await begin(async (flow) => {
        flow.undo("back", does("back"));
        throw flow.fail.Refused({ why: "so" });
      });
      await finish();
      await assert.rejects(desk().retry(`small:${id}`), /its undo steps have run/);
    });
  });
}

test("a failure that was declared comes back as itself", () => {
  assert.equal((fromRecordedFailure("s", { name: "DeclaredFault", message: "m", reason: "Gone", data: 1, status: 410 }) as { readonly reason?: string }).reason, "Gone");
});
