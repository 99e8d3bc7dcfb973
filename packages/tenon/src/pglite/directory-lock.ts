/**
 * One process at a time in a data directory: PGlite itself does not look, and two would destroy it. The lock is a file
 * beside the directory with the number of the process that holds it; that of a dead process is taken over.
 */
import { mkdir, open, readFile, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../kernel/index.ts";

/** Between two looks, in ms, while the process before this one is still closing. */
const lookEveryMs = 50;

interface Holder {
  readonly pid: number;
  readonly startedAtMs: number;
}

export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * @param waitMs  How long to wait for another process to let go: a restart overlaps with the end of the process before.
 * @throws {Fault} `unavailable` when another process still holds it.
 */
export async function lockDirectory(directory: string, waitMs: number): Promise<DirectoryLock> {
  const path = `${directory.replace(/\/+$/, "")}.lock`;
  await mkdir(dirname(path), { recursive: true });
  const untilMs = performance.now() + waitMs;
  for (;;) {
    if (await create(path)) return { release: () => removeOwn(path) };
    const holder = await holderOf(path);
    if (holder === undefined || !isAlive(holder)) {
      await unlink(path).catch(ignoreMissing);
      continue;
    }
    if (performance.now() > untilMs) {
      throw new Fault("unavailable", `the data directory is in use by another process (${holder.pid}): ${directory}`, {
        facts: { process: holder.pid, directory },
      });
    }
    await sleep(lookEveryMs);
  }
}

async function create(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.write(`${process.pid} ${startedAtMs()}`);
    await file.close();
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** `undefined` where the file is gone, or was left empty by a process that was killed while it wrote. */
async function holderOf(path: string): Promise<Holder | undefined> {
  try {
    const holder = parseHolder(await readFile(path, "utf8"));
    if (holder !== undefined) return holder;
    await sleep(lookEveryMs); // it may be about to be written
    return parseHolder(await readFile(path, "utf8"));
  } catch (error) {
    ignoreMissing(error);
    return undefined;
  }
}

function parseHolder(text: string): Holder | undefined {
  const [, pid, startedAtMs] = /^(\d+) (\d+)$/.exec(text) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), startedAtMs: Number(startedAtMs) };
}

/** When this process began, in ms since 1970. */
function startedAtMs(): number {
  return Math.round(performance.timeOrigin);
}

function isAlive(holder: Holder): boolean {
  // In a container every process may be number 1: its own number from another start is a life before this one.
  if (holder.pid === process.pid) return holder.startedAtMs === startedAtMs();
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

async function removeOwn(path: string): Promise<void> {
  await unlink(path).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== "ENOENT") throw error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
