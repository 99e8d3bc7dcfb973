/** A subject as a running server: started on its core, asked what it has spent, ended. */
import { fileURLToPath } from "node:url";
import type { SubjectReport, SubjectUsage } from "../subjects/control.ts";
import type { Bench, Subject } from "./bench.ts";
import { type Child, ChildFailed } from "./children.ts";
import { onCore } from "./cores.ts";

/** A server that is not up by then will not be. */
const startTimeoutMs = 20_000;
const answerTimeoutMs = 5_000;

/** Node's flags for every subject: the platform runs from its sources, which a build that was forgotten cannot outdate. */
export const subjectFlags: readonly string[] = ["--conditions=tenon-source", ...process.execArgv.filter((flag) => flag !== "--conditions=tenon-source")];

export class SubjectProcess {
  readonly port: number;
  readonly #child: Child;

  private constructor(child: Child, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Spawns and waits until it listens. @throws {ChildFailed} */
  static async open(subject: Subject, bench: Bench, env: Readonly<Record<string, string>> = {}): Promise<SubjectProcess> {
    const command = onServerCore(subject, bench);
    const child = bench.children.spawn(subject.name, command, { env: { ...env, ...subject.env } });
    const report = await child.next<SubjectReport>(startTimeoutMs);
    if (!("port" in report)) throw new ChildFailed(`${subject.name} did not tell its port first`);
    return new SubjectProcess(child, report.port);
  }

  async readUsage(): Promise<SubjectUsage> {
    const report = await this.#child.ask<SubjectReport>({ ask: "usage" }, answerTimeoutMs);
    if (!("usage" in report)) throw new ChildFailed(`${this.#child.name} did not tell its usage`);
    return report.usage;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child.end();
  }
}

function onServerCore(subject: Subject, bench: Bench): readonly string[] {
  return onCore(bench.cores.server, [process.execPath, ...subjectFlags, fileURLToPath(new URL(`../${subject.file}`, import.meta.url))]);
}
