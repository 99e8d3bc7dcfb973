/**
 * Tells when a file is saved: those of a directory and below that an app is made of, and single files elsewhere that
 * it imports.
 *
 * What the operating system reports only says where to look. Whether a file was changed is decided by its size and
 * time, so a save that an editor makes in three steps is told once, and a file that was only read is not told. Each
 * directory is watched by itself, because Linux has nothing that watches a tree, and Node's imitation of it would walk
 * through node_modules.
 *
 * Where directories cannot be watched (the limit of inotify, some network disks) all files are looked at every 500 ms.
 */
import { type Dirent, type FSWatcher, readdirSync, statSync, watch } from "node:fs";
import { basename, dirname, extname, join } from "node:path";

/** Events of one save come within a few ms; a person does not notice as many more. */
const settleMs = 20;
const lookEveryMs = 500;

/** What apps are made of, besides what they import. Other files are the app's own business: uploads, logs. */
const watchedEndings = new Set([".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".json", ".sql", ".wasm"]);
const unwatchedDirectories = new Set(["node_modules", "dist", "coverage"]);

export interface SourceWatcherOptions {
  readonly directory: string;
  /** Absolute paths of files that were made, changed or removed since the last time. */
  readonly onChange: (files: readonly string[]) => void;
  /** Watching does not work, and files are looked at from time to time instead. */
  readonly onFallback: (reason: string) => void;
}

export class SourceWatcher {
  readonly #options: SourceWatcherOptions;
  /** By directory; `undefined` for one that is looked at from time to time. */
  readonly #watchers = new Map<string, FSWatcher | undefined>();
  /** Directories of which single files are watched, and those files. */
  readonly #single = new Map<string, Set<string>>();
  /** What each file looked like when it was last seen. */
  readonly #seen = new Map<string, string>();
  readonly #dirty = new Set<string>();
  #settling: NodeJS.Timeout | undefined = undefined;
  #looking: NodeJS.Timeout | undefined = undefined;

  constructor(options: SourceWatcherOptions) {
    this.#options = options;
    this.#enter(options.directory);
  }

  /** How many files are watched. */
  get size(): number {
    return this.#seen.size;
  }

  /** Watches files that are not in the directory too. */
  add(files: readonly string[]): void {
    for (const file of files) {
      if (this.#seen.has(file) || file.includes("/node_modules/")) continue;
      const directory = dirname(file);
      this.#seen.set(file, lookOf(file));
      if (this.#watchers.has(directory) && !this.#single.has(directory)) continue;
      const single = this.#single.get(directory) ?? new Set();
      this.#single.set(directory, single.add(file));
      this.#watch(directory);
    }
  }

  close(): void {
    clearTimeout(this.#settling);
    clearInterval(this.#looking);
    for (const watcher of this.#watchers.values()) watcher?.close();
    this.#watchers.clear();
  }

  /** Watches a directory and all below it. Returns the files that were not known before. */
  #enter(directory: string): readonly string[] {
    const entries = entriesOf(directory);
    // The files of a database: many, and written all the time.
    if (entries.some((entry) => entry.name === "PG_VERSION")) return [];
    this.#single.delete(directory);
    this.#watch(directory);
    const found: string[] = [];
    for (const entry of entries) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) {
        if (!this.#watchers.has(path) && isWatchedDirectory(entry.name)) found.push(...this.#enter(path));
      } else if (isWatchedFile(entry.name) && !this.#seen.has(path)) {
        this.#seen.set(path, lookOf(path));
        found.push(path);
      }
    }
    return found;
  }

  #watch(directory: string): void {
    if (this.#watchers.has(directory)) return;
    try {
      const watcher = watch(directory, () => this.#look(directory));
      watcher.on("error", () => this.#leave(directory)); // on Windows, when it was removed
      this.#watchers.set(directory, watcher);
    } catch (error) {
      this.#watchers.set(directory, undefined);
      this.#fallBack(error as Error);
    }
  }

  #fallBack(reason: Error): void {
    if (this.#looking !== undefined) return;
    this.#options.onFallback(reason.message);
    this.#looking = setInterval(() => {
      for (const [directory, watcher] of this.#watchers) {
        if (watcher === undefined) this.#look(directory);
      }
    }, lookEveryMs);
  }

  #leave(directory: string): void {
    this.#watchers.get(directory)?.close();
    this.#watchers.delete(directory);
  }

  #look(directory: string): void {
    this.#dirty.add(directory);
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      const changed = [...this.#dirty].flatMap((each) => this.#changesIn(each));
      this.#dirty.clear();
      if (changed.length > 0) this.#options.onChange([...new Set(changed)].toSorted());
    }, settleMs);
  }

  #changesIn(directory: string): readonly string[] {
    const known = [...this.#seen.keys()].filter((file) => dirname(file) === directory);
    const changed = known.filter((file) => {
      const look = lookOf(file);
      if (look === this.#seen.get(file)) return false;
      if (look === "") this.#seen.delete(file);
      else this.#seen.set(file, look);
      return true;
    });
    if (this.#single.has(directory)) {
      // A file that is replaced is gone for a moment; it is still one that the app imports.
      for (const file of changed) if (!this.#seen.has(file)) this.#seen.set(file, "");
      return changed;
    }
    for (const each of this.#watchers.keys()) {
      if (dirname(each) === directory && !isDirectory(each)) this.#leave(each);
    }
    return isDirectory(directory) ? [...changed, ...this.#enter(directory)] : changed;
  }
}

function isWatchedDirectory(name: string): boolean {
  return !name.startsWith(".") && !unwatchedDirectories.has(name);
}

function isWatchedFile(name: string): boolean {
  return watchedEndings.has(extname(name)) || basename(name) === ".env";
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function entriesOf(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // it was removed since
  }
}

/** Changes whenever the file does; empty when it is not there. */
function lookOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true ? `${found.mtimeMs} ${found.size} ${found.ino}` : "";
}
