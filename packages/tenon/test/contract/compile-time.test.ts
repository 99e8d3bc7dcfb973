/**
 * What does not compile. Each proof is code that a person would write in error, what the compiler says about it, and
 * the same code put right. All of them go through one run of the compiler, as a user's own files would.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Proof, workflowProofs } from "./workflow-proofs.ts";

const contractProofs: readonly Proof[] = [
  {
    mistake: "an operation without an access rule",
    wrong: `query({ http: "GET /things/{id}", input: Key, output: Thing });`,
    says: /Property 'access' is missing in type/,
    right: `query({ http: "GET /things/{id}", access: "signed-in", input: Key, output: Thing });`,
  },
  {
    mistake: "a command without an access rule, inside of a contract",
    wrong: `contract("things", { rename: command({ http: "PUT /things/{id}", input: Thing }) });`,
    says: /Property 'access' is missing in type/,
    right: `contract("things", { rename: command({ http: "PUT /things/{id}", access: scope("things:write"), input: Thing }) });`,
  },
  {
    mistake: "an access rule that does not exist",
    wrong: `query({ access: "private" });`,
    says: /Type '"private"' is not assignable to type 'AccessRule</,
    right: `query({ access: "public" });`,
  },
  {
    mistake: "a scope without a resource",
    wrong: `query({ access: scope("things") });`,
    says: /'"things"' is not assignable to parameter of type '`\$\{string\}:\$\{string\}`'/,
    right: `query({ access: scope("things:read") });`,
  },
  {
    mistake: "a rule for services that names none",
    wrong: `command({ access: calledBy() });`,
    says: /Expected at least 1 arguments, but got 0/,
    right: `command({ access: calledBy("orders") });`,
  },
  {
    mistake: "a predicate about a field that the input lacks",
    wrong: `query({ access: { predicate: "own", allows: ({ caller, input }) => input.owner === caller.subject }, input: Key });`,
    says: /Property 'owner' does not exist on type '\{ id: string; \}'/,
    right: `query({ access: { predicate: "own", allows: ({ caller, input }) => input.id === caller.subject }, input: Key });`,
  },
  {
    mistake: "a query on a route that changes something",
    wrong: `query({ http: "POST /things", access: "public" });`,
    says: /Type '"POST \/things"' is not assignable to type 'HttpBinding<"GET">'/,
    right: `query({ http: "GET /things", access: "public" });`,
  },
  {
    mistake: "a command on a route that is safe to repeat",
    wrong: `command({ http: "GET /things", access: "public" });`,
    says: /Type '"GET \/things"' is not assignable to type 'HttpBinding<.*"POST"/,
    right: `command({ http: "POST /things", access: "public" });`,
  },
  {
    mistake: "an event whose key is not in its data",
    wrong: `event({ data: Thing, key: "sku" });`,
    says: /Type '"sku"' is not assignable to type '"id" \| "name"'/,
    right: `event({ data: Thing, key: "id" });`,
  },
  {
    mistake: "an upcast that trusts a field of the old data",
    wrong: `event({ data: Thing, version: 2, upcasts: { 1: (old) => ({ ...old, name: old["title"].trim() }) } });`,
    says: /is of type 'unknown'/,
    right: `event({ data: Thing, version: 2, upcasts: { 1: (old) => ({ ...old, name: String(old["title"]).trim() }) } });`,
  },
  {
    mistake: "an upcast that changes the old data in place",
    wrong: `event({ data: Thing, version: 2, upcasts: { 1: (old) => { old["name"] = ""; return old; } } });`,
    says: /only permits reading/,
    right: `event({ data: Thing, version: 2, upcasts: { 1: (old) => ({ ...old, name: "" }) } });`,
  },
  {
    mistake: "an upcast that gives nothing back",
    wrong: `event({ data: Thing, version: 2, upcasts: { 1: () => {} } });`,
    says: /Type 'void' is not assignable to type 'object'/,
    right: `event({ data: Thing, version: 2, upcasts: { 1: () => ({ id: "", name: "" }) } });`,
  },
  {
    mistake: "an upcast by a name that is no version",
    wrong: `event({ data: Thing, version: 2, upcasts: { first: (old) => old } });`,
    says: /'first' does not exist in type 'Readonly<Record<number, Upcast>>'/,
    right: `event({ data: Thing, version: 2, upcasts: { 1: (old) => old } });`,
  },
  {
    mistake: "an upcast that forgets a field of the next version",
    wrong: `event({ data: Thing, version: 2, upcasts: { 1: upcast(Key, (old): z.input<typeof Thing> => old) } });`,
    says: /Property 'name' is missing in type '\{ id: string; \}'/,
    right: `event({ data: Thing, version: 2, upcasts: { 1: upcast(Key, (old): z.input<typeof Thing> => ({ ...old, name: "" })) } });`,
  },
  {
    mistake: "an upcast that reads a field which the old version lacks",
    wrong: `event({ data: Thing, version: 2, upcasts: { 1: upcast(Key, (old) => ({ ...old, name: old.title })) } });`,
    says: /Property 'title' does not exist on type '\{ id: string; \}'/,
    right: `event({ data: Thing, version: 2, upcasts: { 1: upcast(Key, (old) => ({ ...old, name: old.id })) } });`,
  },
  {
    mistake: "a version that is no number",
    wrong: `event({ data: Thing, version: "2" });`,
    says: /Type 'string' is not assignable to type 'number'/,
    right: `event({ data: Thing, version: 2 });`,
  },
  {
    mistake: "a deadline that is not a length of time",
    wrong: `query({ access: "public", deadline: "2 seconds" });`,
    says: /Type '"2 seconds"' is not assignable to type .*`\$\{number\}s`/,
    right: `query({ access: "public", deadline: "2s" });`,
  },
  {
    mistake: "an input that is not a schema",
    wrong: `query({ access: "public", input: { id: "string" } });`,
    says: /'id' does not exist in type 'Schema'/,
    right: `query({ access: "public", input: z.object({ id: z.string() }) });`,
  },
  {
    mistake: "a declared error without a status",
    wrong: `query({ access: "public", errors: { NotFound: { message: "not here" } } });`,
    says: /Property 'status' is missing in type '\{ message: string; \}' but required in type 'ErrorSpec'/,
    right: `query({ access: "public", errors: { NotFound: { status: 404, message: "not here" } } });`,
  },
  {
    mistake: "a word that is misspelled",
    wrong: `command({ access: "public", deadlin: "2s" });`,
    says: /Did you mean to write 'deadline'\?/,
    right: `command({ access: "public", deadline: "2s" });`,
  },
  {
    mistake: "a table whose key is no column",
    wrong: `table({ id: z.uuid() }, { key: "sku" });`,
    says: /Type '"sku"' is not assignable to type '"id"/,
    right: `table({ id: z.uuid() }, { key: "id" });`,
  },
];

/** A service whose handler `get` is the one in question. */
const withGet = (get: string): string => `service(things, { handlers: { drop, watch, ${get} } });`;

