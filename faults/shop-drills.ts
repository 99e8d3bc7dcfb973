/**
 * The drills of the shop: its real processes under load on PostgreSQL, something breaks, and it is looked at what the shop says of
 * it by itself. Objectives and incidents go by a clock that is up to 120 times faster (`scale`), so that the windows of the
 * SRE Workbook, hours long, pass in a minute; calls take as long as they take.
 *
 * - `provider`: the payment provider takes 1.5 s for each answer, and a charge is promised within 1 s for 95 %.
 * - `database`: somebody holds a lock, every read of the catalog waits behind it, and its few sessions are all taken.
 * - `release`: a new release of the shop fails one in twenty calls of `catalog.get`.
 *
 * Promise: the alert comes when the Workbook's arithmetic says, the incident names what broke, no operation that works has an
 * alert, and the error budgets are those of the visitors' own counts.
 */
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import type { Incident } from "../packages/tenon/src/incidents/index.ts";
import type { Alert } from "../packages/tenon/src/objectives/index.ts";
import { ObservedShop } from "./shop/observed-shop.ts";
import { type SeenAnswer, type Visit, Visitors } from "./shop/visitors.ts";

export interface ShopDrillOptions {
  readonly url: string;
  readonly tell: (text: string) => void;
}

export interface ShopDrillResult {
  readonly drill: string;
  readonly scale: number;
  /** From the fault to the alert by the Workbook's formula, in s of the drill's clock. */
  readonly expectedS: number;
  /** From the fault to when the Workbook's rule held for the answers that the visitors had seen by then: later, when a busy machine let fewer of them come. Without answers of theirs to go by, as `expectedS`. */
  readonly dueS: number;
  /** The same, measured. */
  readonly measuredS: number;
  /** How much later than due it may be: two looks, the time of a call and of the store, times the scale. */
  readonly slackS: number;
  readonly suspect: string;
  readonly confidence: string;
  readonly evidence: readonly string[];
  /** Alerts of operations that work. */
  readonly innocentAlerts: readonly string[];
  /** The largest difference of any error budget from that of the visitors' counts, in parts of it. */
  readonly budgetOff: number;
  readonly timeLine: readonly string[];
  readonly mistakes: number;
}

interface Drill {
  readonly name: string;
  readonly scale: number;
  readonly env: Readonly<Record<string, string>>;
  /** What the alert is to be of. */
  readonly target: string;
  readonly expectedS: number;
  /** How long a call that fails takes, with what the store waits meanwhile, in s of real time. */
  readonly delayS: number;
  readonly suspects: readonly string[];
  /** Operations that work all the time. */
  readonly innocent: readonly string[];
  readonly ordersPerSecond: number;
  /** Visits of `catalog.get` a second. */
  readonly looksPerSecond: number;
  /** Real time in which all is well, so that it is known what is usual. */
  readonly warmS: number;
  /** Breaks it. @returns how to mend it. */
  readonly break: (shop: ObservedShop, visitors: Visitors) => Promise<() => Promise<void>>;
}

/** The Workbook's rule that pages first: 14.4 times the budget's rate over an hour, and over the last five minutes. */
const pages = { burn: 14.4, longS: 3_600, shortS: 300 } as const;

/** The Workbook's time to detect at that rule. */
function workbookS(share: number, badPart: number): number {
  return ((1 - share) / badPart) * pages.longS * pages.burn;
}

/** Visits a second, when nothing is said of them. */
const browsing = { "catalog.get": 20, "catalog.search": 2, "accounts.me": 4, "orders.get": 4 } as const;

type Browsed = keyof typeof browsing;

function ratesOf({ looksPerSecond }: Drill): Readonly<Record<Browsed, number>> {
  return { ...browsing, "catalog.get": looksPerSecond };
}

/** What is promised of them. */
const indicators: Readonly<Record<Browsed, readonly string[]>> = {
  "catalog.get": ["availability", "latency-p99"],
  "catalog.search": ["availability", "latency-p95", "latency-p99"],
  "accounts.me": ["availability", "latency-p99"],
  "orders.get": ["availability", "latency-p99"],
};

