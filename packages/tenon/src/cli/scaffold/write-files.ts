/** Writes new files, all or none, and never over one that is there. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CommandProblem } from "../problem.ts";

export interface NewFile {
  /** From the project's directory, with `/`. */
  readonly path: string;
  readonly text: string;
}

/**
 * @param directory  Made when missing.
 * @throws {CommandProblem} some of the files exist; none was written.
 */
export function writeNewFiles(directory: string, files: readonly NewFile[]): void {
  const existing = files.filter(({ path }) => existsSync(join(directory, path)));
  if (existing.length > 0) {
    throw new CommandProblem(`nothing is overwritten, and there is already:\n${existing.map(({ path }) => `  ${path}`).join("\n")}`, {
      remedy: "choose another name, or move what is there away",
    });
  }
  for (const { path, text } of files) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { flag: "wx" });
  }
}