const serviceProofs: readonly Proof[] = [
  {
    mistake: "a handler that is missing",
    wrong: `service(things, { handlers: { get, watch } });`,
    says: /Property 'drop' is missing in type/,
    right: `service(things, { handlers: { get, watch, drop } });`,
  },
  {
    mistake: "a handler of no operation",
    wrong: `service(things, { handlers: { get, watch, drop, create: drop } });`,
    says: /'create' does not exist in type 'Handlers</,
    right: `service(things, { handlers: { get, watch, drop } });`,
  },
  {
    mistake: "a fault that the operation does not declare",
    wrong: withGet(`async get({ fail }) { throw fail.Nope(); }`),
    says: /Property 'Nope' does not exist on type 'Fail<\{ readonly NotFound:/,
    right: withGet(`async get({ fail }) { throw fail.NotFound(); }`),
  },
  {
    mistake: "a fault without the data that it declares",
    wrong: withGet(`async get({ fail }) { throw fail.Taken(); }`),
    says: /Expected 1-2 arguments, but got 0/,
    right: withGet(`async get({ fail }) { throw fail.Taken({ by: "somebody" }); }`),
  },
  {
    mistake: "a fault with other data than it declares",
    wrong: withGet(`async get({ fail }) { throw fail.Taken({ by: 4 }); }`),
    says: /Type 'number' is not assignable to type 'string'/,
    right: withGet(`async get({ fail }) { throw fail.Taken({ by: "4" }); }`),
  },
  {
    mistake: "an output that lacks a field",
    wrong: withGet(`async get({ input }) { return { id: input.id }; }`),
    says: /Property 'name' is missing in type '\{ id: string; \}' but required in type '\{ id: string; name: string; \}'/,
    right: withGet(`async get({ input }) { return { id: input.id, name: "x" }; }`),
  },
  {
    mistake: "an output of another type",
    wrong: withGet(`async get() { return { id: 5, name: "x" }; }`),
    says: /Types of property 'id' are incompatible\.\s+Type 'number' is not assignable to type 'string'/,
    right: withGet(`async get() { return { id: "5", name: "x" }; }`),
  },
  {
    mistake: "an output that is forgotten",
    wrong: withGet(`async get() {}`),
    says: /Type 'void' is not assignable to type '\{ id: string; name: string; \}'/,
    right: withGet(`async get() { return { id: "5", name: "x" }; }`),
  },
  {
    mistake: "a field of the input that does not exist",
    wrong: withGet(`async get({ input }) { return { id: input.sku, name: "x" }; }`),
    says: /Property 'sku' does not exist on type '\{ id: string; \}'/,
    right: withGet(`async get({ input }) { return { id: input.id, name: "x" }; }`),
  },
  {
    mistake: "a list where the contract streams",
    wrong: `service(things, { handlers: { get, drop, async watch() { return [thing]; } } });`,
    says: /Property '\[Symbol\.asyncIterator\]' is missing/,
    right: `service(things, { handlers: { get, drop, async *watch() { yield thing; } } });`,
  },
  {
    mistake: "a call with a wrong field",
    wrong: withGet(`async get({ call }) { await call(stock.reserve, { sku: 4 }); return thing; }`),
    says: /Type 'number' is not assignable to type 'string'/,
    right: withGet(`async get({ call }) { await call(stock.reserve, { sku: "4" }); return thing; }`),
  },
  {
    mistake: "a call with a field too many",
    wrong: withGet(`async get({ call }) { await call(stock.reserve, { sku: "a", size: 4 }); return thing; }`),
    says: /'size' does not exist in type '\{ sku: string; count\?: number \| undefined; \}'/,
    right: withGet(`async get({ call }) { await call(stock.reserve, { sku: "a", count: 4 }); return thing; }`),
  },
  {
    mistake: "a call without its input",
    wrong: withGet(`async get({ call }) { await call(stock.reserve); return thing; }`),
    says: /Expected 2-3 arguments, but got 1/,
    right: withGet(`async get({ call }) { await call(stock.ping); return thing; }`),
  },
  {
    mistake: "a failure of a call that the called operation does not declare",
    wrong: withGet(`async get({ call }) { const end = await outcome(call(stock.reserve, { sku: "a" })); if (!end.ok && end.fault.reason === "SoldOut") throw end.fault; return thing; }`),
    says: /types '"OutOfStock"' and '"SoldOut"' have no overlap/,
    right: withGet(`async get({ call }) { const end = await outcome(call(stock.reserve, { sku: "a" })); if (!end.ok && end.fault.reason === "OutOfStock") throw end.fault; return thing; }`),
  },
];

