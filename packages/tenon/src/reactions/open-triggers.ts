/** What sets services to work by itself, read and checked before anything runs. */
import { ContractMistakes, MistakeList } from "../contract/index.ts";
import { parseSchedule, type Schedule, type WebhookSignature } from "../events/index.ts";
import { type App, placeOfTrigger, type ScheduleTrigger, type Trigger, type WebhookTrigger } from "../service/index.ts";

export interface OpenedTriggers {
  /** By the name of their service. */
  readonly schedules: ReadonlyMap<string, readonly Schedule[]>;
  readonly signatures: ReadonlyMap<WebhookTrigger, WebhookSignature>;
}

/**
 * @param configs  Settings of services, by their names. A service that is not among them has settings that are wrong: its
 * webhooks cannot be looked at.
 * @throws {ContractMistakes} with everything that is wrong in all services.
 */
export function openTriggers(app: App, configs: ReadonlyMap<string, unknown>): OpenedTriggers {
  const mistakes = new MistakeList(`the app "${app.name}"`);
  const schedules = new Map<string, readonly Schedule[]>();
  const signatures = new Map<WebhookTrigger, WebhookSignature>();
  for (const { config, name, triggers } of app.services) {
    const gather = <T>(trigger: Trigger, make: () => T): T | undefined => gathered(make, `${name}: ${placeOfTrigger(trigger)}`, mistakes);
    const own = triggers.filter((trigger) => trigger.kind === "every");
    schedules.set(name, own.flatMap((trigger) => gather(trigger, () => toSchedule(trigger)) ?? []));
    if (config !== undefined && !configs.has(name)) continue;
    for (const trigger of triggers.filter(({ kind }) => kind === "webhook") as readonly WebhookTrigger[]) {
      const signature = gather(trigger, () => trigger.verify(configs.get(name) as never));
      if (typeof signature?.verify === "function") signatures.set(trigger, signature);
      else if (signature !== undefined) mistakes.add(`${name}: ${placeOfTrigger(trigger)}`, "verify gives back no signature", 'standardWebhook(...) or hmacSignature(...), from "tenon/webhooks"');
    }
  }
  mistakes.assertNone();
  return { schedules, signatures };
}

function toSchedule({ name, options, when }: ScheduleTrigger): Schedule {
  return { name, time: parseSchedule(when), missed: options.missed ?? "once" };
}

function gathered<T>(make: () => T, place: string, mistakes: MistakeList): T | undefined {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ContractMistakes)) throw error;
    for (const { at, problem, remedy } of error.mistakes) mistakes.add(place, `${at}: ${problem}`, remedy);
    return undefined;
  }
}
