/** Receivers of alerts against real servers: what they send, what they try again, and what they keep to themselves. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { alertmanagerReceiver, slackReceiver, webhookReceiver } from "../../src/alerts/index.ts";
import { systemClock } from "../../src/app/index.ts";
import { standardWebhook } from "../../src/events/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import type { Alert, AlertNotification } from "../../src/objectives/index.ts";

interface Taken {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server that answers with one status after the other, the last one for ever, and keeps what it got. */
class Hook implements AsyncDisposable {
  readonly taken: Taken[] = [];
  readonly #server: Server;

  private constructor(statuses: readonly (number | "hang")[]) {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const status = statuses[Math.min(this.taken.length, statuses.length - 1)] ?? 200;
        this.taken.push({ path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks).toString() });
        if (status !== "hang") response.writeHead(status, status === 302 ? { location: "http://127.0.0.1:9/" } : {}).end("whatever");
      });
    });
  }

  static async open(...statuses: readonly (number | "hang")[]): Promise<Hook> {
    const hook = new Hook(statuses);
    await new Promise<void>((resolve) => hook.#server.listen(0, "127.0.0.1", resolve));
    return hook;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hooks/top-secret`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const nowMs = Date.now();
const outside = { fetch, clock: systemClock, random: () => 0 };

function alert(more: Partial<Alert> = {}): Alert {
  return {
    id: "orders.place/availability/page", target: "orders.place/availability", service: "orders", subject: "orders.place", indicator: "availability", severity: "page",
    state: "firing", sinceMs: nowMs - 20_000, firedAtMs: nowMs - 20_000, calmSinceMs: undefined, toldAtMs: undefined,
    summary: "orders.place: 10 % of calls fail over 1h (12 % over 5m), 100 times what its budget allows <&>", budgetLeft: 0.4567, ...more,
  };
}

function notification(alerts: readonly Alert[] = [alert()]): AlertNotification {
  return { id: "shop-orders-1", app: "shop", service: "orders", reason: "change", status: alerts.some(({ state }) => state === "firing") ? "firing" : "resolved", alerts, atMs: nowMs };
}

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

describe("the webhook", () => {
  test("is signed as Standard Webhooks, under the id of the notification", async () => {
    await using hook = await Hook.open(204);
    await webhookReceiver({ ...outside, url: hook.url, secret }).send(notification());
    const [request] = hook.taken;
    assert.ok(request !== undefined);
    const header = (name: string): string | undefined => request.headers[name] as string | undefined;
    const verdict = standardWebhook({ secret }).verify({ header, body: Buffer.from(request.body) }, Date.now());
    assert.deepEqual([verdict.ok, verdict.ok && verdict.id], [true, "shop-orders-1"]);
    const body = JSON.parse(request.body) as { readonly type: string; readonly data: { readonly alerts: readonly object[] } };
    assert.equal(body.type, "tenon.alerts");
    assert.deepEqual(body.data.alerts, [{
      id: "orders.place/availability/page", subject: "orders.place", indicator: "availability", severity: "page", state: "firing", summary: alert().summary,
      firedAt: new Date(nowMs - 20_000).toISOString(), since: new Date(nowMs - 20_000).toISOString(), budgetLeft: 0.4567,
    }]);
  });

  test("goes without a signature where there is no secret", async () => {
    await using hook = await Hook.open(200);
    await webhookReceiver({ ...outside, url: hook.url, secret: "" }).send(notification());
    assert.deepEqual([hook.taken[0]?.headers["webhook-id"], hook.taken[0]?.headers["webhook-signature"]], ["shop-orders-1", undefined]);
  });

  test("tries what passes again, three times in all, with the same id", async () => {
    await using hook = await Hook.open(500, 429, 200);
    await webhookReceiver({ ...outside, url: hook.url, secret }).send(notification());
    assert.deepEqual(hook.taken.map(({ headers }) => headers["webhook-id"]), ["shop-orders-1", "shop-orders-1", "shop-orders-1"]);
  });

  test("gives up after three, and at once where it is of no use; its secret URL is in no error", async () => {
    for (const [status, attempts] of [[503, 3], [404, 1], [302, 1]] as const) {
      await using hook = await Hook.open(status);
      await assert.rejects(webhookReceiver({ ...outside, url: hook.url, secret }).send(notification()), (error) => error instanceof Fault && error.code === "unavailable" && error.message.includes(`answered ${status}`) && !error.message.includes("top-secret"));
      assert.equal(hook.taken.length, attempts);
    }
  });

  test("says so when nobody listens, and when nobody answers in time", { timeout: 30_000 }, async () => {
    const closed = await Hook.open(200);
    const { url } = closed;
    await closed[Symbol.asyncDispose]();
    await assert.rejects(webhookReceiver({ ...outside, url, secret }).send(notification()), /did not take the alert: ECONNREFUSED/);
    await using hanging = await Hook.open("hang");
    const quick = { ...systemClock, after: (ms: number, task: () => void) => systemClock.after(ms / 100, task) };
    await assert.rejects(webhookReceiver({ ...outside, clock: quick, url: hanging.url, secret }).send(notification()), /no answer within 4 s/);
    assert.equal(hanging.taken.length, 3);
  });
});

describe("Slack", () => {
  test("gets one text, with what would be markup escaped", async () => {
    await using hook = await Hook.open(200);
    await slackReceiver({ ...outside, url: hook.url }).send(notification([alert(), alert({ severity: "ticket" }), alert({ state: "resolved", subject: "orders.get" })]));
    assert.deepEqual(JSON.parse(hook.taken[0]?.body ?? ""), {
      text: [
        "*shop: orders has 2 alerts*",
        "• page: orders.place: 10 % of calls fail over 1h (12 % over 5m), 100 times what its budget allows &lt;&amp;&gt;; 45.6 % of the budget is left",
        "• ticket: orders.place: 10 % of calls fail over 1h (12 % over 5m), 100 times what its budget allows &lt;&amp;&gt;; 45.6 % of the budget is left",
        "• resolved: orders.get",
      ].join("\n"),
    });
  });
});

const alertmanager = "/usr/bin/prometheus-alertmanager";
const skip = spawnSync(alertmanager, ["--version"]).status === 0 ? false : `no Alertmanager at ${alertmanager}: apt-get install prometheus-alertmanager`;

describe("Alertmanager", { skip }, () => {
  test("takes an alert, shows it as active, and ends it when it is resolved", { timeout: 60_000 }, async () => {
    const directory = await mkdtemp(join(tmpdir(), "tenon-alertmanager-"));
    await writeFile(join(directory, "config.yml"), "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n");
    const free = await Hook.open(200);
    const url = new URL(free.url).origin;
    await free[Symbol.asyncDispose]();
    const child = spawn(alertmanager, [`--config.file=${directory}/config.yml`, `--storage.path=${directory}/data`, `--web.listen-address=${new URL(url).host}`, "--cluster.listen-address="], { stdio: "ignore" });
    try {
      await until(async () => (await fetch(`${url}/-/ready`)).ok);
      const receiver = alertmanagerReceiver({ ...outside, url: `${url}/` });
      await receiver.send(notification());
      await receiver.send(notification());
      const [shown, ...others] = await alertsOf(url);
      assert.deepEqual(others, []);
      assert.deepEqual(shown?.labels, { alertname: "TenonErrorBudgetBurn", app: "shop", service: "orders", operation: "orders.place", indicator: "availability", objective: "orders.place/availability", severity: "page" });
      assert.deepEqual([shown?.annotations.budget_left, shown?.status.state], ["45.6 %", "active"]);
      assert.ok(receiver.refreshMs !== undefined && Date.parse(shown?.endsAt ?? "") - nowMs > 3 * receiver.refreshMs);
      await receiver.send(notification([alert({ state: "resolved", sinceMs: nowMs - 1_000 })]));
      await until(async () => (await alertsOf(url)).length === 0);
    } finally {
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("exit", resolve));
      await rm(directory, { recursive: true, force: true });
    }
  });
});

interface ShownAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly endsAt: string;
  readonly status: { readonly state: string };
}

async function alertsOf(url: string): Promise<readonly ShownAlert[]> {
  return (await (await fetch(`${url}/api/v2/alerts?active=true`)).json()) as readonly ShownAlert[];
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (await holds().catch(() => false)) return;
    await sleep(100);
  }
  assert.fail("it never held");
}
