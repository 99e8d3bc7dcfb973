/**
 * Random small workflows, once in one go and once with a new process after every turn: they end the same, with the same
 * effects in each branch, whatever was interrupted.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import * as z from "zod";
import { command, contract, type Flow, service } from "tenon";
import { engines } from "../data/engines.ts";
import { CrashingDatabase } from "./crashing-database.ts";
import { AppProcess, prepare, readRows, toNextDue } from "./app-process.ts";
import { inventory, inventoryService, payments, paymentsService, tables, workflow } from "./shop.ts";

type Op =
  | { readonly op: "step" | "call" | "sleep" | "until" | "undo" | "fail" | "catch" | "chance" }
  | { readonly op: "all"; readonly left: readonly Op[]; readonly right: readonly Op[] };

const leaf = fc.record({ op: fc.constantFrom("step", "step", "call", "sleep", "until", "undo", "catch", "chance", "fail" as const) }) as fc.Arbitrary<Op>;
const plans: fc.Arbitrary<readonly Op[]> = fc.array(
  fc.oneof({ weight: 6, arbitrary: leaf }, { weight: 1, arbitrary: fc.record({ op: fc.constant("all" as const), left: fc.array(leaf, { maxLength: 3 }), right: fc.array(leaf, { maxLength: 3 }) }) }),
  { maxLength: 7 },
);

const Input = z.object({ id: z.string(), plan: z.unknown() });
type PlanFlow = Flow<typeof Input, {}, readonly [typeof payments.captured], typeof tables>;

/** Does what the plan says, and gives back what each thing gave. */
async function follow(flow: PlanFlow, plan: readonly Op[], branch: string): Promise<unknown[]> {
  const { id } = flow.input;
  const got: unknown[] = [];
  const leaves = (what: string) => async ({ db }: Parameters<Parameters<PlanFlow["undo"]>[2]>[0]) => void (await db.insertInto("effects").values({ run: id, what }).execute());
  for (const [i, each] of plan.entries()) {
    const name = `${branch}${i}`;
    if (each.op === "all") {
      const { left, right } = await flow.all("all", { left: (own) => follow(own, each.left, `${name}l`), right: (own) => follow(own, each.right, `${name}r`) });
      got.push(left, right);
    } else if (each.op === "step") {
      await flow.step("step", leaves(name));
      got.push(name);
    } else if (each.op === "call") got.push((await flow.call("call", inventory.reserve, { order: id, sku: name })).reservation.split("/")[1]);
    else if (each.op === "sleep") await flow.sleep("sleep", "10m");
    else if (each.op === "until") got.push((await flow.until("until", payments.captured, { key: `${id}${name}`, timeout: "1h" })) ?? "late");
    else if (each.op === "undo") flow.undo("undo", {}, leaves(`un${name}`));
    else if (each.op === "chance") got.push(flow.random() < 2);
    else if (each.op === "catch") got.push(await flow.step("catch", { attempts: 1 }, () => Promise.reject(new RangeError("caught"))).catch((error: unknown) => (error as Error).message));
    else if (each.op === "fail") await flow.step("fail", { attempts: 1 }, () => Promise.reject(new RangeError("as planned")));
  }
  return got;
}

const planned = workflow("planned", { input: Input, output: z.unknown(), events: [payments.captured] }, (flow) => follow(flow, flow.input.plan as readonly Op[], ""));
const plansContract = contract("plans", { begin: command({ access: "signed-in", input: Input }) });
const plansService = service(plansContract, {
  tables,
  migrations: new URL("migrations/orders/", import.meta.url),
  handlers: { begin: async ({ input, start }) => void (await start(planned, input, { id: input.id })) },
  workflows: [planned],
});
const services = [plansService, inventoryService, paymentsService];

interface End {
  readonly state: unknown;
  readonly output: unknown;
  readonly failure: unknown;
  readonly effects: readonly string[];
  readonly undone: readonly string[];
}

/** One branch registers an undo step while another writes down what both had gathered before. */
const betweenBranches: readonly Op[] = [
  { op: "all", left: [], right: [{ op: "undo" }] },
  { op: "all", left: [{ op: "step" }, { op: "undo" }, { op: "step" }], right: [{ op: "fail" }] },
];

const pglite = engines[0] as (typeof engines)[number];

describe("a random workflow", () => {
  let opened: Awaited<ReturnType<typeof pglite.open>>;
  let runs = 0;
  before(async () => {
    opened = await pglite.open();
    await prepare(opened.database, services);
  });
  after(() => opened.drop());

  /** @param crashes  Durable writes at which a process dies, one process after the other. */
  async function run(plan: readonly Op[], crashes: readonly number[]): Promise<End> {
    const { database } = opened;
    const id = `p${++runs}`;
    const key = `planned:${id}`;
    for (let life = 0; life <= crashes.length; life++) {
      const at = crashes[life];
      const crashing = new CrashingDatabase(database, at === undefined ? undefined : { at, side: at % 2 === 0 ? "before" : "after" });
      let process: AppProcess | undefined;
      try {
        process = await AppProcess.start({ services, database: crashing });
        await Promise.race([toEnd(process, key, { id, plan }), crashing.crashed.promise]);
      } catch (error) {
        if (!crashing.isDead) throw error;
      }
      if (crashing.isDead) await crashing.die();
      await process?.stop();
    }
    const [row] = await readRows(database, "plans", "select state, output, failure ->> 'message' as failure from tenon_runs where id = $1", [key]);
    const all = (await readRows(database, "plans", "select what from effects where run = $1 order by place", [id])).map(({ what }) => String(what));
    return { state: row?.["state"], output: row?.["output"], failure: row?.["failure"], effects: all.filter((what) => !what.startsWith("un")).toSorted(), undone: all.filter((what) => what.startsWith("un")).toSorted() };
  }

  async function toEnd(process: AppProcess, key: string, input: { readonly id: string; readonly plan: unknown }): Promise<void> {
    const stateOf = async (): Promise<unknown> => (await readRows(opened.database, "plans", "select state from tenon_runs where id = $1", [key]))[0]?.["state"];
    if ((await stateOf()) === undefined) await process.call(plansContract.begin, input, input.id);
    for (let i = 0; i < 60; i++) {
      await process.settled();
      if (!["running", "compensating"].includes(String(await stateOf()))) return;
      await toNextDue(opened.database, services);
    }
    assert.fail("it does not come to its end");
  }

  test("ends the same however often its process dies", { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.array(fc.integer({ min: 1, max: 14 }), { minLength: 1, maxLength: 4 }), async (plan, crashes) => {
        const once = await run(plan, []);
        assert.ok(once.state === "completed" || once.state === "failed", String(once.state));
        assert.deepEqual(await run(plan, crashes), once);
      }),
      { numRuns: 40, examples: [[betweenBranches, [1]]] },
    );
  });
});
