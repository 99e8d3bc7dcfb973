/** What a team counts itself, from the handler to the page. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { startApp, type StartedApp } from "../../src/app/index.ts";
import { command, contract, query, stream } from "../../src/contract/index.ts";
import { app, counter, gauge, histogram, type Measure, service } from "../../src/service/index.ts";

const tier = z.enum(["gold", "plain"]);
const tried = counter("orders_tried", { help: "Orders that somebody tried to place.", labels: ["tier"] });
const listed = counter("orders_listed", { help: "Orders that were listed." });
const open = gauge("carts_open", { help: "Open carts." });
const worth = histogram("basket_euros", { help: "What baskets are worth.", unit: "euros", bounds: [10, 100] });

const orders = contract("orders", {
  place: command({ http: "POST /orders", access: "public", input: z.object({ tier }), errors: { SoldOut: { status: 409, message: "sold out" } } }),
  list: query({ http: "GET /orders", access: "public", output: stream(z.object({ id: z.string() })) }),
});
const shop = app("shop", {
  services: [
    service(orders, {
      handlers: {
        place({ fail, input, measure }) {
          measure(tried, 1, { tier: input.tier });
          measure(worth, 12.5);
          measure(open, 4);
          if (input.tier === "plain") throw fail.SoldOut();
        },
        async *list({ measure }) {
          for (const id of ["1", "2"]) {
            await Promise.resolve();
            yield { id };
            measure(listed, 1); // after the call has been recorded
          }
        },
      },
    }),
  ],
});

async function start(): Promise<StartedApp> {
  return startApp(shop, { layers: [{ name: "test", values: { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error" } }] });
}

async function place(url: string, of: string): Promise<number> {
  const response = await fetch(`${url}/orders`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ tier: of }) });
  return response.status;
}

async function pageOf(url: string): Promise<readonly string[]> {
  return (await (await fetch(`${url}/metrics`)).text()).split("\n");
}

describe("what handlers measure", () => {
  test("is on the page of the app that runs them, and on no other's", async () => {
    const [first, second] = await Promise.all([start(), start()]);
    try {
      assert.equal(await place(first.url, "gold"), 204);
      assert.equal(await place(first.url, "plain"), 409, "counts also where it fails");
      await place(second.url, "gold");
      await (await fetch(`${first.url}/orders`)).text();
      const lines = await pageOf(first.url);
      for (const expected of ['orders_tried_total{tier="gold"} 1', 'orders_tried_total{tier="plain"} 1', "orders_listed_total 2", "carts_open 4", 'basket_euros_bucket{le="100"} 2']) {
        assert.ok(lines.includes(expected), `${expected} is among ${lines.filter((line) => /^(orders|carts|basket)/.test(line)).join(", ")}`);
      }
      const others = await pageOf(second.url);
      assert.ok(others.includes('orders_tried_total{tier="gold"} 1'));
      assert.ok(!others.some((line) => line.startsWith("orders_listed_total")));
    } finally {
      await Promise.all([first.stop(), second.stop()]);
    }
  });

  test("comes in the format that is asked for", async () => {
    const started = await start();
    try {
      const prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.2";
      for (const [accept, type] of [
        [prometheus, "application/openmetrics-text; version=1.0.0; charset=utf-8"],
        ["application/openmetrics-text; version=1.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8"],
        ["application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8"],
        ["application/openmetrics-text;version=0.0.1,text/plain;q=0.5", "text/plain; version=0.0.4; charset=utf-8"],
        ["application/openmetrics-text;q=0.1,text/plain", "text/plain; version=0.0.4; charset=utf-8"],
        ["*/*", "text/plain; version=0.0.4; charset=utf-8"],
        ["text/html", "text/plain; version=0.0.4; charset=utf-8"],
      ] as const) {
        const response = await fetch(`${started.url}/metrics`, { headers: { accept } });
        assert.equal(response.headers.get("content-type"), type, accept);
        assert.equal((await response.text()).endsWith("# EOF\n"), type.startsWith("application/openmetrics-text"), accept);
      }
    } finally {
      await started.stop();
    }
  });

  test("does not compile with labels that the metric does not have", () => {
    assert.equal(typeof typed, "function");
  });
});

/** Never called: the compiler is what reads it. */
export function typed(measure: Measure): void {
  measure(tried, 1, { tier: "gold" });
  measure(listed, 1);
  // @ts-expect-error there is no such label
  measure(tried, 1, { tear: "gold" });
  // @ts-expect-error there is one label too many
  measure(tried, 1, { tier: "gold", country: "fr" });
  // @ts-expect-error the label is missing
  measure(tried, 1, {});
  // @ts-expect-error the labels are missing
  measure(tried, 1);
  // @ts-expect-error it has no labels
  measure(listed, 1, { tier: "gold" });
  // @ts-expect-error a label is a text
  measure(tried, 1, { tier: 3 });
  // @ts-expect-error a value is a number
  measure(open, "4");
}
