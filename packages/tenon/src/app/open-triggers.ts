/** What sets services to work by itself, read and checked before anything runs. */
import { ContractMistakes, MistakeList } from "../contract/index.ts";
import { parseSchedule, type Schedule, type ScheduleTime } from "../events/index.ts";
import { type App, placeOfTrigger, type ScheduleTrigger } from "../service/index.ts";

/**
 * The schedules of each service, by its name.
 *
 * @throws {ContractMistakes} with everything that is wrong in all services.
 */
export function parseSchedules(app: App): ReadonlyMap<string, readonly Schedule[]> {
  const mistakes = new MistakeList(`the app "${app.name}"`);
  const parsed = app.services.map(({ name, triggers }) => [name, triggers.flatMap((trigger) => parseOne(trigger, name, mistakes))] as const);
  mistakes.assertNone();
  return new Map(parsed);
}

function parseOne(trigger: ScheduleTrigger, service: string, mistakes: MistakeList): readonly Schedule[] {
  const time = gathered(() => parseSchedule(trigger.when), `${service}: ${placeOfTrigger(trigger)}`, mistakes);
  return time === undefined ? [] : [{ name: trigger.name, time, missed: trigger.options.missed ?? "once" }];
}

function gathered(parse: () => ScheduleTime, place: string, mistakes: MistakeList): ScheduleTime | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ContractMistakes)) throw error;
    for (const { at, problem, remedy } of error.mistakes) mistakes.add(place, `${at}: ${problem}`, remedy);
    return undefined;
  }
}
