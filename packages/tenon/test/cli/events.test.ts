/** `tenon events`, the whole of it as an operator uses it, on the embedded database and on PostgreSQL. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createTestDatabase } from "../../src/postgres/index.ts";
import { serverUrl, skip as serverSkip } from "../data/server.ts";
import { greeterFiles, paidFiles } from "./projects.ts";
import { type Finished, freePort, Project, TenonProcess } from "./tenon-process.ts";

interface Deployment {
  readonly env: Readonly<Record<string, string>>;
  drop(): Promise<void>;
}

const deployments: readonly { readonly name: string; readonly skip: string | false; readonly open: () => Promise<Deployment> }[] = [
  { name: "pglite", skip: false, open: async () => ({ env: {}, drop: async () => undefined }) },
  {
    name: "postgres",
    skip: serverSkip,
    async open() {
      const made = await createTestDatabase(serverUrl);
      return { env: { DATABASE_URL: made.url }, drop: () => made.drop() };
    },
  },
];

interface Letter {
  readonly letter: string;
  readonly attempts: number;
  readonly error: string;
  readonly state: string;
  readonly reason: string | null;
  readonly event: { readonly id: string; readonly key: string; readonly data: unknown; readonly trace: string };
}

for (const { name, open, skip } of deployments) {
  describe(`events on ${name}`, { skip }, () => {
    let project: Project;
    let deployment: Deployment;

    before(async () => {
      deployment = await open();
      project = await Project.create(paidFiles());
    });
    after(async () => {
      await project?.[Symbol.asyncDispose]();
      await deployment?.drop();
    });

    const events = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> => project.command(["events", ...args], { ...deployment.env, ...env });
    /** Where it counts that it is a process: who is asked at a terminal, and what handlers say on standard error. */
    const program = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> => project.tenon(["events", ...args], { ...deployment.env, ...env });
    async function json<T>(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<T> {
      const { code, stderr, stdout } = await events([...args, "--json"], env);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout) as T;
    }
    const letters = async (...args: readonly string[]): Promise<readonly Letter[]> => (await json<{ readonly letters: readonly Letter[] }>(["dead", ...args])).letters;

    /** Runs the app while `task` does something with it, and then until its deliveries are as wanted. */
    async function whileRunning(task: (url: string) => Promise<void>, env: Readonly<Record<string, string>> = {}): Promise<void> {
      const port = String(await freePort());
      await using app = new TenonProcess(["start", "--json", "--migrate"], { cwd: project.directory, env: { TENON_MODE: "development", PORT: port, ...deployment.env, ...env } });
      await app.nextEvent({ level: "info", services: "payments,orders" });
      await task(`http://127.0.0.1:${port}`);
      app.signal("SIGTERM");
      assert.equal((await app.ended()).code, 0);
    }
    async function capture(url: string, order: string, cents: number): Promise<void> {
      const answer = await fetch(`${url}/captures`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ order, cents, payer: "Ann" }) });
      assert.equal(answer.status, 204);
    }
    async function paid(url: string, wanted: readonly string[]): Promise<void> {
      for (const endMs = performance.now() + 15_000; ; ) {
        const { ids } = (await (await fetch(`${url}/orders`)).json()) as { readonly ids: readonly string[] };
        if (ids.length >= wanted.length || performance.now() > endMs) {
          assert.deepEqual(ids, wanted);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }

    // Nothing of these depends on the engine, and the embedded one takes a second to open, in every command.
    const onServer = { skip: name === "pglite" && serverSkip === false ? "tried on PostgreSQL" : false };

    test("before migrations it says what is missing", async () => {
      const { code, stderr } = await program(["list"]);
      assert.equal(code, 1);
      assert.match(stderr, /^error: the database is behind: payments\/0001_none\.sql, orders\/0001_orders\.sql\n {2}→ tenon migrate/);
    });

    test("what failed is found, with where everything is", async () => {
      await whileRunning(async (url) => {
        await capture(url, "a", 100);
        await capture(url, "b", -1);
        await capture(url, "b", 200);
        await capture(url, "c", 300);
        await paid(url, ["a", "c"]);
      });
      const { stdout: list } = await events(["list", "payments"]);
      assert.match(list, /^POSITION +TIME +TYPE +KEY +ID\n4 +\d{4}-\S+Z +payments\.captured +c +[0-9a-f-]{36}\n3 /);
      const { events: listed, next } = await json<{ readonly events: readonly { readonly id: string; readonly position: number; readonly data: unknown }[]; readonly next: string | null }>(["list", "payments", "--limit", "2"]);
      assert.deepEqual(listed.map(({ position }) => position), [4, 3]);
      assert.deepEqual(listed[0]?.data, { order: "c", cents: 300, payer: "[personal]" });
      assert.equal(next, "--before 3");

      const { stdout: lag } = await events(["lag", "orders"]);
      assert.match(lag, /^orders\n {2}outbox: empty\n {2}delivered by: .*\n {2}SUBSCRIPTION +READY +WAITING +BEHIND +TIMERS +DEAD +OLDEST\n {2}mark-paid +0 +0 +1 +0 +1 +\d+ m?s/);
      const [letter] = await letters();
      assert.deepEqual([letter?.attempts, letter?.state, letter?.event.key, letter?.event.data], [1, "dead", "b", { order: "b", cents: -1, payer: "[personal]" }]);
      assert.match(letter?.error ?? "", /^RangeError: a payment of less than nothing\n\s+at .*orders\/service\.ts/);
      const { stdout: table } = await events(["dead"]);
      assert.match(table, /^LETTER +DIED +SUBSCRIPTION +EVENT +KEY +ATTEMPTS +ERROR\norders\/1 +\S+ +mark-paid +payments\.captured +b +1 +RangeError: a payment of less than nothing\n$/);
      const { stdout: whole } = await events(["dead", "orders/1", "--reveal"]);
      assert.match(whole, /^orders\/1 payments\.captured\n[\s\S]*after 1 attempt\n[\s\S]*error\n {2}RangeError[\s\S]*"payer": "Ann"/);

      const { stdout: shown } = await events(["show", letter?.event.id.slice(0, 20) ?? ""]);
      assert.match(shown, /place +in the history of payments, position 2\n/);
      assert.match(shown, /orders\/mark-paid +dead after 1 attempt, as orders\/1: RangeError/);
      assert.match(shown, /"payer": "\[personal\]"/);
      const { stdout: done } = await events(["show", listed[0]?.id ?? ""]);
      assert.match(done, /orders\/mark-paid +done/);
      const { stdout: behind } = await events(["show", listed[1]?.id ?? ""]);
      assert.match(behind, /orders\/mark-paid +behind an earlier one of its key/);
    });

    test("a dry run shows how it fails, and with the handler mended what it would do, and keeps nothing", async () => {
      const failing = await program(["try", "orders/1"]);
      assert.equal(failing.code, 1);
      assert.match(failing.stdout, /nothing was kept\n\npayments\.captured \S+\n {2}fails: RangeError: a payment of less than nothing/);
      for (let round = 0; round < 2; round++) {
        const { code, stderr, stdout } = await program(["try", "orders/1"], { ORDERS_MENDED: "yes" });
        assert.deepEqual([code, stderr], [0, ""]);
        assert.match(stdout, /\n {2}\+ paid_orders id="b" inserted\n {6}cents: -1\n {6}payer: "\[personal\]"\n {2}emits orders\.paid\n {6}\{\n {8}"order": "b"/);
      }
      const { trials } = await json<{ readonly trials: readonly { readonly outcome: string; readonly changes: readonly unknown[]; readonly emitted: readonly unknown[] }[] }>(["try", "mark-paid", "--from", "1", "--to", "2", "--reveal"], { ORDERS_MENDED: "yes" });
      assert.deepEqual(trials.map(({ changes, outcome }) => ({ outcome, changes })), [
        { outcome: "done", changes: [{ table: "paid_orders", change: "updated", key: { id: "a" }, before: { id: "a", cents: 100, payer: "Ann" }, after: { id: "a", cents: 100, payer: "Ann" } }] },
        { outcome: "done", changes: [{ table: "paid_orders", change: "inserted", key: { id: "b" }, before: null, after: { id: "b", cents: -1, payer: "Ann" } }] },
      ]);
      assert.equal((await letters()).length, 1);
    });

    test("what is retried comes first of its key, also when nobody says yes at a terminal", async () => {
      const unasked = await program(["retry", "orders/1"]);
      assert.equal(unasked.code, 2);
      assert.match(unasked.stderr, /^error: Retry 1 dead letter: orders\/mark-paid 1\? There is nobody to ask/);
      assert.deepEqual(await json(["retry", "orders/1", "--yes"]), { retried: 1, leftOut: [] });
      assert.equal((await events(["dead"])).stdout, "there is no dead letter: nothing was given up\n");
      await whileRunning((url) => paid(url, ["a", "b", "c"]), { ORDERS_MENDED: "yes" });
      const { trials } = await json<{ readonly trials: readonly { readonly changes: readonly { readonly before: unknown }[] }[] }>(["try", "orders/mark-paid", "--from", "3", "--to", "3"]);
      assert.deepEqual(trials[0]?.changes[0]?.before, { id: "b", cents: 200, payer: "[personal]" }, "the later payment was applied last");
    });

    test("what is discarded is kept with its reason, and told to whoever asks for it", onServer, async () => {
      await whileRunning(async (url) => {
        await capture(url, "d", -5);
        await capture(url, "e", 5);
        await paid(url, ["a", "b", "c", "e"]);
      });
      const [letter] = await letters("orders");
      const noReason = await events(["discard", letter?.letter ?? "", "--yes"]);
      assert.equal(noReason.code, 2);
      assert.match(noReason.stderr, /^error: why is it discarded\?\n {2}→ .*--reason/);
      assert.deepEqual(await json(["discard", "--all", "--reason", "a test order", "--yes"]), { discarded: 1, reason: "a test order" });
      assert.deepEqual((await letters("--discarded")).map(({ reason, state }) => ({ reason, state })), [{ state: "discarded", reason: "a test order" }]);
      const again = await events(["retry", letter?.letter ?? "", "--yes"]);
      assert.equal(again.code, 1);
      assert.match(again.stderr, /^error: orders\/2 was discarded at .*: a test order/);
      const none = await events(["retry", "--all", "--yes"]);
      assert.match(none.stderr, /^error: there is no dead letter at all/);
    });

    test("a part of the history is delivered once more", onServer, async () => {
      await whileRunning(async (url) => {
        await capture(url, "limited", 1);
        await paid(url, ["a", "b", "c", "e", "limited"]);
      });
      assert.deepEqual(await json(["replay", "orders/mark-paid", "--from", "1", "--to", "4", "--key", "a", "--yes"]), {
        subscription: "orders/mark-paid",
        replayed: 1,
        position: 1,
        isComplete: true,
        leftOut: 0,
      });
      const { services } = await json<{ readonly services: readonly { readonly subscriptions: readonly { readonly ready: { readonly count: number } }[] }[] }>(["lag", "orders"]);
      assert.equal(services[0]?.subscriptions[0]?.ready.count, 1);
      const one = await events(["replay", "mark-paid", "--event", (await json<{ readonly events: readonly { readonly id: string }[] }>(["list", "payments", "--oldest-first", "--limit", "1"])).events[0]?.id ?? "", "--yes"]);
      assert.equal(one.stdout, "1 event put into the inbox of orders/mark-paid\n");
    });

    test("a handler that calls another service is stopped there", onServer, async () => {
      const { code, stdout } = await events(["try", "orders/mark-paid", "--from", "1h", "--key", "limited"]);
      assert.equal(code, 0);
      assert.match(stdout, /\n {2}stopped: it calls payments\.limit, which a dry run does not; .*\n {4}\{\n {6}"order": "limited",\n {6}"payer": "\[personal\]"/);
    });

    test("wrong input is answered by what to do", onServer, async () => {
      const cases: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
        [["list", "paymets"], 2, /^error: there is no service "paymets" in the app\n {2}→ did you mean payments\?\n {2}→ there are payments, orders\n$/],
        [["list", "--type", "payments.capturd"], 2, /there is no event "payments\.capturd" in the app\n {2}→ did you mean payments\.captured\?/],
        [["list", "payments", "--from", "yesterday"], 2, /--from yesterday is no point in time and no position\n {2}→ a time \(/],
        [["list", "payments", "--from", "2026-02-30"], 2, /is no point in time/],
        [["list", "payments", "--limit", "0"], 2, /--limit 0 is not a number from 1 to 1000/],
        [["list", "--before", "3"], 2, /each service counts positions by itself/],
        [["show", "nonsense"], 2, /"nonsense" is not the id of an event/],
        [["show", "00000000-0000-7000"], 1, /there is no event 00000000-0000-7000\n/],
        [["show"], 2, /missing required argument 'id'/],
        [["dead", "orders/99"], 1, /there is no dead letter orders\/99\n/],
        [["dead", "orders/mark-payed"], 2, /there is no subscription "orders\/mark-payed" in the app\n {2}→ did you mean orders\/mark-paid\?/],
        [["retry"], 2, /which dead letters\?\n {2}→ name them/],
        [["retry", "--all", "orders/1"], 2, /stands alone/],
        [["try", "orders/mark-paid"], 2, /for which events\?/],
        [["try", "orders/99"], 1, /there is no dead letter orders\/99/],
        [["try", "orders/mark-paid", "--from", "1", "--timeout", "5"], 2, /--timeout 5 is not a length of time/],
        [["replay", "orders/mark-paid"], 2, /from where on\?/],
        [["replay", "mark-pai", "--from", "1"], 2, /there is no subscription "mark-pai" in the app/],
        [["replay", "mark-paid", "--from", "1", "--type", "payments.refunded"], 2, /orders\/mark-paid handles payments\.captured, and not payments\.refunded/],
        [["replay", "mark-paid", "--from", "2099-01-01", "--yes"], 1, /there is no event to replay to orders\/mark-paid/],
        [["lst"], 2, /unknown command 'lst'\n\(Did you mean list\?\)/],
      ];
      for (const [args, code, says] of cases) {
        const finished = await events(args);
        assert.equal(finished.code, code, `${args.join(" ")}: ${finished.stderr}`);
        assert.match(finished.stderr, says);
        assert.equal(finished.stdout, "");
        assert.doesNotMatch(finished.stderr, /\n\s+at /);
      }
      const { stdout } = await events(["show", "nonsense", "--json"]);
      assert.match((JSON.parse(stdout) as { readonly error: { readonly problem: string } }).error.problem, /is not the id of an event/);
    });

    test("an event of a discarded version, or of a type that is not wanted any more, is told of and not delivered", onServer, async () => {
      const contractFile = paidFiles()["payments/contract.ts"] ?? "";
      await project.write({ "payments/contract.ts": contractFile.replace("version: 2", "version: 3") });
      const range = await events(["replay", "mark-paid", "--from", "1", "--yes"]);
      assert.equal(range.code, 1);
      assert.match(range.stderr, /^warning: 7 events are left out: payments\.captured below version 3 is discarded, and nothing can read it any more\nerror: there is no event to replay/);
      const { events: listed } = await json<{ readonly events: readonly { readonly id: string; readonly data: unknown }[] }>(["list", "payments", "--limit", "1"]);
      assert.equal(listed[0]?.data, "[not shown]", "nobody knows what is classified in it");
      const one = await events(["replay", "mark-paid", "--event", listed[0]?.id ?? "", "--yes"]);
      assert.equal(one.code, 1);
      assert.match(one.stderr, /cannot be replayed: payments\.captured version 2 is discarded: the oldest version that can still be read is 3\n {2}→ give the contract an upcast for version 2/);
      const tried = await events(["try", "mark-paid", "--event", listed[0]?.id ?? ""]);
      assert.match(tried.stderr, /cannot be tried: payments\.captured version 2 is discarded/);
      // Those in the inbox die of it at once, however many attempts they have.
      await whileRunning(async (url) => {
        await capture(url, "z", 1);
        await paid(url, ["a", "b", "c", "e", "limited", "z"]);
      });
      const [letter] = await letters();
      assert.match(letter?.error ?? "", /^GivenUp: payments\.captured version 2 is discarded/);
      const retried = await events(["retry", "--all", "--yes"]);
      assert.equal(retried.code, 1);
      assert.match(retried.stderr, /^warning: left where .*: payments\.captured version 2 is discarded: .*\nerror: none of them can be delivered any more\n {2}→ discard them/);
      await project.write({ "payments/contract.ts": contractFile });

      const other = (paidFiles()["orders/service.ts"] ?? "").replace("payments.captured", "payments.refunded").replace(/async \(\{ call, config[\s\S]*?\n {4}\}\),/, "() => undefined),");
      await project.write({ "orders/service.ts": other });
      const unwanted = await events(["retry", "orders", "--yes"]);
      assert.match(unwanted.stderr, /orders\/mark-paid handles payments\.refunded, and not payments\.captured/);
      await project.write({ "orders/service.ts": other.replace('"mark-paid"', '"mark-refunded"') });
      const gone = await events(["retry", "orders/mark-paid", "--yes"]);
      assert.match(gone.stderr, /orders has no subscription "mark-paid" any more, so nobody would deliver it/);
      assert.match((await events(["lag", "orders"])).stdout, /mark-paid \(not in the app: nobody delivers it\)/);
      await project.write(paidFiles());
    });

    test("the running app has the database, and is told of what an operator does", { timeout: 60_000 }, async () => {
      await events(["discard", "--all", "--reason", "so that it starts clean", "--yes"]);
      await whileRunning(async (url) => {
        await capture(url, "f", -1);
        await capture(url, "f", 7);
        if (name === "pglite") {
          const { code, stderr } = await events(["list"]);
          assert.equal(code, 1);
          assert.match(stderr, /^error: the embedded database is in use by process \d+, which is probably tenon dev: \.tenon\/database\n {2}→ stop it, and run this again/);
          return;
        }
        while ((await letters()).length === 0);
        await events(["discard", "orders", "--reason", "a test", "--yes"]);
        await paid(url, ["a", "b", "c", "e", "f", "limited", "z"]); // without a restart
      });
    });
  });
}

describe("events", () => {
  test("alone explains itself, and each command has its help", async () => {
    await using project = await Project.create();
    const { code, stdout } = await project.tenon(["events"]);
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: tenon events <command>\n\nAn event leaves its service by the outbox/);
    for (const command of ["list", "show", "lag", "dead", "try", "retry", "discard", "replay"]) {
      assert.match(stdout, new RegExp(`\\n {2}${command} `));
      const help = await project.command(["events", command, "--help"]);
      assert.equal(help.code, 0);
      assert.match(help.stdout, new RegExp(`^Usage: tenon events ${command} .*\\n[\\s\\S]*--json[\\s\\S]*\\nExamples:\\n {2}tenon events ${command}`));
    }
  });

  test("of an app without a database are none, and a database out of reach is told", async () => {
    await using project = await Project.create(greeterFiles());
    const { code, stderr } = await project.tenon(["events", "lag"]);
    assert.equal(code, 1);
    assert.match(stderr, /^error: no service of greetings has a database, so there are no events\n/);
    await project.write(paidFiles());
    const away = await project.tenon(["events", "lag"], { DATABASE_URL: `postgres://nobody:secret@127.0.0.1:${await freePort()}/none` });
    assert.equal(away.code, 1);
    assert.match(away.stderr, /^error: the database is out of reach: .*ECONNREFUSED.*\n {2}→ check that DATABASE_URL \(postgresql 127\.0\.0\.1:\d+\/none\)/);
    assert.doesNotMatch(away.stderr, /secret/);
  });
});
