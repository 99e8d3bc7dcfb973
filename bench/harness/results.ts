/** Results as they are kept: everything measured, and on what. One file per scenario and run, never written over. */
import { mkdir, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import type { Bench, Outcome, Scenario } from "./bench.ts";
import { subjectFlags } from "./subject-process.ts";

const packages = ["fastify", "@fastify/jwt", "@fastify/rate-limit", "prom-client", "pino", "pg-boss", "graphile-worker", "pg", "@nats-io/transport-node", "@nats-io/jetstream", "zod", "tenon"];

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly placement: string;
  readonly node: string;
  readonly nodeFlags: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  /** Over the last minute, when the run began. */
  readonly loadAverage: number;
}

export function describeMachine({ cores }: Pick<Bench, "cores">): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${release()} ${process.arch}`,
    placement: cores.note,
    node: process.version,
    nodeFlags: subjectFlags,
    versions: Object.fromEntries(packages.map((name) => [name, versionOf(name)])),
    loadAverage: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

export interface Kept {
  readonly folder: string;
  readonly scenario: Scenario;
  readonly outcome: Outcome;
  readonly settings: Bench["settings"];
  readonly machine: Machine;
  readonly startedAt: Date;
}

/** The path of the file: `2026-05-10T093000Z-order.json`. */
export async function keepResults({ folder, scenario, outcome, settings, machine, startedAt }: Kept): Promise<string> {
  await mkdir(folder, { recursive: true });
  const stamp = startedAt.toISOString().replaceAll(":", "").replace(/\.\d+/, "");
  const path = join(folder, `${stamp}-${scenario.name}.json`);
  const content = {
    scenario: scenario.name,
    about: scenario.about,
    startedAt: startedAt.toISOString(),
    machine,
    rounds: settings.rounds,
    windowSeconds: settings.seconds,
    ...outcome.facts,
    subjects: outcome.subjects,
    ratios: outcome.ratios,
    figures: outcome.figures,
  };
  await writeFile(path, `${JSON.stringify(content, undefined, 1)}\n`);
  return path;
}

/** Packages are looked up from here upwards, as Node does; their `exports` seldom show their package.json. */
function versionOf(name: string): string {
  for (const folder of ["../node_modules/", "../../node_modules/"]) {
    try {
      const text = readFileSync(new URL(`${folder}${name}/package.json`, import.meta.url), "utf8");
      return String((JSON.parse(text) as { version?: unknown }).version);
    } catch {
      continue; // not installed at this level
    }
  }
  return "not installed";
}
