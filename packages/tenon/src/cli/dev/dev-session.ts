/**
 * The life of `tenon dev`: one process that runs the app, one that waits to be the next, and a watcher.
 *
 *     saved ─► stop the old process ┐
 *                                   ├─► open the new one ─► ready ─► a spare process is started ─► wait
 *              load the new one ────┘          │
 *                    │ fails                   │ fails
 *                    └──────────────► tell why, and wait for the next save
 *
 * Loading and stopping overlap; opening waits for both, because the embedded database has one owner at a time. A save
 * in between starts the round again.
 */
import { basename, dirname, extname, join } from "node:path";
import { envFile } from "../config-layers.ts";
import { toProblem } from "../explain-error.ts";
import type { CommandProblem } from "../problem.ts";
import { AppChild, type Ready } from "./app-child.ts";
import { SourceWatcher } from "./source-watcher.ts";

export type DevEvent =
  | { readonly kind: "ready"; readonly ready: Ready; readonly ms: number; readonly changed: readonly string[]; readonly watched: number }
  | { readonly kind: "failed"; readonly problem: CommandProblem; readonly changed: readonly string[] }
  | { readonly kind: "restarting"; readonly changed: readonly string[] }
  | { readonly kind: "looking"; readonly reason: string };

export interface DevSessionOptions {
  /** The app's file. */
  readonly file: string;
  /** The app's directory. */
  readonly home: string;
  readonly output: "standard output" | "standard error";
  /** For where the app has none of its own. */
  readonly settings: Readonly<Record<string, string>>;
  readonly onEvent: (event: DevEvent) => void;
}

export class DevSession {
  readonly #options: DevSessionOptions;
  readonly #watcher: SourceWatcher;
  #running: AppChild | undefined = undefined;
  #spare: AppChild | undefined = undefined;
  /** Files that any process of this session has imported. */
  readonly #imported = new Set<string>();
  /** Files saved that no process was started for yet. */
  #saved = new Set<string>();
  #round: Promise<void> | undefined = undefined;
  /** What the last app said that started. */
  #ready: Ready | undefined = undefined;
  /** Whether the last round failed, or what it started has ended. */
  #isBroken = false;
  #isEnding = false;

  constructor(options: DevSessionOptions) {
    this.#options = options;
    this.#watcher = new SourceWatcher({
      directory: dirname(options.file),
      onChange: (files) => this.#onSave(files),
      onFallback: (reason) => options.onEvent({ kind: "looking", reason }),
    });
    this.#watcher.add([join(options.home, envFile)]);
  }

  /** Starts the app for the first time. Resolves when that has succeeded or failed. */
  async start(): Promise<void> {
    this.#begin([]);
    await this.#round;
  }

  /** Ends all processes. Resolves when they are gone. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#watcher.close();
    this.#spare?.kill(); // it has nothing open that could be lost
    await Promise.all([this.#running?.stop(), this.#spare?.gone]);
  }

  /** Ends all processes at once. */
  kill(): void {
    this.#isEnding = true;
    this.#running?.kill();
    this.#spare?.kill();
  }

  #onSave(files: readonly string[]): void {
    if (this.#isEnding) return;
    const spareIsStale = files.some((file) => this.#spare?.files.has(file));
    if (spareIsStale) this.#dropSpare();
    const relevant = files.filter((file) => this.#concerns(file));
    if (relevant.length > 0) this.#begin(relevant);
  }

  /**
   * What was imported counts, migrations and settings besides. A test that is edited does not restart the app, nor does
   * a file that the app itself writes. While an app is loading or broken, any file may be one that it wants.
   */
  #concerns(file: string): boolean {
    const mayBeWanted = this.#isBroken || this.#round !== undefined;
    return mayBeWanted || this.#imported.has(file) || extname(file) === ".sql" || basename(file) === envFile;
  }

  #begin(saved: readonly string[]): void {
    for (const file of saved) this.#saved.add(file);
    this.#round ??= this.#restart().finally(() => {
      this.#round = undefined;
      if (this.#saved.size > 0 && !this.#isEnding) this.#begin([]);
    });
  }

  async #restart(): Promise<void> {
    const startedMs = performance.now();
    const changed = [...this.#saved];
    this.#saved = new Set();
    if (changed.length > 0) this.#options.onEvent({ kind: "restarting", changed });
    const before = this.#running;
    const next = this.#spare?.isUsable === true ? this.#spare : this.#spawn();
    this.#spare = undefined;
    this.#running = next;
    try {
      const [loaded] = await Promise.allSettled([next.load(this.#options.file), before?.stop()]);
      if (this.#isEnding) return;
      if (loaded.status === "rejected") throw loaded.reason;
      if (this.#saved.size > 0) {
        for (const file of changed) this.#saved.add(file);
        return; // what was loaded is no more what is on the disk
      }
      const ready = await next.open({ migrations: this.#mayBringMigrations(changed) ? "likely" : "unlikely", settings: this.#options.settings });
      this.#ready = ready;
      this.#isBroken = false;
      this.#options.onEvent({ kind: "ready", ready, changed, ms: performance.now() - startedMs, watched: this.#watcher.size });
      void next.gone.then(() => this.#onGone(next));
    } catch (thrown) {
      if (this.#isEnding) return;
      this.#isBroken = true;
      this.#options.onEvent({ kind: "failed", problem: toProblem(thrown), changed });
    }
    this.#spare ??= this.#spawn();
    if (this.#ready?.database === "embedded") this.#spare.warm();
  }

  /** Unless all that was saved is code of an app that ran: then its database is up to date. */
  #mayBringMigrations(changed: readonly string[]): boolean {
    return this.#ready === undefined || this.#isBroken || changed.some((file) => !this.#imported.has(file));
  }

  /** The app ended while it ran. */
  #onGone(child: AppChild): void {
    if (this.#isEnding || child !== this.#running || child.problem === undefined) return;
    this.#isBroken = true;
    this.#options.onEvent({ kind: "failed", problem: child.problem, changed: [] });
  }

  #spawn(): AppChild {
    return new AppChild({
      output: this.#options.output,
      onFiles: (files) => {
        for (const file of files) this.#imported.add(file);
        this.#watcher.add(files);
      },
    });
  }

  #dropSpare(): void {
    this.#spare?.kill();
    this.#spare = undefined;
  }
}
