/**
 * The drill that kills workers: two processes handle jobs, and one of them is killed with SIGKILL at a random point while
 * jobs are handled, and replaced at once; again and again. Then the effects are counted.
 *
 * The plan (how many jobs are handled before each kill, how long after, and who dies) follows from the seed. What is under
 * way at that instant does not: processes run as the machine lets them.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { JobQueue, JobSubject } from "./jobs/job-subject.ts";
import { postgresDatabase } from "./postgres-database.ts";
import { ServerProcess } from "./server-process.ts";

export interface JobKillOptions {
  readonly subject: JobSubject;
  /** Of a database whose user may create others. */
  readonly url: string;
  readonly jobs: number;
  /** As many phases, each with its part of the jobs; 0: all at once, and nobody dies. */
  readonly kills: number;
  /** Uniform in [0, 1): the plan of the drill. */
  readonly random: () => number;
  /** The longest wait in the end, in ms, and so for twice a lease. Default 60 s. */
  readonly patienceMs?: number;
  readonly tell?: (text: string) => void;
}

export interface JobKillResult {
  readonly subject: string;
  readonly jobs: number;
  readonly kills: number;
  /** Neither applied nor going to be: the tool has finished with them or given them up. */
  readonly lost: number;
  readonly appliedTwice: number;
  /** Not finished in the end, whether applied or not. */
  readonly stuck: number;
  /** Of those that are stuck: their effect is missing too. */
  readonly stuckUnapplied: number;
  readonly leaseMs: number;
  /** From the last kill until everything was finished, or until it was no longer waited for. */
  readonly waitedMs: number;
}

const workerCount = 2;
/** A job takes up to so long before its effect: enough that kills meet jobs half done. */
const jobWorkMs = 10;
/** Between two looks at how far the workers are. */
const lookEveryMs = 5;
/** A kill comes up to so long after its point was reached, since looks come late by a part of that. */
const killLateMaxMs = 10;
/** Part of the jobs of a phase that may be handled before its kill: the rest is there for it to meet. */
const killWithinShare = 0.7;
/** After this a kill comes, however few jobs were handled. */
const phaseMaxMs = 30_000;
/** A lease that is not waited for: jobs are stuck when nothing has moved for so long. */
const quietMs = 5_000;
const settleEveryMs = 100;
const defaultPatienceMs = 60_000;

export async function runJobKills(options: JobKillOptions): Promise<JobKillResult> {
  const { jobs, kills, subject } = options;
  await using database = await postgresDatabase(options.url);
  await using queue = await subject.open(database.url);
  const env = { ...subject.workerEnv, DATABASE_URL: database.url, JOB_WORK_MS: String(jobWorkMs) };
  const start = (): Promise<ServerProcess> => ServerProcess.start(subject.worker, env);
  const workers = await Promise.all(Array.from({ length: workerCount }, start));
  try {
    const names = Array.from({ length: jobs }, (_, number) => `job-${number}`);
    if (kills === 0) await queue.enqueue(names);
    for (let kill = 0; kill < kills; kill += 1) {
      const phase = names.slice(Math.floor((kill * jobs) / kills), Math.floor(((kill + 1) * jobs) / kills));
      await letWork(queue, phase, options.random);
      const victim = Math.floor(options.random() * workerCount);
      await workers[victim]?.kill();
      workers[victim] = await start();
      options.tell?.(`${subject.name}: ${kill + 1} kills, ${await queue.countEffects()} effects`);
    }
    const waitedMs = await settle(queue, options);
    return { subject: subject.name, jobs, kills, ...(await count(queue, names)), leaseMs: subject.leaseMs, waitedMs };
  } finally {
    await Promise.all(workers.map((worker) => worker.kill()));
  }
}

/** Enqueues, and waits until a random part of it has been handled. */
async function letWork(queue: JobQueue, phase: readonly string[], random: () => number): Promise<void> {
  const goal = (await queue.countEffects()) + Math.ceil(random() * phase.length * killWithinShare);
  const lateMs = random() * killLateMaxMs;
  await queue.enqueue(phase);
  const untilMs = performance.now() + phaseMaxMs;
  while (performance.now() < untilMs && (await queue.countEffects()) < goal) await pause(lookEveryMs);
  await pause(lateMs);
}

/**
 * Waits until all is finished, or nothing has moved for twice the lease, or, where that is too long to wait for, for a
 * while. The time of a lease counts from the last movement: a tool that is slow is not one that is stuck.
 */
async function settle(queue: JobQueue, { subject, patienceMs = defaultPatienceMs }: JobKillOptions): Promise<number> {
  const startMs = performance.now();
  const quietMaxMs = subject.leaseMs * 2 <= patienceMs ? subject.leaseMs * 2 : quietMs;
  let seen = "";
  let movedMs = startMs;
  for (;;) {
    const unfinished = (await queue.readUnfinished()).length;
    const nowMs = performance.now();
    const state = `${unfinished}/${await queue.countEffects()}`;
    if (state !== seen) movedMs = nowMs;
    seen = state;
    if (unfinished === 0 || nowMs - movedMs > quietMaxMs || nowMs - startMs > patienceMs) return Math.round(nowMs - startMs);
    await pause(settleEveryMs);
  }
}

async function count(queue: JobQueue, names: readonly string[]): Promise<Pick<JobKillResult, "lost" | "appliedTwice" | "stuck" | "stuckUnapplied">> {
  // Unfinished first: a job that is finished between the two readings is then counted as stuck, never as lost.
  const unfinished = new Set(await queue.readUnfinished());
  const effects = Map.groupBy(await queue.readEffects(), (job) => job);
  return {
    lost: names.filter((job) => !effects.has(job) && !unfinished.has(job)).length,
    appliedTwice: [...effects.values()].filter((each) => each.length > 1).length,
    stuck: unfinished.size,
    stuckUnapplied: [...unfinished].filter((job) => !effects.has(job)).length,
  };
}

/** What its documentation promises and the drill refuted, in words; none of it is a fault of the drill. */
export function brokenPromises(result: JobKillResult, { promise }: JobSubject): readonly string[] {
  return [
    ...(result.lost > 0 ? [`${result.lost} lost`] : []),
    ...(promise === "exactly once" && result.appliedTwice > 0 ? [`${result.appliedTwice} applied twice`] : []),
    ...(result.stuck > 0 && result.waitedMs > result.leaseMs ? [`${result.stuck} stuck beyond the lease`] : []),
  ];
}
