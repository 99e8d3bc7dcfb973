/** What does not compile of workflows: for `compile-time.test.ts`, which has the contracts and services that these name. */

export interface Proof {
  /** The mistake, in words. */
  readonly mistake: string;
  readonly wrong: string;
  /** Has to be in what the compiler says. */
  readonly says: RegExp;
  readonly right: string;
}

/** A workflow, a command that starts one, and what is in between. */
const flow = (code: string): string => `work.workflow("buy", { input: Key, output: Thing, errors: { Gone: { status: 409 } }, events: [things.sold] }, async (flow) => { ${code} return thing; });`;
const start = (code: string): string => `service(things, { ...withParts, workflows: [buy], handlers: { get, watch, async drop({ start, runs }) { ${code} } } });`;

export const workflowProofs: readonly Proof[] = [
  {
    mistake: "a run that is started with a wrong input",
    wrong: start("await start(buy, { id: 4 });"),
    says: /Type 'number' is not assignable to type 'string'/,
    right: start('await start(buy, { id: "4" }, { id: "4" });'),
  },
  {
    mistake: "a run that is started without its input",
    wrong: start("await start(buy);"),
    says: /Expected 2-3 arguments, but got 1/,
    right: start("await start(idle);"),
  },
  {
    mistake: "a result of a run that it may not have yet",
    wrong: start('const run = await runs.get(buy, "4"); if (run !== undefined) run.result.name.trim();'),
    says: /'run\.result' is possibly 'undefined'/,
    right: start('const run = await runs.get(buy, "4"); if (run?.state === "completed") run.result.name.trim();'),
  },
  {
    mistake: "a workflow of other tables than the service has",
    wrong: `service(things, { handlers: { get, watch, drop }, workflows: [buy] });`,
    says: /Property 'parts' is missing in type 'NoTables'/,
    right: `service(things, { ...withParts, handlers: { get, watch, drop }, workflows: [buy] });`,
  },
  {
    mistake: "a workflow that counts on a setting which the service lacks",
    wrong: `service(things, { ...withParts, config: z.object({ OTHER: z.string() }), handlers: { get, watch, drop }, workflows: [set] });`,
    says: /Property 'DAYS' is missing in type/,
    right: `service(things, { ...withParts, config: Days, handlers: { get, watch, drop }, workflows: [set, buy] });`,
  },
  {
    mistake: "a step that asks for a table that is not there",
    wrong: flow('await flow.step("a", ({ db }) => db.selectFrom("wholes").selectAll().execute());'),
    says: /'"wholes"' is not assignable/,
    right: flow('await flow.step("a", ({ db }) => db.selectFrom("parts").selectAll().execute());'),
  },
  {
    mistake: "a result of a step that is taken for a date, which no record keeps",
    wrong: flow('const { at } = await flow.step("a", () => ({ at: new Date(0) })); at.getTime();'),
    says: /Property 'getTime' does not exist on type 'string'/,
    right: flow('const { at } = await flow.step("a", () => ({ at: new Date(0) })); new Date(at).getTime();'),
  },
  {
    mistake: "a wait for an event that the workflow does not declare",
    wrong: flow('await flow.until("a", things.lost, { key: "4" });'),
    says: /is not assignable to parameter of type/,
    right: flow('await flow.until("a", things.sold, { key: "4" });'),
  },
  {
    mistake: "an event that may not have come in time",
    wrong: flow('const sold = await flow.until("a", things.sold, { timeout: "1h" }); sold.id.trim();'),
    says: /'sold' is possibly 'undefined'/,
    right: flow('const sold = await flow.until("a", things.sold, { timeout: "1h" }); sold?.id.trim();'),
  },
  {
    mistake: "an error that the workflow does not declare",
    wrong: flow("if (flow.input.id === '') throw flow.fail.Lost();"),
    says: /Property 'Lost' does not exist/,
    right: flow("if (flow.input.id === '') throw flow.fail.Gone();"),
  },
  {
    mistake: "a failure of a child that the child does not declare",
    wrong: flow('const end = await outcome(flow.child("c", buy, { id: "4" })); if (!end.ok && end.fault.reason === "Lost") throw flow.fail.Gone();'),
    says: /types '"Gone"' and '"Lost"' have no overlap/,
    right: flow('const end = await outcome(flow.child("c", buy, { id: "4" })); if (!end.ok && end.fault.reason === "Gone") throw flow.fail.Gone();'),
  },
  {
    mistake: "a length of time without a unit",
    wrong: flow('await flow.sleep("a", "10");'),
    says: /'"10"' is not assignable to parameter of type/,
    right: flow('await flow.sleep("a", "10m");'),
  },
  {
    mistake: "a workflow that does not give back what it says",
    wrong: `work.workflow("buy", { input: Key, output: Thing }, async () => ({ id: "4" }));`,
    says: /Property 'name' is missing/,
    right: `work.workflow("buy", { input: Key, output: Thing }, async () => ({ id: "4", name: "x" }));`,
  },
];
