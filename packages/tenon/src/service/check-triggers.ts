/**
 * What can be wrong with the triggers of a service, as far as it can be known without running anything of them: patterns
 * and time zones, which take a library to read, and secrets, which take the configuration, are looked at when the app is
 * opened and by `tenon check`.
 */
import { command, contract, ContractMistakes } from "../contract/index.ts";
import type { Tables } from "./needs.ts";
import { type CheckedService, checkDeliveryOptions } from "./check-reactions.ts";
import type { ChangeTrigger, ScheduleTrigger, Trigger, WebhookTrigger } from "./triggers.ts";

const missedPolicies = ["once", "skip", "all"];
/** GitHub sends up to 25 MB, and nobody known sends more. */
const bodyMaxMax = 32 * 1024 * 1024;

type Add = (problem: string, remedy: string) => void;

export function checkTriggers(triggers: readonly Trigger[], { hasRows, mistakes, service, tables }: CheckedService & { readonly tables: Tables }): void {
  if (triggers.length > 0 && !hasRows) {
    mistakes.add(service, "has triggers but no migrations", 'what they start is kept in its own schema: migrations: new URL("migrations/", import.meta.url)');
  }
  const names = new Set<string>();
  for (const trigger of triggers) {
    const place = `${service}: ${placeOfTrigger(trigger)}`;
    const add: Add = (problem, remedy) => mistakes.add(place, problem, remedy);
    if (trigger.kind === "every") checkSchedule(trigger, add);
    else if (trigger.kind === "onChange") checkChange(trigger, tables, add);
    else checkWebhook(trigger, service, add);
    const key = trigger.kind === "webhook" ? trigger.path : `${trigger.kind} ${trigger.name}`;
    if (names.has(key)) add(...sameAsAnother(trigger));
    names.add(key);
  }
}

/** How a trigger is called in messages. */
export function placeOfTrigger(trigger: Trigger): string {
  if (trigger.kind === "webhook") return `webhook(${trigger.event?.id ?? "?"}, "${trigger.path}")`;
  if (trigger.kind === "onChange") return `onChange("${trigger.table}", "${trigger.name}")`;
  return `every("${trigger.name}")`;
}

function sameAsAnother({ kind }: Trigger): readonly [problem: string, remedy: string] {
  if (kind === "webhook") return ["another webhook has this path", "give each a path of its own"];
  return ["another trigger of the service has this name", "what was done is known by the name: give each its own"];
}

/** What a trigger has in common with a subscription. */
function checkNamed({ handler, name, options }: ScheduleTrigger | ChangeTrigger, add: Add): void {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) add("the name is not one for a trigger", "lower-case letters, digits and -, starting with a letter, 63 at most");
  if (typeof handler !== "function") add("has no handler", "give it a function as its last argument");
  checkDeliveryOptions(options, add);
}

function checkChange(trigger: ChangeTrigger, tables: Tables, add: Add): void {
  checkNamed(trigger, add);
  const table = tables[trigger.table];
  if (table === undefined) {
    add("the service declares no such table", Object.keys(tables).length === 0 ? "declare it in tables" : `one of its own: ${Object.keys(tables).join(", ")}`);
    return;
  }
  const { columns } = trigger.options;
  for (const column of columns ?? []) {
    if (!Object.hasOwn(table.columns, column)) add(`the table has no column "${column}"`, `one of: ${Object.keys(table.columns).join(", ")}`);
  }
  if (columns?.length === 0) add("watches no column", "name some, or leave `columns` out for all");
}

function checkSchedule(trigger: ScheduleTrigger, add: Add): void {
  const { options, when } = trigger;
  const { missed = "once" } = options;
  checkNamed(trigger, add);
  if (!missedPolicies.includes(missed)) add(`missed "${missed}"`, `one of ${missedPolicies.map((policy) => `"${policy}"`).join(", ")}`);
  if (typeof when !== "string" && (typeof when !== "object" || when === null)) add("does not say when", 'write a duration first, "15m", or { cron: "0 3 * * *", timeZone: "Europe/Berlin" }');
}

function checkWebhook({ bodyMaxBytes, deadline, event, path, rateLimit, read, verify }: WebhookTrigger, service: string, add: Add): void {
  if (event?.kind !== "event") add("the first argument is no event of a contract", `webhook(${service}.received, ...)`);
  else if (event.service !== service) add(`the event is one of ${event.service}`, `a service emits the events of its own contract: declare one in the contract of ${service}`);
  if (!/^(?:\/[A-Za-z0-9._~-]+)+$/.test(path) || /\/\.\.?(?:\/|$)/.test(path)) add("the path is not plain", 'segments of letters, digits and . _ ~ -, each after a slash: "/hooks/payments"');
  if (typeof verify !== "function") add("does not say how the sender signs", 'verify: (config) => standardWebhook({ secret: config.HOOK_SECRET }), from "tenon/webhooks"');
  if (typeof read !== "function") add("does not say what the event tells", "read: ({ body }) => ...");
  if (!Number.isSafeInteger(bodyMaxBytes) || bodyMaxBytes < 1 || bodyMaxBytes > bodyMaxMax) add(`bodies of ${bodyMaxBytes} bytes`, `a whole number from 1 to ${bodyMaxMax}`);
  try {
    contract("checked", { webhook: command({ access: "public", deadline, ...(rateLimit === undefined ? {} : { rateLimit }) }) });
  } catch (error) {
    if (!(error instanceof ContractMistakes)) throw error;
    for (const { problem, remedy } of error.mistakes) add(problem, remedy);
  }
}
