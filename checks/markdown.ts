/**
 * What the documents promise, taken at its word. In README.md and under docs/:
 *
 * - a `ts` block compiles. `ts file=orders/contract.ts` gives it a name, by which other blocks of the same document
 *   import it; a block of any language may have one, so that an example can bring its SQL.
 * - `ts run` is run besides, and prints what the `text` block after it shows.
 * - a `json` block is JSON.
 *
 * And in every document a link to a file of the repository, or to a heading, leads somewhere. Blocks of `sh` are not
 * looked at here.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { text } from "node:stream/consumers";
import { readText, root, type TextFile } from "./source-files.ts";

export interface Block {
  readonly document: string;
  /** Line of the first line of code, from 1. */
  readonly line: number;
  /** The first word after the fence; empty where there is none. */
  readonly language: string;
  /** The path under which it is written, where the block has one. */
  readonly file: string | undefined;
  readonly isRun: boolean;
  readonly text: string;
}

const fence = /^( {0,3}|\s*(?:[-*]|\d+\.)\s+)(`{3,}|~{3,})(.*)$/;

/** The fenced blocks of a document, in order. */
export function blocksOf(document: TextFile): readonly Block[] {
  const blocks: Block[] = [];
  const lines = document.text.split("\n");
  let at = 0;
  while (at < lines.length) {
    const opening = fence.exec(lines[at] ?? "");
    at += 1;
    if (opening === null) continue;
    const [, , mark = "", info = ""] = opening;
    const start = at;
    while (at < lines.length && !isClosing(lines[at] ?? "", mark)) at += 1;
    blocks.push(toBlock(document.path, { line: start + 1, info, lines: lines.slice(start, at) }));
    at += 1;
  }
  return blocks;
}

function isClosing(line: string, mark: string): boolean {
  const trimmed = line.trim();
  return trimmed.length >= mark.length && trimmed === mark[0]?.repeat(trimmed.length);
}

function toBlock(document: string, found: { readonly line: number; readonly info: string; readonly lines: readonly string[] }): Block {
  const words = found.info.trim().split(/\s+/);
  return {
    document,
    line: found.line,
    language: words[0] ?? "",
    file: words.find((word) => word.startsWith("file="))?.slice("file=".length),
    isRun: words.includes("run"),
    text: `${found.lines.join("\n")}\n`,
  };
}

/** Blocks that are not what they say: JSON that does not parse, a name given twice, a run without the text that it prints. */
export function wrongBlocks(documents: readonly TextFile[]): readonly string[] {
  return documents.flatMap((document) => {
    const blocks = blocksOf(document);
    const files = blocks.map((block) => block.file);
    return blocks.flatMap((block, index) => {
      const place = `${block.document}:${block.line}`;
      const problems: string[] = [];
      if (block.language === "json" && !isJson(block.text)) problems.push(`${place} is not JSON`);
      if (block.file !== undefined && files.indexOf(block.file) !== index) problems.push(`${place} names ${block.file}, which is there already`);
      if (block.isRun && block.language !== "ts") problems.push(`${place} cannot be run: only \`ts\` can`);
      if (block.isRun && blocks[index + 1]?.language !== "text") problems.push(`${place} is run, and no \`text\` block after it shows what it prints`);
      return problems;
    });
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Writes every example to a folder inside of the repository, where `tenon` can be found as users find it, compiles them
 * all at once and runs those that ask for it.
 */
export async function wrongExamples(documents: readonly TextFile[]): Promise<readonly string[]> {
  const blocks = documents.flatMap(blocksOf).filter((block) => block.language === "ts" || block.file !== undefined);
  if (blocks.length === 0) return [];
  await mkdir(join(root, ".tenon"), { recursive: true });
  const folder = await mkdtemp(join(root, ".tenon", "documents-"));
  try {
    await Promise.all(blocks.map((block) => writeExample(folder, block)));
    const compiled = await compile(folder);
    return compiled.length > 0 ? compiled : await runAll(folder, documents);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function exampleName(block: Block): string {
  return block.file ?? `line-${block.line}.ts`;
}

async function writeExample(folder: string, block: Block): Promise<void> {
  const path = join(folder, block.document, exampleName(block));
  await mkdir(dirname(path), { recursive: true });
  // Empty lines before the code, so that the compiler counts as the reader of the document does.
  const padding = block.language === "ts" ? "\n".repeat(block.line - 1) : "";
  await writeFile(path, padding + block.text);
}

interface Outcome {
  readonly output: string;
  readonly isOk: boolean;
}

const runMaxMs = 60_000;

/** Runs this very Node with the sources of `tenon` selected. Ends it when it takes too long. */
async function runNode(args: readonly string[], cwd: string): Promise<Outcome> {
  const child = spawn(process.execPath, ["--conditions=tenon-source", ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: runMaxMs,
    killSignal: "SIGKILL",
    env: { ...process.env, NO_COLOR: "1" },
  });
  const ended = new Promise<boolean>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code === 0));
  });
  const [out, err, isOk] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { output: isOk ? out : out + err, isOk };
}

