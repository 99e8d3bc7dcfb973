/**
 * What is classified appears nowhere but in the data: marked values stand in every classified field of the shop, its
 * operations succeed and fail in every way that is known, and what is said meanwhile is searched for the marks.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { dataClassesOf, type JsonSchema, type Operation, toJsonSchema } from "../../src/contract/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { runInProcess, runTenon } from "../cli/tenon-process.ts";
import { Planter } from "./planted-values.ts";
import { classifiedColumns, classifiedPlaces, providerKey, type Sabotaged, type Saboteur, type Stage, WatchedShop, webhookSecret } from "./watched-shop.ts";

class SabotageError extends Error {
  override readonly name = "SabotageError";
}

/** What is used of a workflow's `flow`. */
interface Flow extends Sabotaged {
  readonly step: (this: unknown, name: string, ...rest: readonly unknown[]) => Promise<unknown>;
}

/** All texts of a value. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === "string" || typeof value === "number") return [String(value)];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

async function quote({ data, input }: Sabotaged, { rows }: Stage): Promise<string> {
  const read = await rows();
  const texts = textsOf([input, data, read]);
  return `${texts.join(" and ")}; ${JSON.stringify([input, data, read])}; /path/${texts.map((text) => encodeURIComponent(text)).join("/")}; ${texts.join("_").toUpperCase()}`;
}

const saboteurs: Readonly<Record<string, Saboteur>> = {
  "says all that it is given": async (context, stage, original) => {
    const { data, input, log } = context;
    const text = await quote(context, stage);
    const rows = await stage.rows();
    log.debug("taken", { input, data, rows });
    log.info(`taken: ${text}`);
    log.warn("taken", { text, list: textsOf(input), nested: { deep: [{ input }] }, map: new Map(Object.entries(input ?? {})), keys: Object.fromEntries(textsOf(input).map((each) => [each, 1])) });
    log.error("not taken", { error: new SabotageError(text, { cause: new SabotageError(text) }), input: JSON.stringify(input) });
    return original();
  },
  "throws a bug that quotes everything": async (context, stage) => {
    throw new SabotageError(await quote(context, stage), { cause: new AggregateError([new SabotageError(await quote(context, stage))], await quote(context, stage)) });
  },
  "throws what is no error": async (context, stage) => {
    throw { ...(context.input as object), rows: await stage.rows(), text: await quote(context, stage) } as unknown as Error;
  },
  "throws a text": async (context, stage) => {
    throw (await quote(context, stage)) as unknown as Error;
  },
  "throws an error that cannot be changed": async (context, stage) => {
    const frozen: Error = Object.freeze(new SabotageError(await quote(context, stage)));
    throw frozen;
  },
  "fails with a fault that quotes": async (context, stage) => {
    const text = await quote(context, stage);
    throw new Fault("unavailable", `out of reach: ${text}`, { facts: { text }, details: [{ path: `/${text}`, message: text }], cause: new SabotageError(text) });
  },
  "fails as declared, with words of its own": async (context, stage) => {
    const name = Object.entries(stage.operation?.errors ?? {}).find(([, { data }]) => data === undefined)?.[0];
    throw name === undefined ? new SabotageError("nothing is declared") : (context.fail[name]?.(await quote(context, stage)) ?? new SabotageError("nothing is declared"));
  },
  "gives back what does not fit": async (context, stage) => ({ ...(context.input as object), id: [await quote(context, stage)], rows: await stage.rows() }),
  "reads JSON that is none": (context) => JSON.parse(textsOf(context.input).join(" ")) as unknown,
  "asks the database for nonsense": async (context) => {
    if (Object.keys(context).length === 0 && textsOf(context.input).length === 0) return undefined;
    return sql`select ${textsOf(context.input).join(" ")}::uuid`.execute(context.read);
  },
  "has the database raise an error": async (context, stage) => {
    const text = (await quote(context, stage)).replaceAll("'", "").replaceAll("%", "%%");
    return sql.raw(`do $raise$ begin raise exception '${text}'; end $raise$`).execute(context.read);
  },
  "waits for its end and quotes": async (context, stage) => {
    await new Promise((resolve) => {
      context.signal.addEventListener("abort", resolve, { once: true });
    });
    throw new SabotageError(await quote(context, stage), { cause: context.signal.reason });
  },
};

const linesOfAllKinds: ReadonlySet<string> = new Set(Object.keys(saboteurs).slice(0, 6));

for (const format of ["json", "text"] as const) {
  describe(`with the log as ${format}, what is classified appears nowhere but in the data`, () => {
    const planter = new Planter();
    const shop = new WatchedShop();
    const inputOf = ({ input }: Operation): JsonSchema | undefined => (input === undefined ? undefined : toJsonSchema(input, "input"));
    const find = (id: string): Operation => shop.operations.find((operation) => operation.id === id) as Operation;
    const plant = (operation: Operation): unknown => {
      const json = inputOf(operation);
      return json === undefined ? undefined : planter.valueFor(json, operation.id);
    };
    const heard: string[] = [];
    /** In what was said since the last time. */
    function assertNoMark(): void {
      const said = shop.said.splice(0);
      heard.push(...said);
      const leaks = said.flatMap((text) => planter.foundIn(text).map((mark) => `${mark} in: ${text.slice(0, 60)} … ${around(text, mark)}`));
      assert.deepEqual([...new Set(leaks)].slice(0, 10), []);
    }

    before(async () => {
      await shop.start(format);
      for (const [mark, place] of [[providerKey, "PAYMENTS_PROVIDER_KEY"], [webhookSecret, "PAYMENTS_WEBHOOK_SECRET"], ["planted-claim", "claims of the token"], ["planted.bearer.token", "the token"]] as const) planter.places.set(mark.toLowerCase(), place);
    });
    after(() => shop.stop().catch(() => undefined));

    test("each classified field of an input is planted, and the rows that come of it hold the marks", async () => {
      await shop.call(find("accounts.signUp"), plant(find("accounts.signUp")));
      await shop.call(find("accounts.addAddress"), plant(find("accounts.addAddress")));
      const [product] = (await shop.query("catalog", "select sku from products where status = 'active' limit 1").catch(() => [])) as readonly { readonly sku: string }[];
      const { items } = (await shop.call(find("catalog.search"), {})) as { readonly items: readonly { readonly sku: string }[] };
      await shop.call(find("orders.addToCart"), { sku: product?.sku ?? items[0]?.sku, quantity: 1 });
      await shop.call(find("orders.checkout"), plant(find("orders.checkout")));
      await shop.started.open.settled();
      for (const service of shop.services) {
        for (const table of Object.keys(service.tables)) {
          const columns = classifiedColumns(service, table);
          const rows = columns.length === 0 ? [] : await shop.plantedRows(service.name, table);
          for (const column of columns) {
            assert.ok(rows.some((row) => JSON.stringify(row[column]).toLowerCase().includes("planted")), `${service.name}: no row has a planted ${table}.${column}: the test has to make one`);
          }
        }
      }
      const planted = new Set(planter.places.values());
      for (const operation of shop.operations) plant(operation);
      const missing = classifiedPlaces(shop.services).filter((place) => ![...planter.places.values()].some((each) => each === place || each.startsWith(`${place}/`)));
      assert.deepEqual(missing, []);
      assert.ok(planted.size > 5);
      assertNoMark();
    });

    test("inputs of wrong types", async () => {
      for (const operation of shop.operations) {
        const json = inputOf(operation);
        if (json === undefined || dataClassesOf(json).size === 0) continue;
        for (const misfit of planter.misfits(json, operation.id)) await shop.call(operation, misfit);
      }
      assertNoMark();
    });

    for (const [what, saboteur] of Object.entries(saboteurs)) {
      // What differs between the formats is how a line is written: with the first six every kind of line is.
      if (format === "text" && !linesOfAllKinds.has(what)) continue;
      test(`a handler ${what}`, async () => {
        await shop.during(saboteur, async () => {
          for (const operation of shop.operations) {
            // Each by somebody else, because of the limits of rates; what waits for its end is given one.
            await shop.call(operation, plant(operation), { subject: `${what} in ${operation.id}`, ...(what.startsWith("waits") ? { timeoutMs: 30 } : {}) });
          }
          for (const operation of shop.operations.filter(({ input }) => input !== undefined && dataClassesOf(toJsonSchema(input, "input")).size > 0)) {
            assert.ok(shop.reached.has(operation.id), `${operation.id} was not reached`);
          }
        });
        assertNoMark();
      });
    }

    test("constraints of the database", async () => {
      const signUp = find("accounts.signUp");
      await shop.during(
        async (context) => {
          const { email, name } = context.input as { readonly email: string; readonly name: string };
          const { db } = context as unknown as { readonly db: Sabotaged["read"] };
          await sql`insert into accounts (id, name, email) values (${name}, ${name}, ${email}), (${email}, ${name}, ${email})`.execute(db);
        },
        async () => void (await shop.call(signUp, plant(signUp), { subject: "another" })),
      );
      await shop.during(
        async (context) => {
          const { email, name } = context.input as { readonly email: string; readonly name: string };
          const { db } = context as unknown as { readonly db: Sabotaged["read"] };
          await sql`insert into accounts (id, name, email, status) values (${name}, ${name}, ${email}, ${email})`.execute(db);
        },
        async () => void (await shop.call(signUp, plant(signUp), { subject: "another" })),
      );
      assertNoMark();
    });

    test("repeats under one key with another input", async () => {
      const signUp = find("accounts.signUp");
      for (let i = 0; i < 2; i++) await shop.call(signUp, plant(signUp), { subject: "repeats", idempotencyKey: "once" });
      assertNoMark();
    });

    async function order(): Promise<void> {
      const { items } = (await shop.call(find("catalog.search"), {})) as { readonly items: readonly { readonly sku: string }[] };
      await shop.call(find("orders.addToCart"), { sku: items[0]?.sku, quantity: 1 });
      await shop.call(find("orders.checkout"), plant(find("orders.checkout")));
      await shop.started.open.settled();
    }

    /** What the database keeps of failures, once this is in it. */
    async function keptWhen(pattern: RegExp): Promise<readonly string[]> {
      for (const sinceMs = performance.now(); ; await pause(200)) {
        await shop.started.open.settled();
        const kept = await shop.keptErrors();
        if (pattern.test(kept.join("\n"))) return kept;
        if (performance.now() - sinceMs > 30_000) assert.match(kept.join("\n"), pattern);
      }
    }

    test("deliveries that become dead letters", async () => {
      const throwing = saboteurs["throws a bug that quotes everything"] as Saboteur;
      const kept = await shop.during((context, stage, original) => (stage.operation === undefined && !("step" in context) ? throwing(context, stage, original) : original()), async () => {
        await order();
        // The receipt comes after the payment, and a step that failed is tried again later.
        return keptWhen(/dead.*SabotageError.*\[personal\]/s);
      });
      shop.said.push(...kept);
      assertNoMark();
    });

    test("workflows that fail, in a step and beside it", async () => {
      const kept = await shop.during(async (context, stage, original) => {
        if (stage.operation !== undefined || !("step" in context)) return original();
        const { input, log, step } = context as unknown as Flow;
        const text = `${JSON.stringify(input)} ${textsOf(input).join(" ")}`;
        log.error("a run", { input, text });
        const given = await step.call(context, "gives", () => ({ card: `${textsOf(input).find((each) => each.startsWith("tok_")) ?? ""}_given` }));
        await step
          .call(context, "fails", { attempts: 1 }, (each: Sabotaged) => {
            each.log.info(text);
            throw new SabotageError(`${text} ${JSON.stringify(given)}`);
          })
          .catch(() => undefined);
        throw new SabotageError(`${text} ${JSON.stringify(given)}`);
      }, async () => {
        await order();
        return keptWhen(/runs.*SabotageError.*\[secret\].*steps.*\[secret\]/s);
      });
      shop.said.push(...kept);
      assertNoMark();
    });

    test("webhooks", async () => {
      const body = { type: "charge.captured", data: { id: "1", reference: "no-uuid" }, card: "tok_planted_by_webhook", email: "planted-by-webhook@example.org" };
      planter.places.set("planted_by_webhook", "a webhook").set("planted-by-webhook", "a webhook");
      assert.ok((await shop.post(JSON.stringify(body))) >= 400);
      assert.ok((await shop.post(JSON.stringify(body).slice(0, -1))) >= 400);
      assertNoMark();
    });

    test("requests that never become calls, and the page of metrics", async () => {
      planter.places.set("planted-by-request", "a request");
      await shop.fetch("/accounts", { method: "POST", body: '{"name": "planted-by-request', headers: { "content-type": "application/json" } });
      await shop.fetch("/accounts", { method: "POST", body: "planted-by-request", headers: { "content-type": "text/plain", authorization: "Bearer planted-by-request" } });
      await shop.fetch("/nowhere?email=planted-by-request");
      await shop.fetch("/metrics");
      assertNoMark();
    });

    test("a leak would be found, in every place that is searched", async () => {
      const leak = new Planter();
      leak.places.set("planted-as-a-leak", "this test");
      shop.started.log.warn("PLANTED-as-a-leak"); // the platform's own log hides nothing
      await shop.during(
        () => {
          throw new Fault("unavailable", "planted-as-a-leak is no field of any contract");
        },
        async () => void (await shop.call(find("catalog.search"), {})),
      );
      shop.started.flushNow();
      // A write that was under way by then ends by itself.
      for (let look = 0; look < 250 && leak.foundIn(shop.log).length === 0; look++) await pause(20);
      for (const place of ["records", "answer"]) assert.notDeepEqual(leak.foundIn(shop.said.filter((text) => text.startsWith(place)).join("\n")), [], place);
      assert.notDeepEqual(leak.foundIn(shop.log), []);
      assertNoMark();
    });

    test("the log, the records, and what commands show of what was left behind", async () => {
      await shop.stop();
      shop.said.push(`log ${shop.log}`);
      assert.match(shop.log, /\[personal\]/);
      assert.match(shop.log, /\[secret\]/);
      for (const place of ["records", "answer"]) assert.ok(heard.some((text) => text.startsWith(place) && text.includes("[personal]")), place);
      const home = { cwd: fileURLToPath(new URL("../../../../examples/shop/", import.meta.url)), env: { ...shop.env, PAYMENTS_WEBHOOK_SECRET: webhookSecret } };
      const first = ["events", "dead"];
      for (const command of [first, ["events", "dead", "--json"], ["events", "list", "orders"], ["events", "list", "orders", "--json"], ["workflows", "list"], ["workflows", "list", "--json"]]) {
        // One of them as a process, with all that a process says.
        const { stderr, stdout } = await (command === first ? runTenon(command, home) : runInProcess(command, home));
        assert.ok(stdout.length > 0, `tenon ${command.join(" ")} said nothing: ${stderr}`);
        shop.said.push(`tenon ${command.join(" ")} ${stdout} ${stderr}`);
      }
      assertNoMark();
    });
  });
}

function around(text: string, found: string): string {
  const at = text.toLowerCase().indexOf(found.split(" ")[0] as string);
  return text.slice(Math.max(0, at - 120), at + 40);
}
