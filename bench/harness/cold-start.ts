/**
 * Cold start: from the spawn of the process to the last byte of the first answer, of an application with ten routes and
 * no database. Node's compile cache is on for every subject and warm after round 0, as it is where a service is restarted.
 *
 * Told in ms of waiting, and in ms of CPU that the process had used by then, which is the steadier of the two.
 */
import { type Bench, type Outcome, type Scenario, type Subject, withChosenSubjects } from "./bench.ts";
import { CompileCache } from "./compile-cache.ts";
import { fetchOnce } from "./first-answer.ts";
import { type Figure, type Pair, ratioOf, spreadOf, spreadOfSubject } from "./ratio.ts";
import { runRounds } from "./rounds.ts";
import { SubjectProcess } from "./subject-process.ts";

/** Starts in one turn; their median is the turn's figure. */
const startsPerTurn = 5;

export interface ColdStartOptions {
  readonly name: string;
  readonly about: string;
  readonly subjects: readonly Subject[];
  readonly pairs: readonly Pair[];
  /** What is asked first: answered by 200 and this value as JSON. */
  readonly path: string;
  readonly expected: object;
}

interface ColdStartFigure extends Figure {
  readonly firstAnswerMs: number;
  readonly cpuMs: number;
  readonly starts: readonly { readonly firstAnswerMs: number; readonly cpuMs: number }[];
}

export function coldStartScenario(options: ColdStartOptions): Scenario {
  const { name, about, subjects, pairs } = options;
  return { name, about, subjects, pairs, run: (bench) => run(withChosenSubjects(options, bench.settings), bench) };
}

async function run(options: ColdStartOptions, bench: Bench): Promise<Outcome> {
  await using cache = await CompileCache.open();
  const figures = await runRounds<Subject, ColdStartFigure>({
    subjects: options.subjects,
    rounds: bench.settings.rounds,
    signal: bench.signal,
    measure: (subject, round) => measure({ options, bench, subject, round, cache }),
    onFigure: ({ round, subject, firstAnswerMs, cpuMs }) =>
      bench.say(`${options.name} ${round === 0 ? "warm-up" : `round ${round}`}  ${subject.padEnd(22)} first answer after ${firstAnswerMs.toFixed(0)} ms, ${cpuMs.toFixed(0)} ms CPU`),
  });
  return summarize(options, figures);
}

interface Turn {
  readonly options: ColdStartOptions;
  readonly bench: Bench;
  readonly subject: Subject;
  readonly round: number;
  readonly cache: CompileCache;
}

async function measure(turn: Turn): Promise<ColdStartFigure> {
  const starts: { firstAnswerMs: number; cpuMs: number }[] = [];
  for (let start = 0; start < startsPerTurn; start += 1) starts.push(await startOnce(turn));
  return {
    round: turn.round,
    subject: turn.subject.name,
    firstAnswerMs: spreadOf(starts.map((start) => start.firstAnswerMs)).median,
    cpuMs: spreadOf(starts.map((start) => start.cpuMs)).median,
    starts,
  };
}

async function startOnce({ options, bench, subject, cache }: Turn): Promise<{ firstAnswerMs: number; cpuMs: number }> {
  const startedAtMs = performance.now();
  await using server = await SubjectProcess.open(subject, bench, cache.env);
  await fetchOnce(server.port, options.path, options.expected);
  const firstAnswerMs = performance.now() - startedAtMs;
  const { cpuUs } = await server.readUsage();
  return { firstAnswerMs, cpuMs: cpuUs / 1_000 };
}

function summarize({ subjects, pairs }: ColdStartOptions, figures: readonly ColdStartFigure[]): Outcome {
  const firstAnswerMs = (figure: ColdStartFigure) => figure.firstAnswerMs;
  const cpuMs = (figure: ColdStartFigure) => figure.cpuMs;
  return {
    subjects: Object.fromEntries(
      subjects.map(({ name }) => [
        name,
        { firstAnswerMs: spreadOfSubject(figures, name, firstAnswerMs), cpuMs: spreadOfSubject(figures, name, cpuMs) },
      ]),
    ),
    ratios: Object.fromEntries(
      pairs.map((pair) => [
        `${pair.subject}/${pair.peer}`,
        { firstAnswer: ratioOf(figures, pair, firstAnswerMs), cpu: ratioOf(figures, pair, cpuMs) },
      ]),
    ),
    figures,
  };
}
