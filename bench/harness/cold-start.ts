/**
 * Cold start: from the spawn of the process to the last byte of the first answer, of an application with ten routes and
 * no database. The compile cache of Node (`NODE_COMPILE_CACHE`) is on for every subject and warm after round 0, as it
 * is on a machine where a service is restarted.
 *
 * Told in ms of waiting, and in ms of CPU that the process had used by then, which is the steadier of the two.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bench, type Outcome, type Scenario, type Subject, withChosenSubjects } from "./bench.ts";
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
  /** What is asked first: answered by 200 and this text, whole. */
  readonly path: string;
  readonly expected: string;
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
  const cacheFolder = await mkdtemp(join(tmpdir(), "tenon-bench-compile-cache-"));
  try {
    const figures = await runRounds<Subject, ColdStartFigure>({
      subjects: options.subjects,
      rounds: bench.settings.rounds,
      signal: bench.signal,
      measure: (subject, round) => measure({ options, bench, subject, round, cacheFolder }),
      onFigure: ({ round, subject, firstAnswerMs, cpuMs }) =>
        bench.say(`${options.name} ${round === 0 ? "warm-up" : `round ${round}`}  ${subject.padEnd(22)} first answer after ${firstAnswerMs.toFixed(0)} ms, ${cpuMs.toFixed(0)} ms CPU`),
    });
    return summarize(options, figures);
  } finally {
    await rm(cacheFolder, { recursive: true, force: true });
  }
}

interface Turn {
  readonly options: ColdStartOptions;
  readonly bench: Bench;
  readonly subject: Subject;
  readonly round: number;
  readonly cacheFolder: string;
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

async function startOnce({ options, bench, subject, cacheFolder }: Turn): Promise<{ firstAnswerMs: number; cpuMs: number }> {
  const startedAtMs = performance.now();
  await using server = await SubjectProcess.open(subject, bench, { NODE_COMPILE_CACHE: cacheFolder });
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
