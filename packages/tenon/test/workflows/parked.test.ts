/** Code that does not fit the record, or cannot be repeated: the run is parked, says why, and goes on once it is mended. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { engines } from "../data/engines.ts";
import { inventory, payments } from "./shop.ts";
import { type Code, begin, closeTrials, current, desk, does, done, finish, id, nextRun, openTrials, read } from "./trials.ts";

for (const engine of engines) {
  describe(`runs whose code has changed, on ${engine.name}`, { skip: engine.skip }, () => {
    before(() => openTrials(engine));
    after(closeTrials);
    beforeEach(nextRun);

    describe("parked", () => {
      const recorded: Code = async (flow) => {
        await flow.step("one", does("one"));
        await flow.step("two", does("two"));
        await flow.sleep("wait", "1h");
        return "old";
      };
      const changes: Readonly<Record<string, readonly [Code, RegExp]>> = {
        "asks for another name": [
          async (flow) => flow.step("uno", does("uno")),
          /at place 0 the run has on record the step "one", and the code asked for the step "uno"/,
        ],
        "asks for another kind": [
          async (flow) => flow.call("one", inventory.release, { order: "x" }),
          /has on record the step "one", and the code asked for the call "one"/,
        ],
        "has a new step in between": [
          async (flow) => {
            await flow.step("one", does("one"));
            await flow.step("new", does("new"));
          },
          /at place 1 the run has on record the step "two", and the code asked for the step "new"/,
        ],
        "ends too early": [async (flow) => flow.step("one", does("one")), /has on record the step "two", and the code asked for the end of the workflow/],
        "fails too early": [
          async (flow) => {
            await flow.step("one", does("one"));
            throw new RangeError("new");
          },
          /has on record the step "two", and the code asked for the end of the workflow/,
        ],
        "waits elsewhere": [
          async (flow) => {
            await flow.step("one", does("one"));
            await flow.sleep("other", "1h");
          },
          /has on record the step "two", and the code asked for the sleep "other"/,
        ],
        "goes into branches": [
          async (flow) => {
            await flow.all("both", { a: (branch) => branch.step("one", does("a")) });
          },
          /has on record the step "one", and the code asked for the parallel branches "both" \(a\)/,
        ],
      };
      for (const [what, [changed, message]] of Object.entries(changes)) {
        test(`when the code ${what}, and resumed with code that fits`, async () => {
          await begin(recorded);
          current.code = changed;
          const row = await finish();
          assert.equal(row.state, "parked");
          assert.match(row.parked_reason ?? "", message);
          assert.deepEqual(done, ["one", "two"]);
          current.code = recorded;
          await desk().resume(`small:${id}`);
          assert.deepEqual([(await finish()).output, done], ["old", ["one", "two"]]);
        });
      }

      test("when an undo step fails for good, and goes on with it once resumed", async () => {
        let isMended = false;
        await begin(async (flow) => {
          flow.undo("first", does("first"));
          flow.undo("second", () => {
            if (!isMended) throw new RangeError("stuck");
            done.push("second");
          });
          throw flow.fail.Refused({ why: "so" });
        });
        const row = await finish();
        assert.deepEqual([row.state, done], ["parked", []]);
        assert.match(row.parked_reason ?? "", /the undo step "second" failed for good after 3 attempts: stuck/);
        isMended = true;
        await desk().resume(`small:${id}`);
        const end = await finish();
        assert.deepEqual([end.state, end.failure?.reason, done], ["failed", "Refused", ["second", "first"]]);
      });

      const misuses: Readonly<Record<string, readonly [Code, RegExp]>> = {
        "does not await a step": [
          async (flow) => {
            void flow.step("one", does("one"));
            return null;
          },
          /the code ended while "one" was under way: await every step/,
        ],
        "does not await a wait": [
          async (flow) => {
            void flow.sleep("one", "1h");
            return null;
          },
          /the code ended while "one" was under way: await every step/,
        ],
        "asks for two steps at once": [(flow) => Promise.all([flow.step("one", does("one")), flow.step("two", does("two"))]), /"two" was asked for while "one" was under way: await each step, or put them beside each other with flow.all/],
        "uses the flow of a branch that has ended": [
          async (flow) => {
            let kept: typeof flow | undefined;
            await flow.all("x", { a: async (branch) => void (kept = branch) });
            await kept?.step("late", does("late"));
          },
          /"late" was asked for after its branch had ended/,
        ],
        "gives a step a name that is none": [(flow) => flow.step("a/b", does("x")), /"a\/b" is not a name for a step/],
        "waits for an event it does not declare": [(flow) => flow.until("x", { ...payments.captured, id: "payments.other" }), /waits for payments.other and does not say so/],
      };
      for (const [what, [wrong, message]] of Object.entries(misuses)) {
        test(`when the code ${what}`, async () => {
          await begin(wrong);
          const row = await read();
          assert.equal(row.state, "parked");
          assert.match(row.parked_reason ?? "", message);
        });
      }
    });

    describe("over a change of the code", () => {
      const marked = (current: number): Code => async (flow) => {
        await flow.step("one", does("one"));
        const version = await flow.version("gift wrap", current);
        if (version >= 2) await flow.step("wrap", does("wrap"));
        await flow.step("two", does("two"));
        await flow.sleep("wait", "1h");
        return { version, again: await flow.version("gift wrap", current), other: await flow.version("other", current) };
      };
      test("a run that had passed the place keeps the old way, a new one takes the new way", async () => {
        await begin(async (flow) => {
          await flow.step("one", does("one"));
          await flow.step("two", does("two"));
          await flow.sleep("wait", "1h");
          return null;
        });
        current.code = marked(2);
        assert.deepEqual((await finish()).output, { version: 1, again: 1, other: 2 });
        nextRun();
        await begin(marked(2));
        current.code = marked(3);
        assert.deepEqual([(await finish()).output, done], [{ version: 2, again: 2, other: 3 }, ["one", "wrap", "two"]]);
      });
    });
  });
}
