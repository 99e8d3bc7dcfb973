/** A collector beside a subject, on the load's core, and the check that all that was asked for has arrived there. */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { CollectorReport } from "../load/collector-process.ts";
import type { Bench } from "./bench.ts";
import { type Child, ChildFailed } from "./children.ts";
import { onCore } from "./cores.ts";

const answerTimeoutMs = 5_000;
/** Exporters send what is left within five seconds, their standard delay. */
const arriveMs = 15_000;
const askEveryMs = 200;

export class Collector {
  /** What points a subject to it. */
  readonly env: Readonly<Record<string, string>>;
  readonly #child: Child;

  private constructor(child: Child, port: number) {
    this.#child = child;
    this.env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
  }

  static async open(bench: Bench): Promise<Collector> {
    const file = fileURLToPath(new URL("../load/collector-process.ts", import.meta.url));
    const child = bench.children.spawn("collector", onCore(bench.cores.load, [process.execPath, file]));
    const report = await child.next<CollectorReport>(answerTimeoutMs);
    if (!("port" in report)) throw new ChildFailed("the collector did not tell its port first");
    return new Collector(child, report.port);
  }

  /** Waits until there is a span for each answer. @throws {ChildFailed} some are missing after a while. */
  async assertSpans(subject: string, answers: number): Promise<void> {
    const giveUpAtMs = performance.now() + arriveMs;
    let spans = 0;
    while (performance.now() < giveUpAtMs) {
      const report = await this.#child.ask<CollectorReport>({ ask: "count" }, answerTimeoutMs);
      spans = "spans" in report ? report.spans : 0;
      if (spans >= answers) return;
      await sleep(askEveryMs);
    }
    throw new ChildFailed(`${subject}: ${answers} answers, and ${spans} spans came to the collector`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child.end();
  }
}
