/**
 * Durable events beside job queues on the same PostgreSQL: how quickly events that wait are handled (`noop`, `row`), how
 * long one event waits (`latency`), whether a queue that has grown slows its own draining (`backlog`), and what waiting
 * costs (`idle`).
 *
 * One measure after the other, each in rounds in which every subject has its turn: what is compared is seconds apart.
 */
import { BackendCpu } from "./backend-cpu.ts";
import { type Bench, type EventMeasure, type Outcome, type Scenario, type Skipped, withChosenSubjects } from "./bench.ts";
import { readDurability, ServerDatabase } from "./database.ts";
import { type EventsSubject, type EventValues, measureTurn } from "./event-turns.ts";
import { type Figure, type Pair, ratioOf, type Spread, spreadOf, spreadOfSubject } from "./ratio.ts";
import { runRounds } from "./rounds.ts";

export interface EventsOptions {
  readonly name: string;
  readonly about: string;
  readonly subjects: readonly EventsSubject[];
  readonly pairs: readonly Pair[];
}

interface EventFigure extends Figure {
  readonly measure: EventMeasure;
  readonly values: EventValues;
}

export function eventsScenario(options: EventsOptions): Scenario {
  const { name, about, subjects, pairs } = options;
  return { name, about, subjects, pairs, run: (bench) => run(withChosenSubjects(options, bench.settings), bench) };
}

async function run(options: EventsOptions, bench: Bench): Promise<Outcome | Skipped> {
  const { databaseUrl, events, rounds } = bench.settings;
  const problem = await ServerDatabase.problemWith(databaseUrl);
  if (problem !== undefined) return { skipped: problem };
  await tellOfBackends(bench);
  const figures: EventFigure[] = [];
  for (const measure of events.measures) {
    const measured = await runRounds<EventsSubject, EventFigure>({
      subjects: options.subjects,
      rounds,
      signal: bench.signal,
      measure: async (subject, round) => ({ round, subject: subject.name, measure, values: await measureTurn(measure, { subject, bench }) }),
      onFigure: (figure) => bench.say(lineOf(options.name, figure)),
    });
    figures.push(...measured);
  }
  return { ...summarize(options, figures), facts: { ...events, postgresql: await readDurability(databaseUrl) } };
}

async function tellOfBackends(bench: Bench): Promise<void> {
  await using backends = await BackendCpu.open(bench.settings.databaseUrl);
  if (backends === undefined) bench.say("the CPU time of PostgreSQL is left out: its processes cannot be seen from here");
}

/** Of these, more is better; of costs, the ratio is turned around. Latencies stay as they are: less is better. */
const ratios: Readonly<Record<string, (value: number) => number>> = {
  noopPerSecond: itself,
  noopCpuUs: inverse,
  noopDbCpuUs: inverse,
  rowPerSecond: itself,
  rowCpuUs: inverse,
  rowDbCpuUs: inverse,
  backlogPerSecond: itself,
  latencyP50Ms: itself,
  latencyP99Ms: itself,
};

function itself(value: number): number {
  return value;
}

function inverse(value: number): number {
  return 1 / value;
}

function summarize({ subjects, pairs }: EventsOptions, figures: readonly EventFigure[]): Outcome {
  return {
    subjects: Object.fromEntries(subjects.map(({ name }) => [name, spreadsOf(figures, name)])),
    ratios: Object.fromEntries(pairs.map((pair) => [`${pair.subject}/${pair.peer}`, ratiosOf(figures, pair)])),
    figures,
  };
}

function spreadsOf(figures: readonly EventFigure[], subject: string): Readonly<Record<string, Spread>> {
  return Object.fromEntries(
    namesOf(figures.filter((figure) => figure.subject === subject)).map((name) => [name, spreadOfSubject(having(figures, name), subject, (figure) => valueOf(figure, name))]),
  );
}

function ratiosOf(figures: readonly EventFigure[], pair: Pair): Readonly<Record<string, Spread>> {
  const compared = namesOf(figures).flatMap((name) => {
    const read = ratios[name];
    return read === undefined ? [] : [[name, ratioOf(having(figures, name), pair, (figure) => read(valueOf(figure, name)))] as const];
  });
  return Object.fromEntries(compared);
}

function namesOf(figures: readonly EventFigure[]): readonly string[] {
  return [...new Set(figures.flatMap(({ values }) => Object.keys(values)))];
}

function having(figures: readonly EventFigure[], name: string): readonly EventFigure[] {
  return figures.filter(({ values }) => name in values);
}

function valueOf({ values }: EventFigure, name: string): number {
  return values[name] ?? Number.NaN;
}

function lineOf(scenario: string, { round, subject, measure, values }: EventFigure): string {
  const cells = Object.entries(values).map(([name, value]) => `${name} ${spreadOf([value]).median.toLocaleString("en")}`);
  return `${scenario} ${measure} ${round === 0 ? "warm-up" : `round ${round}`}  ${subject.padEnd(24)} ${cells.join("  ")}`;
}
