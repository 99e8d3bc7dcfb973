/** A service that calls another one cannot tell where that one runs: the same tests, in one process and over the network. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startApp, type StartedApp, systemClock } from "../../src/app/index.ts";
import { openDevelopmentIssuer } from "../../src/oidc/index.ts";
import spread from "./spread-services.ts";

interface Placed {
  /** Where `desk` is reached. */
  readonly url: string;
  tokenFor(caller: { readonly subject: string; readonly scopes?: readonly string[]; readonly roles?: readonly string[]; readonly claims?: Readonly<Record<string, unknown>> }): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function start(directory: string, values: Readonly<Record<string, string>>): Promise<StartedApp> {
  return await startApp(spread, { layers: [{ name: "test", values: { TENON_DIRECTORY: directory, PORT: "0", HOST: "127.0.0.1", SERVICES_PORT: "0", LOG_LEVEL: "error", DRAIN_MS: "1000", ...values } }], output: { isTerminal: false, hasColors: false, fd: 2 } });
}

async function place(where: "in one process" | "apart"): Promise<Placed> {
  const directory = await mkdtemp(join(tmpdir(), "tenon-placement-"));
  const running: StartedApp[] = [];
  if (where === "in one process") running.push(await start(directory, {}));
  else {
    const stock = await start(directory, { SERVICES_ONLY: "stock" });
    running.push(await start(directory, { SERVICES_ONLY: "desk", SERVICE_URLS: `stock=https://127.0.0.1:${stock.servicesPort}` }), stock);
  }
  const issuer = await openDevelopmentIssuer({ directory, clock: systemClock });
  return {
    url: running[0]?.url ?? "",
    tokenFor: (caller) => issuer.sign({ scopes: [], roles: [], claims: {}, expiresInS: 60, ...caller }),
    async [Symbol.asyncDispose]() {
      for (const app of running) await app.stop();
      await rm(directory, { recursive: true });
    },
  };
}

