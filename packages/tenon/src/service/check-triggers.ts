/**
 * What can be wrong with the triggers of a service, as far as it can be known without running anything of them: patterns
 * and time zones, which take a library to read, are looked at when the app is opened and by `tenon check`.
 */
import { type CheckedService, checkDeliveryOptions } from "./check-reactions.ts";
import type { ScheduleTrigger, Trigger } from "./triggers.ts";

const missedPolicies = ["once", "skip", "all"];

export function checkTriggers(triggers: readonly Trigger[], { hasRows, mistakes, service }: CheckedService): void {
  if (triggers.length > 0 && !hasRows) {
    mistakes.add(service, "has triggers but no migrations", 'what they start is kept in its own schema: migrations: new URL("migrations/", import.meta.url)');
  }
  const names = new Set<string>();
  for (const trigger of triggers) {
    const place = `${service}: ${placeOfTrigger(trigger)}`;
    const add = (problem: string, remedy: string): void => mistakes.add(place, problem, remedy);
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(trigger.name)) add("the name is not one for a trigger", "lower-case letters, digits and -, starting with a letter, 63 at most");
    const key = `${trigger.kind} ${trigger.name}`;
    if (names.has(key)) add("another trigger of the service has this name", "what was done is known by the name: give each its own");
    names.add(key);
    if (typeof trigger.handler !== "function") add("has no handler", "give it a function as its last argument");
    checkDeliveryOptions(trigger.options, add);
    checkSchedule(trigger, add);
  }
}

/** How a trigger is called in messages. */
export function placeOfTrigger({ kind, name }: Trigger): string {
  return `${kind}("${name}")`;
}

function checkSchedule({ options, when }: ScheduleTrigger, add: (problem: string, remedy: string) => void): void {
  const { missed = "once" } = options;
  if (!missedPolicies.includes(missed)) add(`missed "${missed}"`, `one of ${missedPolicies.map((policy) => `"${policy}"`).join(", ")}`);
  if (typeof when !== "string" && (typeof when !== "object" || when === null)) add("does not say when", 'write a duration first, "15m", or { cron: "0 3 * * *", timeZone: "Europe/Berlin" }');
}