const triggerProofs: readonly Proof[] = [
  {
    mistake: "a schedule that says when in words",
    wrong: `every("nightly", "clean-up", () => undefined);`,
    says: /'"nightly"' is not assignable to parameter of type 'ScheduleSpec'/,
    right: `every("1d", "clean-up", () => undefined);`,
  },
  {
    mistake: "a pattern where a duration is expected",
    wrong: `every("0 3 * * *", "clean-up", () => undefined);`,
    says: /'"0 3 \* \* \*"' is not assignable to parameter of type 'ScheduleSpec'/,
    right: `every({ cron: "0 3 * * *" }, "clean-up", () => undefined);`,
  },
  {
    mistake: "a schedule without a handler",
    wrong: `every("1d", "clean-up", { missed: "skip" });`,
    says: /'missed' does not exist in type 'ScheduleHandler</,
    right: `every("1d", "clean-up", { missed: "skip" }, () => undefined);`,
  },
  {
    mistake: "a policy for missed runs that does not exist",
    wrong: `every("1d", "clean-up", { missed: "never" }, () => undefined);`,
    says: /Type '"never"' is not assignable to type 'MissedPolicy/,
    right: `every("1d", "clean-up", { missed: "skip" }, () => undefined);`,
  },
  {
    mistake: "a schedule that is to overlap with itself",
    wrong: `every("1d", "clean-up", { concurrency: 2 }, () => undefined);`,
    says: /'concurrency' does not exist in type 'ScheduleOptions'/,
    right: `every("1d", "clean-up", { deadline: "5m" }, () => undefined);`,
  },
  {
    mistake: "a trigger that counts on a table which the service lacks",
    wrong: `service(stock, { handlers: stockHandlers, triggers: [every("1d", "clean-up", ({ db }) => db.deleteFrom("things").execute())] });`,
    says: /Property 'things' is missing in type 'NoTables'/,
    right: `service(stock, { tables: thingTables, migrations: new URL("file:///"), handlers: stockHandlers, triggers: [every("1d", "clean-up", ({ db }) => db.deleteFrom("things").execute())] });`,
  },
  {
    mistake: "a trigger that counts on a setting which the service lacks",
    wrong: `service(stock, { ...rows, config: z.object({ OTHER: z.string() }), triggers: [reactions(thingTables, Config).every("1d", "clean-up", ({ config }) => config.DAYS.toFixed())] });`,
    says: /Property 'DAYS' is missing in type/,
    right: `service(stock, { ...rows, config: Config, triggers: [reactions(thingTables, Config).every("1d", "clean-up", ({ config }) => config.DAYS.toFixed()), every("1d", "other", () => undefined)] });`,
  },
  {
    mistake: "a watched table that the service lacks",
    wrong: `onChange("thing", "note", () => undefined);`,
    says: /'"thing"' is not assignable to parameter of type '"things"'/,
    right: `onChange("things", "note", () => undefined);`,
  },
  {
    mistake: "a watched column that the table lacks",
    wrong: `onChange("things", "note", { columns: ["title"] }, () => undefined);`,
    says: /Type '"title"' is not assignable to type '"id" \| "name"'/,
    right: `onChange("things", "note", { columns: ["name"] }, () => undefined);`,
  },
  {
    mistake: "a change whose row is taken for granted",
    wrong: `onChange("things", "note", ({ before }) => before.name);`,
    says: /'before' is possibly 'undefined'/,
    right: `onChange("things", "note", ({ before, key }) => before?.name ?? key.id);`,
  },
  {
    mistake: "a webhook that tells something else than its event",
    wrong: `webhook(told.happened, { path: "/hooks", verify, read: () => ({ id: 5 }) });`,
    says: /Type 'number' is not assignable to type 'string'/,
    right: `webhook(told.happened, { path: "/hooks", verify, read: ({ body }) => (body === null ? undefined : { id: String(body) }) });`,
  },
  {
    mistake: "a webhook that trusts the body",
    wrong: `webhook(told.happened, { path: "/hooks", verify, read: ({ body }) => ({ id: body.id }) });`,
    says: /'body' is of type 'unknown'/,
    right: `webhook(told.happened, { path: "/hooks", verify, read: ({ body }) => Key.parse(body) });`,
  },
  {
    mistake: "a webhook without a signature",
    wrong: `webhook(told.happened, { path: "/hooks", read: () => undefined });`,
    says: /Property 'verify' is missing in type/,
    right: `webhook(told.happened, { path: "/hooks", verify, read: () => undefined });`,
  },
];