for (const where of ["in one process", "apart"] as const) {
  describe(`two services ${where}`, () => {
    let placed: Placed;
    before(async () => {
      placed = await place(where);
    });
    after(() => placed[Symbol.asyncDispose]());

    async function send(path: string, init: RequestInit): Promise<unknown> {
      const response = await fetch(`${placed.url}${path}`, init);
      return await response.json();
    }
    async function ask(what: string, more: { readonly input?: unknown; readonly timeoutMs?: number; readonly token?: string; readonly key?: string } = {}): Promise<unknown> {
      const { input, key, timeoutMs, token } = more;
      return await send("/ask", {
        method: "POST",
        headers: { "content-type": "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(key === undefined ? {} : { "idempotency-key": key }) },
        body: JSON.stringify({ what, ...(input === undefined ? {} : { input }), ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
      });
    }
    function failure(code: string, status: number, operation: string, more: object = {}): object {
      return { failure: { failed: code, code, status, operation, details: [], ...more } };
    }

    test("the person travels with the call, with the rights that the operation asks for and no others", async () => {
      const token = await placed.tokenFor({ subject: "ada", scopes: ["stock:read", "stock:write"], roles: ["clerk", "admin"], claims: { team: "red" } });
      assert.deepEqual(await ask("whoami", { token }), {
        value: { kind: "person", subject: "ada", issuer: "urn:tenon:development", scopes: ["stock:read"], roles: ["clerk"], actors: ["desk"], team: "red" },
      });
    });

    test("nobody is nobody there too", async () => {
      assert.deepEqual(await ask("whoami"), { value: { kind: "anonymous", subject: "", issuer: "", scopes: [], roles: [], actors: [] } });
    });

    test("a right that the person lacks is missing there", async () => {
      const token = await placed.tokenFor({ subject: "ada", scopes: ["stock:write"] });
      assert.deepEqual(await ask("scoped", { token }), failure("permission_denied", 403, "stock.scoped", { message: "stock.scoped needs the scope stock:read" }));
      assert.deepEqual(await ask("scoped"), failure("unauthenticated", 401, "stock.scoped", { message: "stock.scoped needs a bearer token" }));
      assert.deepEqual(await ask("scoped", { token: await placed.tokenFor({ subject: "ada", scopes: ["stock:read"] }) }), { value: "in" });
    });

    test("rules of one's own see the claims", async () => {
      const token = await placed.tokenFor({ subject: "ada", claims: { team: "red" } });
      assert.deepEqual(await ask("own", { token, input: { team: "red" } }), { value: "in" });
      assert.deepEqual(await ask("own", { token, input: { team: "blue" } }), failure("permission_denied", 403, "stock.own", { message: 'stock.own needs "own team"' }));
    });

    test("an operation for another service is not for this one", async () => {
      assert.deepEqual(await ask("forOthers"), failure("permission_denied", 403, "stock.forOthers", { message: "stock.forOthers needs a call from another service" }));
    });

    test("input is checked, and gets its defaults", async () => {
      assert.deepEqual(await ask("checked", { input: { count: 2, more: "goes" } }), { value: { count: 2, size: "m" } });
      const refused = (await ask("checked", { input: { count: 0 } })) as { readonly failure: { readonly failed: string; readonly details: readonly { readonly path: string }[] } };
      assert.equal(refused.failure.failed, "invalid_argument");
      assert.deepEqual(refused.failure.details.map(({ path }) => path), ["/count"]);
    });

    test("a declared failure comes whole", async () => {
      assert.deepEqual(await ask("take", { input: { sku: "none" } }), {
        failure: { failed: "OutOfStock", code: "conflict", status: 409, message: "there is none left", operation: "stock.take", data: { sku: "none", left: 0 }, details: [] },
      });
    });

    test("an answer without a value is none", async () => {
      assert.deepEqual(await ask("nothing"), {});
    });

    test("a bug there is a bug there, and tells nothing of itself", async () => {
      assert.deepEqual(await ask("buggy"), failure("internal", 500, "stock.buggy", { message: "internal error" }));
    });

    test("a repeated command does not repeat what it called", async () => {
      const first = await ask("take", { input: { sku: "a" }, key: "once-and-no-more" });
      assert.deepEqual(await ask("take", { input: { sku: "a" }, key: "once-and-no-more" }), first);
      const other = (await ask("take", { input: { sku: "a" } })) as { readonly value: { readonly number: number } };
      assert.equal(other.value.number, (first as typeof other).value.number + 1);
    });

    test("each command that is called has a key of its own", async () => {
      const { first, second } = (await send("/twice", { method: "POST" })) as Readonly<Record<string, { readonly key: string; readonly runs: number }>>;
      assert.notEqual(first?.key, second?.key);
      assert.deepEqual([first?.runs, second?.runs], [1, 1]);
    });

    test("the deadline shrinks on its way, and is the same one", async () => {
      const { value } = (await ask("waits")) as { readonly value: { readonly ms: number } };
      assert.ok(value.ms > 2_000 && value.ms <= 3_000, `${value.ms} ms of 3 s`);
      const shorter = (await ask("waits", { timeoutMs: 500 })) as { readonly value: { readonly ms: number } };
      assert.ok(shorter.value.ms > 100 && shorter.value.ms <= 500, `${shorter.value.ms} ms of 500 ms`);
      const late = (await ask("slow")) as { readonly failure: object };
      assert.deepEqual({ ...late.failure, message: "" }, { failed: "deadline_exceeded", code: "deadline_exceeded", status: 504, operation: "stock.slow", details: [], message: "" });
    });

    test("a caller that goes away, or whose time is over, ends the call there", async () => {
      async function canceled(): Promise<number> {
        return ((await ask("canceled")) as { readonly value: number }).value;
      }
      const before = await canceled();
      await assert.rejects(fetch(`${placed.url}/leave`, { signal: AbortSignal.timeout(100) }));
      for (let i = 0; i < 50 && (await canceled()) === before; i++) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(await canceled(), before + 1);
    });

    test("items come one by one, and a failure behind them in its place", async () => {
      assert.deepEqual(await send("/stream", {}), {
        items: [1, 2, 3],
        failure: { failed: "Broken", code: "unprocessable", status: 422, message: "Broken", details: [] },
      });
    });

    test("bytes come with their type and their name", async () => {
      assert.deepEqual(await send("/file", {}), { mediaType: "text/plain", fileName: "count ü.txt", text: "one two" });
    });
  });
}
