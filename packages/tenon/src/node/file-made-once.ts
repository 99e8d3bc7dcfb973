/**
 * A file that is made once and then shared by every process that opens it: a key of development, most of the time. Nobody ever
 * reads half of it, and of several processes that start at once, one makes it and all read the same.
 *
 * It is written whole under another name, and linked to its own: that fails where the file has come to be. On file systems
 * without hard links (exFAT, some shared folders) it is renamed instead: of two processes that come in the same moment the
 * last one wins, and the first has to start again.
 */
import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** The file cannot be read or made. */
export class MadeOnceError extends Error {
  override readonly name = "MadeOnceError";
  readonly problem: "cannot be read" | "cannot be made" | "was removed while it was made";
  /** Of the system: `EACCES`. */
  readonly code: string;

  constructor(file: string, problem: MadeOnceError["problem"], cause?: unknown) {
    const code = codeOf(cause);
    super(`${file} ${problem}${cause === undefined ? "" : ` (${code})`}`, cause === undefined ? undefined : { cause });
    this.problem = problem;
    this.code = code;
  }
}

/** How a file is put in its place: in tests, as on a file system without hard links. */
export interface FileOperations {
  readonly link: (from: string, to: string) => Promise<void>;
}

/**
 * What a file holds; where it is not there, it is made first, for its owner's eyes only, with the directories around it.
 *
 * @param make  Makes the text. What another process has made meanwhile counts, and not this.
 * @throws {MadeOnceError}
 */
export async function readOrMake(file: string, make: () => string | Promise<string>, { link: put }: FileOperations = { link }): Promise<string> {
  const known = await readIfThere(file);
  if (known !== undefined) return known;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await publish(file, await make(), put);
  } catch (cause) {
    throw new MadeOnceError(file, "cannot be made", cause);
  }
  const made = await readIfThere(file); // and not what was made here: another process may have been first
  if (made === undefined) throw new MadeOnceError(file, "was removed while it was made");
  return made;
}

async function publish(file: string, text: string, put: FileOperations["link"]): Promise<void> {
  const draft = `${file}.${randomUUID()}.tmp`;
  await writeFile(draft, text, { mode: 0o600, flag: "wx" });
  try {
    await put(draft, file);
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST" && !(await isThere(file))) await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT" || codeOf(cause) === "ENOTDIR") return undefined;
    throw new MadeOnceError(file, "cannot be read", cause);
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return false;
    throw cause;
  }
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "unknown";
}