/** Before every proof; unused names are no error here. */
const imports = `
import { calledBy, command, contract, event, outcome, query, reactions, scope, service, stream, table, upcast } from "tenon";
import { standardWebhook } from "tenon/webhooks";
import * as z from "zod";
const Key = z.object({ id: z.uuid() });
const Thing = z.object({ id: z.uuid(), name: z.string() });
`;
const shop = `
const stock = contract("stock", {
  reserve: command({
    access: "signed-in", input: z.object({ sku: z.string(), count: z.int().default(1) }), output: z.object({ left: z.int() }),
    errors: { OutOfStock: { status: 409, data: z.object({ sku: z.string() }) } },
  }),
  ping: query({ access: "public" }),
});
const things = contract("things", {
  get: query({
    http: "GET /things/{id}", access: "public", input: Key, output: Thing,
    errors: { NotFound: { status: 404 }, Taken: { status: 409, data: z.object({ by: z.string() }) } },
  }),
  watch: query({ access: "public", output: stream(Thing) }),
  drop: command({ access: "public", input: Key }),
  sold: event({ data: Key, key: "id" }),
  lost: event({ data: z.object({ where: z.string() }) }),
});
const withParts = { tables: { parts: table({ id: z.string() }, { key: "id" }) }, migrations: new URL("migrations/", import.meta.url) };
const work = reactions(withParts.tables);
const idle = work.workflow("idle", {}, async () => {});
const buy = work.workflow("buy", { input: Key, output: Thing, errors: { Gone: { status: 409 } } }, async () => ({ id: "", name: "" }));
const Days = z.object({ DAYS: z.int() });
const set = reactions(withParts.tables, Days).workflow("set", {}, async (flow) => void (await flow.step("a", ({ config }) => config.DAYS.toFixed())));
const thing = { id: "", name: "" };
const get = async () => thing;
const drop = async () => {};
async function* watch() { yield thing; }
const thingTables = { things: table(Thing.shape, { key: "id" }) };
const { every, onChange, webhook } = reactions(thingTables);
const told = contract("told", { happened: event({ data: Key }) });
const verify = () => standardWebhook({ secret: "" });
const stockHandlers = { reserve: async () => ({ left: 1 }), ping: async () => {} };
const rows = { tables: thingTables, migrations: new URL("file:///"), handlers: stockHandlers };
const Config = z.object({ DAYS: z.int() });
`;

