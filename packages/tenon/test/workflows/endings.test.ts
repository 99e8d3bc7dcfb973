/** How runs end, wait, fail, are canceled and parked: small workflows, each for one promise. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import * as z from "zod";
import { command, contract, type Flow, outcome, service, type Service } from "tenon";
import type { Database } from "../../src/data/index.ts";
import { fromRecordedFailure, type RunDesk } from "../../src/workflows/index.ts";
import { engines } from "../data/engines.ts";
import { AppProcess, prepare, readRows, toNextDue } from "./app-process.ts";
import { inventory, inventoryService, payments, paymentsService, tables, workflow } from "./shop.ts";

type Code = (flow: Flow<typeof Input, typeof errors, readonly [typeof payments.captured], typeof tables>) => Promise<unknown>;

const Input = z.object({ n: z.int().default(0) });
const errors = { Refused: { status: 409, data: z.object({ why: z.string() }) } } as const;

/** Settled for each test. */
let code: Code = async () => undefined;
let childCode: Code = async () => undefined;
let runs = 0;
let done: string[] = [];

const options = { input: Input, output: z.unknown(), errors, events: [payments.captured], retry: { attempts: 3, backoff: { base: "10ms", cap: "20ms" } } } as const;
const small = workflow("small", options, (flow) => code(flow));
const child = workflow("child", options, (flow) => childCode(flow));

const trials = contract("trials", {
  begin: command({ access: "signed-in", input: z.object({ id: z.string(), n: z.int() }) }),
  cancel: command({ access: "signed-in", input: z.object({ id: z.string() }) }),
  answer: command({ access: "signed-in", input: z.object({ id: z.string(), answer: z.unknown() }) }),
});
const trialsService: Service = service(trials, {
  tables,
  migrations: new URL("migrations/orders/", import.meta.url),
  handlers: {
    begin: async ({ input, start }) => void (await start(small, { n: input.n }, { id: input.id })),
    cancel: ({ input, runs: all }) => all.cancel(small, input.id, "nobody wants it"),
    answer: ({ input, runs: all }) => all.answer(small, input.id, "approve", input.answer),
  },
  workflows: [small, child],
});
const services = [trialsService, inventoryService, paymentsService];

interface Row {
  readonly state: string;
  readonly output: unknown;
  readonly failure: { readonly name: string; readonly message: string; readonly reason?: string; readonly step?: string } | null;
  readonly parked_reason: string | null;
}

for (const engine of engines) {
  describe(`runs on ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Awaited<ReturnType<typeof engine.open>>;
    let database: Database;
    let process: AppProcess;
    let id = "";

    before(async () => {
      opened = await engine.open();
      database = opened.database;
      await prepare(database, services);
      process = await AppProcess.start({ services, database });
    });
    after(async () => {
      await process.stop();
      await opened.drop();
    });
    beforeEach(() => {
      id = `r${++runs}`;
      done = [];
    });

    async function begin(asked: Code, n = 0): Promise<void> {
      code = asked;
      await process.call(trials.begin, { id, n });
      await process.settled();
    }
    async function read(run = `small:${id}`): Promise<Row> {
      const [row] = await readRows(database, "trials", "select state, output, failure, parked_reason from tenon_runs where id = $1", [run]);
      return row as unknown as Row;
    }
    /** Lets time pass until nothing is due any more. */
    async function finish(): Promise<Row> {
      for (let i = 0; i < 60; i++) {
        await process.settled();
        if (!(await toNextDue(database, services))) break;
      }
      await process.settled();
      return read();
    }
    const does = (what: string) => () => void done.push(what);
    const desk = (): RunDesk => process.desk("trials");

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

        id += "b";
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
        id += "b";
        await begin((flow) => flow.step("big", () => 1n as unknown as number));
        assert.match((await finish()).failure?.message ?? "", /has no form in JSON/);
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
        childCode = async (flow) => {
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
        childCode = async (flow) => {
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
        childCode = async (flow) => {
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
        code = async (flow) => {
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
          id = `race${++runs}`;
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
          code = changed;
          const row = await finish();
          assert.equal(row.state, "parked");
          assert.match(row.parked_reason ?? "", message);
          assert.deepEqual(done, ["one", "two"]);
          code = recorded;
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
        code = marked(2);
        assert.deepEqual((await finish()).output, { version: 1, again: 1, other: 2 });
        id += "b";
        done = [];
        await begin(marked(2));
        code = marked(3);
        assert.deepEqual([(await finish()).output, done], [{ version: 2, again: 2, other: 3 }, ["one", "wrap", "two"]]);
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

      id += "b";
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
