/** Checkpoints of audit trails in a file: a line of JSON each, added and never changed, and on the disk before the next one. */
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { AuditAnchor, Checkpoint } from "../audit/index.ts";

export class FileAnchor implements AuditAnchor {
  readonly name = "file";
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async keep(checkpoint: Checkpoint): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    const file = await open(this.#path, "a", 0o600);
    try {
      await file.appendFile(`${JSON.stringify(checkpoint)}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}

/**
 * Checkpoints of such a file. A last line that was cut short by a crash is left out.
 *
 * @throws {SyntaxError} another line is not readable: somebody has changed it.
 */
export async function readCheckpoints(path: string): Promise<readonly Checkpoint[]> {
  const lines = (await readFile(path, "utf8")).split("\n");
  const whole = lines.slice(0, -1); // behind the last line end there is nothing, or half a line
  return whole.filter((line) => line !== "").map((line) => JSON.parse(line) as Checkpoint);
}