export const shopDrills: readonly Drill[] = [
  {
    name: "provider",
    scale: 120,
    env: { DELIVERIES_MAX: "12" },
    target: "payments.charge/latency-p95",
    expectedS: workbookS(0.95, 1),
    delayS: 3,
    suspects: ["dependency:payment provider"],
    innocent: ["catalog.get", "catalog.search", "accounts.me", "orders.get"],
    ordersPerSecond: 2,
    looksPerSecond: 4,
    warmS: 30,
    async break(shop) {
      shop.provider.trouble = { ...shop.provider.trouble, latencyMs: 1_500 };
      return async () => {
        shop.provider.trouble = { ...shop.provider.trouble, latencyMs: 0 };
      };
    },
  },
  {
    name: "database",
    scale: 1,
    env: { DATABASE_POOL_MAX: "2" },
    target: "catalog.get/availability",
    expectedS: workbookS(0.9995, 1),
    delayS: 3,
    suspects: ["database:catalog", "pool:catalog"],
    innocent: ["accounts.me", "orders.get"],
    ordersPerSecond: 0,
    // What waits holds a place under the limit of calls at once: more of it, and everybody is refused.
    looksPerSecond: 2,
    // The last 20 s before trouble are not compared with, on whatever clock.
    warmS: 60,
    async break(shop) {
      const holder = new pg.Client({ connectionString: shop.databaseUrl });
      await holder.connect();
      await holder.query("begin");
      await holder.query("lock table catalog.products in access exclusive mode");
      return async () => {
        await holder.query("rollback");
        await holder.end();
      };
    },
  },
  {
    name: "release",
    scale: 60,
    env: {},
    target: "catalog.get/availability",
    expectedS: workbookS(0.9995, 0.05),
    delayS: 1,
    suspects: ["catalog.get"],
    innocent: ["catalog.search", "accounts.me", "orders.get"],
    ordersPerSecond: 0,
    looksPerSecond: 20,
    // So many calls that one failure in twenty is beyond chance by the time of the alert.
    warmS: 30,
    async break(shop, visitors) {
      await visitors.leave();
      await shop.stop();
      await shop.start({ TENON_RELEASE: "1.1.0", DRILL_FAIL_EVERY: "20" });
      visitors.come(shop.url);
      return async () => undefined;
    },
  },
];

/** Real time after which there is no hope of an alert. */
const patienceMs = 120_000;

export async function runShopDrill(drill: Drill, { tell, url }: ShopDrillOptions): Promise<ShopDrillResult> {
  await using shop = await ObservedShop.open({ url, scale: drill.scale, env: drill.env });
  const rates = ratesOf(drill);
  const perHour = Object.entries(indicators).flatMap(([operation, names]) => names.map((name) => [`${operation}/${name}`, (rates[operation as Browsed] * 3_600) / drill.scale] as const));
  await shop.remember({ ...Object.fromEntries(perHour), "payments.charge/latency-p95": (drill.ordersPerSecond * 3_600) / drill.scale });
  await shop.start({ TENON_RELEASE: "1.0.0" });
  const visitors = new Visitors(await visitsOf(shop, drill), () => shop.nowMs);
  visitors.come(shop.url);
  await pause(drill.warmS * 1_000);
  tell(`${drill.name}: all is well, and now something breaks`);
  const mend = await drill.break(shop, visitors);
  const brokenAtMs = shop.nowMs;
  const { alert, incident } = await waitForIncident(shop, drill);
  tell(`${drill.name}: ${alert.summary}; suspected is ${incident.suspect?.name ?? "nobody"}`);
  await pause(2_000); // time for an innocent one to be accused
  const innocentAlerts = (await shop.alerts()).filter(({ state, subject }) => state === "firing" && drill.innocent.includes(subject)).map(({ id }) => id);
  await mend();
  await visitors.leave();
  const timeLine = await shop.timeLine(incident.id);
  await shop.stop(); // which keeps the last counts
  return {
    drill: drill.name,
    scale: drill.scale,
    expectedS: drill.expectedS,
    dueS: (dueMs(shop, visitors, drill.target) - brokenAtMs) / 1_000 || drill.expectedS,
    measuredS: ((alert.firedAtMs ?? 0) - brokenAtMs) / 1_000,
    slackS: 20 + drill.delayS * drill.scale,
    suspect: incident.suspect?.node ?? "",
    confidence: incident.suspect?.confidence ?? "",
    evidence: incident.suspect?.evidence ?? [],
    innocentAlerts,
    budgetOff: await budgetOff(shop, visitors),
    timeLine,
    mistakes: visitors.mistakes.length,
  };
}

/** When the rule that pages first held for what the visitors saw, after the past that the shop remembers. @returns NaN, when they do not call that operation or it never held. */
function dueMs(shop: ObservedShop, { answers }: Visitors, target: string): number {
  const operation = target.slice(0, target.indexOf("/"));
  if (!(operation in allowed) || !target.endsWith("/availability")) return Number.NaN;
  const limit = allowed[operation as Browsed] * pages.burn;
  const seen = answers.filter((answer) => answer.operation === operation);
  const holds = (atMs: number): boolean => [pages.longS, pages.shortS].every((windowS) => badPart(seen, shop.rememberedSince(target, atMs - windowS * 1_000), { atMs, windowS }) >= limit);
  return seen.find(({ atMs, bad }) => bad && holds(atMs))?.atMs ?? Number.NaN;
}

/** Which part of the answers within a window was bad, with so many good ones of the past. */
function badPart(seen: readonly SeenAnswer[], remembered: number, { atMs, windowS }: { readonly atMs: number; readonly windowS: number }): number {
  const within = seen.filter((answer) => answer.atMs > atMs - windowS * 1_000 && answer.atMs <= atMs);
  return within.filter(({ bad }) => bad).length / (within.length + remembered);
}

