/** `tenon access`: the matrix of rights, the file that it is agreed on in, and why somebody is let in. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Project } from "./tenon-process.ts";

const appWith = (dropAccess: string): string => `import { app, calledBy, command, contract, query, role, scope, service } from "tenon";
import * as z from "zod";

const ById = z.object({ id: z.string() });
const orders = contract("orders", {
  get: query({ http: "GET /orders/{id}", access: { anyOf: [role("admin"), { allOf: ["signed-in", { predicate: "own order", allows: ({ caller, input }) => input.id === caller.subject }] }] }, input: ById, output: ById }),
  drop: command({ http: "DELETE /orders/{id}", access: ${dropAccess}, input: ById }),
  settle: command({ access: calledBy("payments"), input: ById }),
  browse: query({ http: "GET /orders", access: "public", output: ById }),
  sweep: command({ access: { allOf: [scope("orders:write"), role("admin")] } }),
});
const nothing = (): never => { throw new TypeError("never called"); };
export default app("shop", { services: [service(orders, { handlers: { get: nothing, drop: nothing, settle: nothing, browse: nothing, sweep: nothing } })] });
`;
const agreed = appWith('role("admin")');

describe("access", () => {
  test("shows each operation with the kinds of callers that rules tell apart", async () => {
    await using project = await Project.create({ "app.ts": agreed });
    const { code, stderr, stdout } = await project.tenon(["access"]);
    assert.equal(stderr, "");
    assert.equal(code, 0);
    assert.match(stdout, /^shop: 5 operations\n +OPERATION +ANYBODY +SIGNED IN +ROLE ADMIN +ROLE ADMIN AND SCOPE ORDERS:WRITE +SERVICE PAYMENTS\n/);
    assert.match(stdout, /orders\.get +- +if own order +yes +yes +-\n/);
    assert.match(stdout, /orders\.settle +- +- +- +- +yes\n/);
    assert.match(stdout, /orders\.browse +yes +yes +yes +yes +yes\n/);
    assert.match(stdout, /orders\.sweep +- +- +- +yes +-/);
    const data = JSON.parse((await project.command(["access", "--json"])).stdout) as { readonly operations: object };
    assert.deepEqual(data.operations, {
      "orders.browse": { anybody: "yes", "signed in": "yes", "role admin": "yes", "role admin and scope orders:write": "yes", "service payments": "yes" },
      "orders.drop": { "role admin": "yes", "role admin and scope orders:write": "yes" },
      "orders.get": { "signed in": "if own order", "role admin": "yes", "role admin and scope orders:write": "yes" },
      "orders.settle": { "service payments": "yes" },
      "orders.sweep": { "role admin and scope orders:write": "yes" },
    });
  });

  test("keeps what was agreed in a file, and tells what is not so any more; so does check", async () => {
    await using project = await Project.create({ "app.ts": agreed });
    const before = await project.command(["access", "--check"]);
    assert.equal(before.code, 1);
    assert.match(before.stderr, /there is no access\.json to compare with/);
    assert.equal((await project.command(["access", "--write"])).code, 0);
    assert.ok((await readFile(join(project.directory, "access.json"), "utf8")).endsWith("}\n"));
    assert.equal((await project.command(["access", "--check"])).code, 0);
    await project.write({ "app.ts": appWith('"signed-in"') });
    const after = await project.command(["access", "--check"]);
    assert.equal(after.code, 1);
    assert.match(after.stdout, /orders\.drop: signed in was "no", and is "yes"\n/);
    const checked = await project.command(["check"]);
    assert.equal(checked.code, 1);
    assert.match(checked.stdout, /access\.json: orders\.drop: signed in was "no", and is "yes"/);
    await project.write({ "access.json": "{}" });
    assert.match((await project.command(["access", "--check"])).stderr, /access\.json is no matrix of rights/);
  });

  test("says why somebody is let in, or what is missing", async () => {
    await using project = await Project.create({ "app.ts": agreed });
    const refused = await project.command(["access", "why", "orders.get", "--as", "ada", "--input", '{"id":"ben"}']);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /orders\.get refuses ada: it needs the role admin or "own order"\n {2}✗ any of\n {4}✗ role admin\n {4}✗ all of\n {6}✓ signed in\n {6}✗ predicate own order/);
    const granted = await project.command(["access", "why", "--as", "ada", "orders.get", "--input", '{"id":"ada"}', "--json"]);
    assert.equal(granted.code, 0);
    const { by, granted: isGranted } = JSON.parse(granted.stdout) as { readonly by: string; readonly granted: boolean };
    assert.deepEqual({ by, isGranted }, { by: "signed-in and own order", isGranted: true });
    assert.match((await project.command(["access", "why", "orders.settle", "--from", "payments"])).stdout, /orders\.settle lets in nobody in particular, called by payments: the calling service/);
    const wrong = await project.command(["access", "why", "orders.gett"]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /there is no operation orders\.gett\n {2}→ did you mean orders\.get\?/);
    assert.equal((await project.command(["access", "why", "orders.get", "--scope", "a:b"])).code, 2);
    assert.equal((await project.command(["access", "why", "orders.get", "--as", "ada", "--related", "owner"])).code, 2);
  });
});
