/** What can be wrong with the reactions of a service, told before anything runs. */
import { ContractMistakes, type MistakeList, parseRetryOptions } from "../contract/index.ts";
import { parseDuration } from "../kernel/index.ts";
import type { DeliveryOptions } from "./delivery.ts";
import type { Subscription } from "./reactions.ts";

/** Beyond so many at once a process only waits for its database. */
const concurrencyMax = 1_000;
/** Beyond so many in one transaction, one failure undoes too much. */
const batchMax = 1_000;
/** Beyond a day it is a workflow. */
const deadlineMaxMs = 86_400_000;

export interface CheckedService {
  readonly service: string;
  /** Whether it has a schema of its own, which keeps the inbox. */
  readonly hasRows: boolean;
  readonly mistakes: MistakeList;
}

export function checkReactions(subscriptions: readonly Subscription[], { hasRows, mistakes, service }: CheckedService): void {
  const names = new Set<string>();
  if (subscriptions.length > 0 && !hasRows) {
    mistakes.add(service, "has subscriptions but no migrations", 'deliveries are kept in its own schema: migrations: new URL("migrations/", import.meta.url)');
  }
  for (const { event, handler, name, options } of subscriptions) {
    const place = `${service}: on(${event?.id ?? "?"}, "${name}")`;
    const add = (problem: string, remedy: string): void => mistakes.add(place, problem, remedy);
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) add("the name is not one for a subscription", "lower-case letters, digits and -, starting with a letter, 63 at most");
    if (names.has(name)) add("another subscription of the service has this name", "what was handled is known by the name: give each its own");
    names.add(name);
    if (event?.kind !== "event" || typeof event.id !== "string") add("the first argument is no event of a contract", "on(payments.captured, ...)");
    if (typeof handler !== "function") add("has no handler", "give it a function as its last argument");
    checkDeliveryOptions(options, add);
  }
}

/** Adds what is wrong with the options of a delivery. */
export function checkDeliveryOptions(options: DeliveryOptions & { readonly size?: number }, add: (problem: string, remedy: string) => void): void {
  const { afterDeath = "continue", attempts, backoff, concurrency = 1, deadline = "30s", maxAge, size = 1 } = options;
  if (!isWhole(concurrency, concurrencyMax)) add(`a concurrency of ${concurrency}`, `a whole number from 1 to ${concurrencyMax}`);
  if (!isWhole(size, batchMax)) add(`batches of ${size}`, `a whole number from 1 to ${batchMax}`);
  const deadlineMs = parseDuration(deadline) ?? 0;
  if (deadlineMs < 1 || deadlineMs > deadlineMaxMs) add(`the deadline "${deadline}"`, 'a length of time up to a day: "30s"; what takes longer is a workflow');
  if (afterDeath !== "continue" && afterDeath !== "hold") add(`afterDeath "${String(afterDeath)}"`, '"continue" or "hold"');
  checkLagObjective(options, add);
  try {
    parseRetryOptions({ ...(attempts === undefined ? {} : { attempts }), ...(maxAge === undefined ? {} : { maxAge }), ...(backoff === undefined ? {} : { backoff }) });
  } catch (error) {
    if (!(error instanceof ContractMistakes)) throw error;
    for (const { at, problem, remedy } of error.mistakes) add(`${at}: ${problem}`, remedy);
  }
}

function checkLagObjective({ objective }: DeliveryOptions, add: (problem: string, remedy: string) => void): void {
  if (objective === undefined) return;
  const { lag, share = 99 } = objective;
  if ((parseDuration(lag) ?? 0) < 1) add(`an objective with a lag of "${lag}"`, 'a length of time: "30s"');
  if (!(share > 0 && share < 100)) add(`an objective for ${share} percent of the time`, "a number above 0 and below 100, such as 99");
}

function isWhole(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= max;
}
