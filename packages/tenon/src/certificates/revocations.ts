/**
 * The list of certificates that are withdrawn before their end: a text file, a line for each, with the serial of the
 * certificate in hexadecimal digits or the SPIFFE id of a service, whose certificates are then all refused. `#` begins
 * a remark.
 */
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { isSpiffeId } from "../identity/index.ts";
import { Fault } from "../kernel/index.ts";

/** @throws {Fault} `invalid_argument` with the first line that is neither. */
export function parseRevocations(text: string): ReadonlySet<string> {
  const revoked = new Set<string>();
  for (const [index, line] of text.split("\n").entries()) {
    const entry = line.replace(/#.*$/, "").trim();
    if (entry !== "") revoked.add(toEntry(entry, `line ${index + 1}`));
  }
  return revoked;
}

/** Adds a line. @throws {Fault} `invalid_argument` */
export async function revoke(path: string, serialOrId: string, remark: string): Promise<void> {
  const entry = toEntry(serialOrId, "this");
  await mkdir(dirname(path), { recursive: true });
  await appendFile(path, `${entry} # ${remark}\n`);
}

/** The text of the list; empty where there is no file. */
export async function readRevocations(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

function toEntry(text: string, where: string): string {
  if (isSpiffeId(text)) return text;
  const serial = text.replaceAll(":", "").toUpperCase().replace(/^0+(?=.)/, "");
  if (/^[\dA-F]{1,40}$/.test(serial)) return serial;
  throw new Fault("invalid_argument", `${where} is neither the serial of a certificate nor a SPIFFE id: ${JSON.stringify(text)}`);
}
