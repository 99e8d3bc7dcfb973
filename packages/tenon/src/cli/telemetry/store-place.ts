/** Where the telemetry of an app is kept, for the commands that keep it and those that look at it. */
import { join, resolve } from "node:path";
import type { StoreReader } from "../../telemetry-store/index.ts";
import { findAppAround } from "../app-location.ts";
import type { OptionSpec } from "../command.ts";
import { configLayers } from "../config-layers.ts";
import { CommandProblem } from "../problem.ts";
import { showPath } from "../source-place.ts";

export interface StoreOptions {
  readonly store?: string;
}

export const storeOption: OptionSpec = { flags: "--store <directory>", about: "where telemetry is kept (default: telemetry in the app's TENON_DIRECTORY)" };

/** Absolute. Without an app around, as if there were one in the working directory: any program may send. */
export function storeDirectory({ store }: StoreOptions): string {
  if (store !== undefined) return resolve(store);
  const home = findAppAround(process.cwd())?.home ?? process.cwd();
  const named = configLayers(home).map(({ values }) => values["TENON_DIRECTORY"]).find((value) => value !== undefined && value !== "");
  return resolve(home, named ?? ".tenon", "telemetry");
}

/** Runs a task with the store open for reading. @throws {CommandProblem} there is none. */
export async function withReader<T>(options: StoreOptions, task: (reader: StoreReader) => T | Promise<T>): Promise<T> {
  const directory = storeDirectory(options);
  const { StoreReader } = await import("../../telemetry-store/index.ts");
  using reader = openReader(StoreReader, directory);
  return await task(reader);
}

function openReader(door: { open(directory: string): StoreReader }, directory: string): StoreReader {
  try {
    return door.open(directory);
  } catch (cause) {
    throw new CommandProblem((cause as Error).message.replace(directory, showPath(directory)), {
      remedy: [
        `run "tenon telemetry", and let programs send to it: OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318`,
        `or say where it is: --store ${join("path", "to", "telemetry")}`,
      ].join("\n"),
      cause,
    });
  }
}
