/** What a person names on the command line: services, subscriptions, types of events, moments. */
import type { ContractEvent } from "../../contract/index.ts";
import type { IdRange } from "../../events/index.ts";
import { parseDuration } from "../../kernel/index.ts";
import type { App, Service, Subscription } from "../../service/index.ts";
import { nearest } from "../nearest.ts";
import { CommandProblem } from "../problem.ts";

/** A subscription and the service that has it. */
export interface Target {
  readonly service: Service;
  readonly subscription: Subscription;
}

/** @throws {CommandProblem} */
export function findService(services: readonly Service[], name: string): Service {
  const service = services.find((each) => each.name === name);
  if (service !== undefined) return service;
  throw unknown("service", name, services.map((each) => each.name));
}

/** @param text  `orders/mark-paid`, or `mark-paid`. @throws {CommandProblem} */
export function findSubscription(app: App, text: string): Target {
  const targets = app.services.flatMap((service) => service.subscriptions.map((subscription) => ({ service, subscription })));
  const found = targets.filter((target) => nameOf(target) === text || target.subscription.name === text);
  const [target, other] = found;
  if (target !== undefined && other === undefined) return target;
  if (target !== undefined) throw new CommandProblem(`several services have a subscription "${text}"`, { remedy: `say which: ${found.map(nameOf).join(" or ")}`, exitCode: 2 });
  throw unknown("subscription", text, targets.map(nameOf));
}

export function nameOf({ service, subscription }: Target): string {
  return `${service.name}/${subscription.name}`;
}

/** @param type  `orders.placed`. @throws {CommandProblem} */
export function findEventType(events: readonly ContractEvent[], type: string): ContractEvent {
  const event = events.find(({ id }) => id === type);
  if (event !== undefined) return event;
  throw unknown("event", type, events.map(({ id }) => id));
}

function unknown(what: string, name: string, known: readonly string[]): CommandProblem {
  const meant = nearest(name, known) ?? known.find((each) => each.endsWith(`/${name}`) || each.endsWith(`.${name}`));
  const all = known.length === 0 ? `the app has no ${what}s` : `there are ${known.join(", ")}`;
  return new CommandProblem(`there is no ${what} "${name}" in the app`, { remedy: meant === undefined ? all : `did you mean ${meant}?\n${all}`, exitCode: 2 });
}

/** @throws {CommandProblem} */
export async function parseId(text: string): Promise<IdRange> {
  const { parseIdRange, idDigitsMin } = await import("../../events/index.ts");
  const range = parseIdRange(text);
  if (range !== undefined) return range;
  throw new CommandProblem(`"${text}" is not the id of an event, or the beginning of one`, { remedy: `an id is a UUID; ${idDigitsMin} digits of it at least. tenon events list shows them`, exitCode: 2 });
}

/** A place in a history: a position, or an instant. */
export type Point = { readonly position: number } | { readonly time: Date };

/** @param text  `1234`, `2026-11-24T08:00:00Z`, `2026-11-24`, or a length of time ago: `2h`. @throws {CommandProblem} */
export function parsePoint(option: string, text: string, nowMs: number): Point {
  if (/^\d{1,15}$/.test(text)) return { position: Number(text) };
  const agoMs = parseDuration(text);
  if (agoMs !== undefined) return { time: new Date(nowMs - agoMs) };
  const time = parseInstant(text);
  if (time !== undefined) return { time };
  throw new CommandProblem(`${option} ${text} is no point in time and no position`, {
    remedy: `a time (2026-11-24T08:00:00Z, or 2026-11-24 for its beginning in UTC), how long ago (90s, 15m, 2h, 7d), or a position (1234)`,
    exitCode: 2,
  });
}

/** ISO 8601 alone: what else `Date` reads depends on the engine. Without a zone it is UTC, as everything shown here is. */
function parseInstant(text: string): Date | undefined {
  const [, day, clock, zone = "Z"] = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d)?)?$/i.exec(text) ?? [];
  if (day === undefined) return undefined;
  const time = new Date(`${day}T${clock ?? "00:00"}${zone}`);
  const isDay = !Number.isNaN(new Date(`${day}T00:00Z`).getTime()) && new Date(`${day}T00:00Z`).toISOString().startsWith(day); // no 30th of February
  return Number.isNaN(time.getTime()) || !isDay ? undefined : time;
}

/** From one point to another, both included. */
export function rangeOf(from: Point | undefined, to: Point | undefined): { readonly from?: Date; readonly until?: Date; readonly after?: number; readonly before?: number } {
  return {
    ...(from === undefined ? {} : "time" in from ? { from: from.time } : { after: from.position - 1 }),
    ...(to === undefined ? {} : "time" in to ? { until: new Date(to.time.getTime() + 1) } : { before: to.position + 1 }),
  };
}

/** @throws {CommandProblem} */
export function parseLimit(text: string | undefined, { fallback, max }: { readonly fallback: number; readonly max: number }): number {
  if (text === undefined) return fallback;
  const limit = /^\d+$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= max) return limit;
  throw new CommandProblem(`--limit ${text} is not a number from 1 to ${max}`, { remedy: "more than that comes in pages", exitCode: 2 });
}