async function compile(folder: string): Promise<readonly string[]> {
  const options = { noEmit: true, moduleDetection: "force", noUnusedLocals: false };
  const config = { extends: join(root, "tsconfig.base.json"), compilerOptions: options, include: ["**/*.ts"] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  const { output, isOk } = await runNode([join(root, "node_modules/typescript/bin/tsc"), "-p", ".", "--pretty", "false"], folder);
  if (isOk) return [];
  // Errors in the product's own sources are the type check's to tell; a path of theirs leads out of the folder.
  const problems = output.trim().split("\n").filter((line) => !line.startsWith("../"));
  return problems.filter((line, index) => line.startsWith(" ") ? index > 0 : true).map(toDocumentPlace);
}

/** `docs/a.md/orders/contract.ts(12,3): error TS…` is line 12 of the document. */
function toDocumentPlace(line: string): string {
  return line.replace(/^(.*?\.md)\/(\S+)\((\d+),\d+\): error /, "$1:$3 ($2) does not compile: ");
}

/** As many at once as the smallest machine of ours has cores. */
const runsAtOnce = 2;

async function runAll(folder: string, documents: readonly TextFile[]): Promise<readonly string[]> {
  const examples = documents.flatMap((document) => {
    const blocks = blocksOf(document);
    return blocks.flatMap((block, index) => (block.isRun ? [{ document, block, shown: blocks[index + 1]?.text ?? "" }] : []));
  });
  const problems: (string | undefined)[] = [];
  const waiting = examples.entries();
  const work = async (): Promise<void> => {
    for (const [index, { block, document, shown }] of waiting) {
      const { output, isOk } = await runNode([exampleName(block)], join(folder, document.path));
      const place = `${document.path}:${block.line}`;
      if (!isOk) problems[index] = `${place} fails when it is run:\n${output.trimEnd()}`;
      else if (output.trimEnd() !== shown.trimEnd()) problems[index] = `${place} prints\n${output.trimEnd()}\nand the document shows\n${shown.trimEnd()}`;
    }
  };
  await Promise.all(Array.from({ length: runsAtOnce }, work));
  return problems.filter((problem) => problem !== undefined);
}

/** Links into the repository that lead nowhere. Addresses of other sites are not visited. */
export function brokenLinks(documents: readonly TextFile[]): readonly string[] {
  return documents.flatMap((document) => {
    const prose = withoutCode(document.text);
    const links = [...prose.matchAll(/!?\[[^\]]*\]\(\s*<?([^()\s>]+(?:\([^()\s]*\))?)>?[^)]*\)|^ {0,3}\[[^\]]+\]: *(\S+)/gm)];
    return links.flatMap((link) => {
      const target = link[1] ?? link[2] ?? "";
      const problem = problemOf(document, target);
      const line = prose.slice(0, link.index).split("\n").length;
      return problem === undefined ? [] : [`${document.path}:${line} links to ${target}: ${problem}`];
    });
  });
}

function problemOf(document: TextFile, target: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined;
  const [path = "", anchor] = target.split("#");
  const resolved = posix.join(posix.dirname(document.path), decodeURIComponent(path));
  if (path.startsWith("/")) return "links are relative to the document";
  if (path === "") return anchorsOf(document.text).has(anchor ?? "") ? undefined : "the document has no such heading";
  if (resolved.startsWith("..") || !existsSync(join(root, resolved))) return "there is no such file";
  if (anchor === undefined || !resolved.endsWith(".md")) return undefined;
  return anchorsOf(readText(resolved).text).has(anchor) ? undefined : "the document has no such heading";
}

/** The anchors that GitHub gives to headings. */
export function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of withoutCode(markdown, "fences").matchAll(/^#{1,6}\s+(.*?)\s*#*$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-");
    let name = slug;
    for (let count = 1; anchors.has(name); count += 1) name = `${slug}-${count}`;
    anchors.add(name);
  }
  return anchors;
}

/** The text with fenced blocks, and with code between backticks unless only fences are meant, turned into spaces. */
function withoutCode(markdown: string, what: "all" | "fences" = "all"): string {
  const lines = markdown.split("\n");
  let mark: string | undefined;
  const open = lines.map((line) => {
    const opening = mark === undefined ? fence.exec(line)?.[2] : undefined;
    const isCode = mark !== undefined || opening !== undefined;
    if (opening !== undefined) mark = opening;
    else if (mark !== undefined && isClosing(line, mark)) mark = undefined;
    return isCode ? " ".repeat(line.length) : line;
  });
  const prose = open.join("\n");
  return what === "all" ? prose.replaceAll(/(`+)[^`\n]+?\1/g, (code) => " ".repeat(code.length)) : prose;
}
