/**
 * Follows docs/tutorial.md to the letter: writes its files, makes its edits, runs its commands and compares what they
 * print with what it shows. Takes half a minute, most of it for embedded databases.
 *
 * Not run are what needs another copy of Tenon (packing, installing), a server (`npm run dev`, curl) or a client of one.
 * An edit of the chapter "Break it" is undone before the next one.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { type Block, blocksOf } from "./markdown.ts";
import { readText, root } from "./source-files.ts";

const run = promisify(execFile);
const sources = "--conditions=tenon-source";
const tenon = join(root, "packages/tenon/bin/tenon.js");
const typescript = join(root, "node_modules/typescript/bin/tsc");

/** What the reader types, as this repository runs it: here nothing is installed, and `tenon` is its sources. */
const commands: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "npx --yes --package ./tenon/tenon-0.1.0.tgz tenon new library": [[tenon, "new", "library"]],
  "npx tenon new books": [[tenon, "new", "books"]],
  "npx tenon new loans": [[tenon, "new", "loans"]],
  "npx tenon check": [[tenon, "check"]],
  "npx tenon describe": [[tenon, "describe"]],
  "npx tsc": [[typescript, "-p", ".", "--customConditions", "tenon-source", "--pretty", "false"]],
  "npm run check": [[typescript, "-p", ".", "--customConditions", "tenon-source", "--pretty", "false"], [tenon, "check"]],
  "npm test": [[sources, "--test", "test/*.test.ts"]],
};

/** A reader's desk: a directory, and the files as they were before an edit that is to be undone. */
class Desk {
  readonly #directory: string;
  #home: string;
  #undo: (() => Promise<void>) | undefined = undefined;

  constructor(directory: string) {
    this.#directory = directory;
    this.#home = directory;
  }

  async write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.#home, path)), { recursive: true });
    await writeFile(join(this.#home, path), text);
  }

  /** Makes the edit of a `diff` block, whose fence names the file: lines with `-` go, lines with `+` come, others stand as they are. */
  async edit(block: Block, file: string): Promise<void> {
    await this.undo();
    const path = join(this.#home, file);
    const before = await readFile(path, "utf8");
    let after = before;
    for (const hunk of hunksOf(block.text)) {
      assert.ok(after.includes(hunk.old), `${block.document}:${block.line} edits what is not there:\n${hunk.old}`);
      after = after.replace(hunk.old, () => hunk.new);
    }
    await writeFile(path, after);
    this.#undo = () => writeFile(path, before);
  }

  async undo(): Promise<void> {
    await this.#undo?.();
    this.#undo = undefined;
  }

  /** What a line prints: on standard output and error, one after the other. Lines that are not run give `undefined`. */
  async type(line: string): Promise<string | undefined> {
    if (line === "cd library") this.#home = join(this.#directory, "library");
    if (line.startsWith("rm -r ")) await Promise.all(line.split(" ").slice(2).map((path) => rm(join(this.#home, path), { recursive: true })));
    const steps = line.split(" && ").map((each) => commands[each]);
    if (steps.includes(undefined)) return undefined;
    let printed = "";
    for (const args of steps.flat() as (readonly string[])[]) printed = await this.#node(args);
    return printed;
  }

  async #node(args: readonly string[]): Promise<string> {
    const env = { ...process.env, NO_COLOR: "1", NODE_TEST_CONTEXT: undefined };
    const { stdout, stderr } = await run(process.execPath, [...args], { cwd: this.#home, env }).catch((failure: { readonly stdout: string; readonly stderr: string }) => failure);
    if (args.includes("--test")) assert.match(stdout, /^. fail 0$/m, stdout);
    return withoutSources(stdout + stderr).trim();
  }
}

/** Here the compiler looks into the sources of Tenon too, with the app's settings; an installed package has only types. */
function withoutSources(printed: string): string {
  return printed.replaceAll(/^\.\.\/.*\n(?: .*\n)*/gm, "");
}

interface Hunk {
  readonly old: string;
  readonly new: string;
}

/** A line of the old text that follows one of the new begins another place. */
function hunksOf(diff: string): readonly Hunk[] {
  const hunks: { old: string; new: string }[] = [];
  let previous = "";
  for (const line of diff.trimEnd().split("\n")) {
    const [mark = " ", text] = [line[0], `${line.slice(1)}\n`];
    if (hunks.length === 0 || (mark === "-" && previous === "+")) hunks.push({ old: "", new: "" });
    const hunk = hunks.at(-1) as { old: string; new: string };
    if (mark !== "+") hunk.old += text;
    if (mark !== "-") hunk.new += text;
    previous = mark;
  }
  return hunks;
}

test("the tutorial can be followed to the letter, and prints what it shows", { timeout: 180_000 }, async () => {
  await mkdir(join(root, ".tenon"), { recursive: true });
  const directory = await mkdtemp(join(root, ".tenon", "tutorial-"));
  try {
    const desk = new Desk(directory);
    const tutorial = readText("docs/tutorial.md");
    const lines = tutorial.text.split("\n");
    const blocks = blocksOf(tutorial);
    let compared = 0;
    for (const [index, block] of blocks.entries()) {
      if (block.language === "diff") await desk.edit(block, lines[block.line - 2]?.replace("```diff ", "") ?? "");
      if (block.file !== undefined) await desk.write(block.file, block.text);
      if (block.language !== "sh") continue;
      const printed: string[] = [];
      for (const line of block.text.trimEnd().split("\n")) printed.push((await desk.type(line)) ?? "");
      const shown = blocks[index + 1];
      const last = printed.filter((each) => each !== "").at(-1);
      if (shown?.language !== "text" || last === undefined) continue;
      assert.equal(last, shown.text.trim(), `docs/tutorial.md:${shown.line}`);
      compared += 1;
    }
    assert.ok(compared >= 8, `only ${compared} outputs were compared`);
  } finally {
    await rm(directory, { recursive: true });
  }
});
