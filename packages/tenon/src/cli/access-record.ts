/** The agreed matrix of rights in a file beside the app, and how it compares with what the app has. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { App } from "../service/index.ts";
import type { AccessMatrix, AccessRecord } from "../trust/index.ts";
import { CommandProblem } from "./problem.ts";

export const recordFile = "access.json";

export interface PresentAccess {
  readonly matrix: AccessMatrix;
  readonly record: AccessRecord;
}

export async function presentAccess(app: App): Promise<PresentAccess> {
  const [{ operationsOf }, { principalsOf }, { accessMatrix, systemCaller, toAccessRecord }] = await Promise.all([import("../contract/index.ts"), import("../service/index.ts"), import("../trust/index.ts")]);
  const matrix = accessMatrix(app.services.flatMap(({ contract }) => operationsOf(contract)));
  const principals = app.services.flatMap((service) => principalsOf(service).slice(1).map((id) => systemCaller(service.name, id.slice(service.name.length + 1), app.grants)));
  return { matrix, record: toAccessRecord(matrix, principals) };
}

/** What was agreed, or `undefined` where nothing was. @throws {CommandProblem} the file cannot be read. */
export function readAccessRecord(home: string): AccessRecord | undefined {
  const path = join(home, recordFile);
  if (!existsSync(path)) return undefined;
  try {
    const value = JSON.parse(readFileSync(path, "utf8")) as Partial<AccessRecord> | null;
    if (value?.tenon === 1 && typeof value.operations === "object" && typeof value.principals === "object") return value as AccessRecord;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new CommandProblem(`${recordFile} is no matrix of rights`, { remedy: "write it anew with tenon access --write, and look at what changed" });
}

export function toRecordText(record: AccessRecord): string {
  return `${JSON.stringify(record, undefined, 2)}\n`;
}
