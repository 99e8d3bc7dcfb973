/**
 * The command line: `[scenario…] [--rounds N] [--seconds S] [--subjects A,B] [--json] [--results FOLDER]`, and for the
 * scenario `events` `[--jobs N] [--backlog N] [--measures A,B]`.
 */
import { parseArgs } from "node:util";
import { type EventMeasure, eventMeasures, type EventSettings } from "./bench.ts";

export interface BenchArguments {
  /** Names of scenarios; empty: all. */
  readonly scenarios: readonly string[];
  /** Default 5: fewer are no ground for a ratio. */
  readonly rounds: number;
  /** Length of a window. Default 4. */
  readonly seconds: number;
  /** Names of subjects; empty: all of each scenario. */
  readonly subjects: readonly string[];
  readonly wantsJson: boolean;
  readonly wantsHelp: boolean;
  /** Where raw results go. Default `bench/results`. */
  readonly resultsFolder: string | undefined;
  /** Default: 10 000 jobs, 100 000 waiting, every measure. */
  readonly events: EventSettings;
}

export class WrongArguments extends Error {
  override readonly name = "WrongArguments";
}

/** @throws {WrongArguments} in words that say what is meant. */
export function parseBenchArguments(argv: readonly string[], known: readonly string[]): BenchArguments {
  const { values, positionals } = parse(argv);
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new WrongArguments(`there is no scenario ${unknown.join(", ")}; there are ${known.join(", ")}`);
  return {
    scenarios: positionals,
    rounds: numberFrom("--rounds", values.rounds ?? "5", { min: 1, max: 100, isWhole: true }),
    seconds: numberFrom("--seconds", values.seconds ?? "4", { min: 0.1, max: 120, isWhole: false }),
    subjects: values.subjects?.split(",") ?? [],
    wantsJson: values.json ?? false,
    wantsHelp: values.help ?? false,
    resultsFolder: values.results,
    events: {
      jobs: numberFrom("--jobs", values.jobs ?? "10000", { min: 100, max: 1_000_000, isWhole: true }),
      backlog: numberFrom("--backlog", values.backlog ?? "100000", { min: 100, max: 10_000_000, isWhole: true }),
      measures: measuresFrom(values.measures),
    },
  };
}

function measuresFrom(text: string | undefined): readonly EventMeasure[] {
  if (text === undefined) return eventMeasures;
  const names: readonly string[] = text.split(",");
  const unknown = names.filter((name) => !eventMeasures.some((measure) => measure === name));
  if (unknown.length > 0) throw new WrongArguments(`there is no measure ${unknown.join(", ")}; there are ${eventMeasures.join(", ")}`);
  return eventMeasures.filter((measure) => names.includes(measure));
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        rounds: { type: "string" },
        seconds: { type: "string" },
        subjects: { type: "string" },
        json: { type: "boolean" },
        results: { type: "string" },
        jobs: { type: "string" },
        backlog: { type: "string" },
        measures: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new WrongArguments(error instanceof Error ? error.message : String(error));
  }
}

interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly isWhole: boolean;
}

function numberFrom(name: string, text: string, { min, max, isWhole }: NumberRange): number {
  const value = Number(text);
  if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) return value;
  throw new WrongArguments(`${name} ${text}: a ${isWhole ? "whole " : ""}number from ${min} to ${max}`);
}
