/**
 * Levels of the log that change while the app runs. It takes a signal and a file of the app's own directory, so only who
 * may stop the process, or write its files, can change what it says: there is no address to protect.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../kernel/index.ts";
import type { LogWriter } from "../telemetry/index.ts";
import { type Levels, parseLevels } from "./log-levels.ts";
import { SettingProblem } from "./setting.ts";

export interface LevelSwitchOptions {
  readonly log: LogWriter;
  /** Where the file `log-levels` may be. */
  readonly directory: string;
  readonly configured: Levels;
}

export class LevelSwitch {
  readonly #options: LevelSwitchOptions;
  #isLoud = false;

  constructor(options: LevelSwitchOptions) {
    this.#options = options;
  }

  async next(): Promise<void> {
    const { configured, directory, log } = this.#options;
    const path = join(directory, "log-levels");
    const text = await readFile(path, "utf8").catch(() => undefined);
    try {
      const isLoud = text === undefined && !this.#isLoud;
      const levels = text !== undefined ? parseLevels(text, configured) : isLoud ? { level: "debug" as const, levels: new Map() } : configured;
      this.#isLoud = isLoud;
      log.setLevel(levels.level, levels.levels);
      tell(log, levels, text === undefined ? "a signal" : path);
    } catch (error) {
      if (!(error instanceof SettingProblem)) throw error;
      log.warn(`the levels of the log stay as they are: ${path} ${error.message}`);
    }
  }
}

/** At a level that is on, whatever the levels are: who asked for silence wants to know that it was heard. */
function tell(log: Pick<Log, "error" | "warn" | "info"> & Pick<LogWriter, "isOn">, { level, levels }: Levels, by: string): void {
  const say = (["info", "warn", "error"] as const).find((each) => log.isOn(each)) ?? "error";
  log[say]("the levels of the log were changed", { all: level, services: [...levels].map((pair) => pair.join("=")).join(",") || undefined, by });
}