async function visitsOf(shop: ObservedShop, drill: Drill): Promise<readonly Visit[]> {
  const tokens = await Promise.all(Array.from({ length: 40 }, (_, i) => shop.tokenOf(`customer-${i + 1}`)));
  const headers = (number: number): Readonly<Record<string, string>> => ({ authorization: `Bearer ${tokens[number % tokens.length] ?? ""}`, "content-type": "application/json" });
  const order = await placeOrder(shop.url, headers(0));
  const rates = ratesOf(drill);
  const { ordersPerSecond } = drill;
  const visits: readonly Visit[] = [
    { operation: "catalog.get", perSecond: rates["catalog.get"], visit: (url, number) => statusOf(`${url}/products/SKU-${String((number % 1_000) + 1).padStart(4, "0")}`, headers(number)) },
    { operation: "catalog.search", perSecond: rates["catalog.search"], visit: (url, number) => statusOf(`${url}/products?limit=5`, headers(number)) },
    { operation: "accounts.me", perSecond: rates["accounts.me"], visit: (url, number) => statusOf(`${url}/me`, headers(number)) },
    { operation: "orders.get", perSecond: rates["orders.get"], visit: (url) => statusOf(`${url}/orders/${order}`, headers(0)) },
  ];
  if (ordersPerSecond === 0) return visits;
  const orderOne: Visit["visit"] = (url, number) => placeOrder(url, headers(number)).then(() => 202);
  return [...visits, { operation: "orders.checkout", perSecond: ordersPerSecond, visit: orderOne }];
}

async function statusOf(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const response = await fetch(url, { headers });
  await response.arrayBuffer();
  return response.status;
}

async function fillCart(url: string, headers: Readonly<Record<string, string>>): Promise<void> {
  await expectOk(await fetch(`${url}/cart/lines`, { method: "POST", headers, body: JSON.stringify({ sku: "SKU-0001", quantity: 1 }) }));
}

async function placeOrder(url: string, headers: Readonly<Record<string, string>>): Promise<string> {
  await fillCart(url, headers);
  const answer = await expectOk(await fetch(`${url}/orders`, { method: "POST", headers, body: JSON.stringify({ card: "tok_visa" }) }));
  return ((await answer.json()) as { readonly id: string }).id;
}

async function expectOk(response: Response): Promise<Response> {
  if (response.ok) return response;
  throw new ShopDrillError(`the shop answered ${response.status}: ${await response.text()}`);
}

async function waitForIncident(shop: ObservedShop, { target }: Drill): Promise<{ readonly alert: Alert; readonly incident: Incident }> {
  const untilMs = performance.now() + patienceMs;
  while (performance.now() < untilMs) {
    const alert = (await shop.alerts()).find((each) => each.target === target && each.severity === "page" && each.state === "firing");
    const incident = (await shop.incidents()).find(({ alerts }) => alerts.some((each) => each.target === target && each.severity === "page"));
    if (alert !== undefined && incident !== undefined) return { alert, incident };
    await pause(100);
  }
  throw new ShopDrillError(`no alert of ${target} within ${patienceMs / 1_000} s: ${JSON.stringify(await shop.alerts())}`);
}

/** The parts of requests that may fail, by operation. */
const allowed: Readonly<Record<Browsed, number>> = { "catalog.get": 0.0005, "catalog.search": 0.001, "accounts.me": 0.001, "orders.get": 0.001 };

/** How far the shop's budgets are from those that follow from the visitors' counts. */
async function budgetOff(shop: ObservedShop, visitors: Visitors): Promise<number> {
  let off = 0;
  for (const [operation, part] of Object.entries(allowed)) {
    const target = `${operation}/availability`;
    const seen = visitors.counts.get(operation) ?? { total: 0, bad: 0 };
    const kept = await shop.counts(target);
    const left = (bad: number, total: number): number => 1 - bad / (total * part);
    const [theirs, ours] = [left(seen.bad, seen.total + shop.remembered(target)), left(kept.bad, kept.total)];
    off = Math.max(off, Math.abs(theirs - ours) / Math.max(1, Math.abs(theirs)));
  }
  return off;
}

export function keepsShopPromise({ budgetOff, dueS, innocentAlerts, measuredS, mistakes, slackS, suspect, drill }: ShopDrillResult): boolean {
  const suspects = shopDrills.find(({ name }) => name === drill)?.suspects ?? [];
  return measuredS >= dueS * 0.9 && measuredS <= dueS * 1.1 + slackS && suspects.includes(suspect) && innocentAlerts.length === 0 && budgetOff <= 0.001 && mistakes === 0;
}

export class ShopDrillError extends Error {
  override readonly name = "ShopDrillError";
}
