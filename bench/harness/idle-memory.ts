/**
 * Idle memory: the resident set of the ten-route application, 3 s after it listens and nobody has called, and again 3 s
 * after a few hundred calls. Node's compile cache is on and warm, so that the stripper of types is not counted.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Bench, type Outcome, type Scenario, type Subject, withChosenSubjects } from "./bench.ts";
import { CompileCache } from "./compile-cache.ts";
import { fetchOnce } from "./first-answer.ts";
import { type Figure, type Pair, ratioOf, spreadOfSubject } from "./ratio.ts";
import { runRounds } from "./rounds.ts";
import { SubjectProcess } from "./subject-process.ts";

const idleMs = 3_000;
/** Enough to have every path run once or more, and to have filled what is filled at first use. */
const warmUpCalls = 300;

export interface IdleMemoryOptions {
  readonly name: string;
  readonly about: string;
  readonly subjects: readonly Subject[];
  readonly pairs: readonly Pair[];
  readonly path: string;
  readonly expected: object;
}

interface IdleMemoryFigure extends Figure {
  readonly idleMb: number;
  readonly warmMb: number;
}

export function idleMemoryScenario(options: IdleMemoryOptions): Scenario {
  const { name, about, subjects, pairs } = options;
  return { name, about, subjects, pairs, run: (bench) => run(withChosenSubjects(options, bench.settings), bench) };
}

async function run(options: IdleMemoryOptions, bench: Bench): Promise<Outcome> {
  await using cache = await CompileCache.open();
  const figures = await runRounds<Subject, IdleMemoryFigure>({
    subjects: options.subjects,
    rounds: bench.settings.rounds,
    signal: bench.signal,
    measure: (subject, round) => measure({ options, bench, subject, round, cache }),
    onFigure: ({ round, subject, idleMb, warmMb }) =>
      bench.say(`${options.name} ${round === 0 ? "warm-up" : `round ${round}`}  ${subject.padEnd(22)} ${idleMb.toFixed(1)} MB idle, ${warmMb.toFixed(1)} MB after ${warmUpCalls} calls`),
  });
  return summarize(options, figures);
}

interface Turn {
  readonly options: IdleMemoryOptions;
  readonly bench: Bench;
  readonly subject: Subject;
  readonly round: number;
  readonly cache: CompileCache;
}

async function measure({ options, bench, subject, round, cache }: Turn): Promise<IdleMemoryFigure> {
  await using server = await SubjectProcess.open(subject, bench, cache.env);
  await sleep(idleMs, undefined, { signal: bench.signal });
  const idle = await server.readUsage();
  for (let call = 0; call < warmUpCalls; call += 1) await fetchOnce(server.port, options.path, options.expected);
  await sleep(idleMs, undefined, { signal: bench.signal });
  const warm = await server.readUsage();
  return { round, subject: subject.name, idleMb: idle.rssBytes / 1024 / 1024, warmMb: warm.rssBytes / 1024 / 1024 };
}

function summarize({ subjects, pairs }: IdleMemoryOptions, figures: readonly IdleMemoryFigure[]): Outcome {
  const idleMb = (figure: IdleMemoryFigure) => figure.idleMb;
  const warmMb = (figure: IdleMemoryFigure) => figure.warmMb;
  return {
    subjects: Object.fromEntries(
      subjects.map(({ name }) => [name, { idleMb: spreadOfSubject(figures, name, idleMb), warmMb: spreadOfSubject(figures, name, warmMb) }]),
    ),
    ratios: Object.fromEntries(
      pairs.map((pair) => [
        `${pair.subject}/${pair.peer}`,
        { idle: ratioOf(figures, pair, idleMb), warm: ratioOf(figures, pair, warmMb) },
      ]),
    ),
    figures,
  };
}
