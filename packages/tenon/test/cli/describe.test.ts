/** `tenon describe`: the contracts of an app for people, for programs, as OpenAPI and as AsyncAPI. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { greeterFiles } from "./projects.ts";
import { Project } from "./tenon-process.ts";

const variety = `import { app, calledBy, command, contract, event, query, role, scope, service } from "tenon";
import * as z from "zod";

const orders = contract("orders", {
  get: query({ http: "GET /orders/{id}", access: { anyOf: [scope("orders:read"), role("admin")] }, input: z.object({ id: z.uuid() }), output: z.object({ id: z.uuid() }), deadline: "2s" }),
  drop: command({ http: "DELETE /orders/{id}", access: { allOf: ["signed-in", { predicate: "own order", allows: () => true }] }, input: z.object({ id: z.uuid() }), deprecated: { since: "1.1.0" } }),
  settle: command({ access: calledBy("payments"), input: z.object({ id: z.uuid() }) }),
  placed: event({ data: z.object({ id: z.uuid() }), key: "id" }),
  dropped: event({ data: z.object({ id: z.uuid() }), version: 2, deprecated: { since: "1.2.0" } }),
}, { version: "1.2.0", description: "What was bought." });

const nothing = (): never => { throw new TypeError("never called"); };
export default app("shop", { services: [service(orders, { handlers: { get: nothing, drop: nothing, settle: nothing } })] });
`;

describe("describe", () => {
  test("shows each operation with its route, who may call it and its deadline, and each event", async () => {
    await using project = await Project.create({ "app.ts": variety });
    const { code, stderr, stdout } = await project.tenon(["describe"]);
    assert.equal(stderr, "");
    assert.equal(code, 0);
    assert.match(stdout, /^shop: 1 service, 3 operations\n\norders 1\.2\.0 {2}What was bought\.\n/);
    assert.match(stdout, /get +query +GET +\/orders\/\{id\} +scope orders:read or role admin +within 2s\n/);
    assert.match(stdout, /drop +command +DELETE +\/orders\/\{id\} +signed in and own order +within 10s +deprecated since 1\.1\.0\n/);
    assert.match(stdout, /settle +command +\(between services\) +called by payments +within 10s\n/);
    assert.match(stdout, /placed +event +ordered by id\n/);
    assert.match(stdout, /dropped +event +version 2 +deprecated since 1\.2\.0\n/);
  });

  test("gives the whole contracts to programs", async () => {
    await using project = await Project.create({ "app.ts": variety });
    const answer = JSON.parse((await project.tenon(["describe", "--json"])).stdout) as { readonly app: string; readonly contracts: readonly { readonly tenon: number; readonly operations: readonly { readonly id: string }[] }[] };
    assert.equal(answer.app, "shop");
    assert.equal(answer.contracts[0]?.tenon, 1);
    assert.deepEqual(answer.contracts[0]?.operations.map(({ id }) => id), ["orders.get", "orders.drop", "orders.settle"]);
  });

  test("gives the OpenAPI document, with or without --json", async () => {
    await using project = await Project.create(greeterFiles());
    const documents = await Promise.all([["--openapi"], ["--openapi", "--json"]].map(async (args) => JSON.parse((await project.tenon(["describe", ...args])).stdout) as { readonly openapi: string; readonly paths: object }));
    assert.match(documents[0]?.openapi ?? "", /^3\.1/);
    assert.deepEqual(Object.keys(documents[0]?.paths ?? {}), ["/greet/{name}", "/whoami", "/slow"]);
    assert.deepEqual(documents[1], documents[0]);
  });

  test("gives the AsyncAPI document, with or without --json, and one document at a time", async () => {
    await using project = await Project.create({ "app.ts": variety });
    const documents = await Promise.all([["--asyncapi"], ["--asyncapi", "--json"]].map(async (args) => JSON.parse((await project.tenon(["describe", ...args])).stdout) as { readonly asyncapi: string; readonly channels: object }));
    assert.equal(documents[0]?.asyncapi, "3.0.0");
    assert.deepEqual(Object.keys(documents[0]?.channels ?? {}), ["orders.placed", "orders.dropped"]);
    assert.deepEqual(documents[1], documents[0]);
    const both = await project.tenon(["describe", "--asyncapi", "--openapi"]);
    assert.equal(both.code, 2);
    assert.match(both.stderr, /--openapi and --asyncapi are two documents/);
  });
});