const repository = fileURLToPath(new URL("../../../..", import.meta.url));
const proofs = [...contractProofs, ...serviceProofs, ...triggerProofs, ...workflowProofs];
let folder = "";
/** What the compiler says, by file: the first line of each error and what is indented under it. */
const saidOf = new Map<string, string>();

before(async () => {
  await mkdir(join(repository, ".tenon"), { recursive: true });
  folder = await mkdtemp(join(repository, ".tenon", "proofs-")); // in the tree, so that packages are found; git ignores it
  const options = { noEmit: true, declaration: true, allowImportingTsExtensions: true, rewriteRelativeImportExtensions: false };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ extends: join(repository, "tsconfig.base.json"), compilerOptions: options, include: ["*.ts"] }));
  await Promise.all(proofs.flatMap(({ wrong, right }, index) => [
    writeFile(join(folder, `${index}-wrong.ts`), `${imports}${shop}export const proof = ${wrong}\n`),
    writeFile(join(folder, `${index}-right.ts`), `${imports}${shop}export const proof = ${right}\n`),
  ]));
  const compiler = [join(repository, "node_modules/typescript/bin/tsc"), "-p", ".", "--pretty", "false"];
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, compiler, { cwd: folder, maxBuffer: 16 * 1024 * 1024 }, (_failed, stdout) => resolve(stdout)); // it fails: that is the point
  });
  for (const error of output.split(/\n(?=\S)/)) {
    const file = /^(\d+-(?:wrong|right)\.ts)\(/.exec(error)?.[1];
    if (file !== undefined) saidOf.set(file, `${saidOf.get(file) ?? ""}${error}\n`);
  }
});

after(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("the compiler refuses, in words that a person understands,", () => {
  proofs.forEach(({ mistake, says }, index) => {
    test(mistake, () => {
      assert.match(saidOf.get(`${index}-wrong.ts`) ?? "it compiles", says);
      assert.equal(saidOf.get(`${index}-right.ts`), undefined, "put right, it compiles");
    });
  });
});
