/**
 * Closed-loop load: a fixed number of connections, each of which sends its next request when it has its answer. It
 * finds how much a server can do. It does not find how long callers wait when the server cannot keep up, because a slow
 * server is asked less: `open-loop.ts` is for that.
 *
 * A run ends by sending nothing more and waiting for the answers that are owed, so all that was sent is counted and the
 * server is idle between two runs.
 */
import type { Workload } from "../workloads/workload.ts";
import { type Answer, HttpConnection, type Target } from "./http-connection.ts";
import { Latencies, type LatencySummary } from "./latencies.ts";

export interface ClosedLoopOptions {
  readonly target: Target;
  readonly workload: Workload;
  /** One per connection; empty for a workload without callers. */
  readonly tokens: readonly string[];
  readonly connections: number;
}

export interface ClosedLoopResult {
  /** Answers with the status that was expected. */
  readonly answers: number;
  /** Answers by which the server said that it is too busy: 429 and 503. */
  readonly refused: number;
  /** Answers with another status or a wrong body, and requests that got none. */
  readonly errors: number;
  /** The first failures in words, five at most. */
  readonly firstErrors: readonly string[];
  /** From the first request to the last answer. */
  readonly elapsedMs: number;
  readonly latency: LatencySummary;
}

export class ClosedLoop {
  readonly #options: ClosedLoopOptions;
  readonly #lanes: Lane[] = [];

  constructor(options: ClosedLoopOptions) {
    this.#options = options;
    for (let index = 0; index < options.connections; index += 1) {
      const token = options.tokens[index % Math.max(options.tokens.length, 1)];
      this.#lanes.push(new Lane(options.target, options.workload, token));
    }
  }

  /** Sends for `forMs`, waits for what is owed, and gives back what happened. One run at a time. */
  async run(forMs: number): Promise<ClosedLoopResult> {
    const tally = new Tally();
    const startedAtMs = performance.now();
    const runs = this.#lanes.map((lane) => lane.run(startedAtMs + forMs, tally));
    await Promise.all(runs);
    return tally.result(performance.now() - startedAtMs);
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
  }

  get workload(): Workload {
    return this.#options.workload;
  }
}

class Tally {
  readonly latencies = new Latencies();
  answers = 0;
  refused = 0;
  errors = 0;
  readonly #firstErrors: string[] = [];

  fail(reason: string): void {
    this.errors += 1;
    if (this.#firstErrors.length < 5) this.#firstErrors.push(reason);
  }

  result(elapsedMs: number): ClosedLoopResult {
    const { answers, refused, errors } = this;
    return { answers, refused, errors, firstErrors: this.#firstErrors, elapsedMs, latency: this.latencies.summary() };
  }
}

/** One connection with the requests of one caller. */
class Lane {
  readonly #connection: HttpConnection;
  readonly #workload: Workload;
  readonly #requests: readonly Buffer[];
  #next = 0;
  #sentAtMs = 0;
  #untilMs = 0;
  #tally = new Tally();
  #finish: (() => void) | undefined = undefined;
  /** Requests whose answer has been compared whole: each distinct one once per connection. */
  #verified = 0;
  #closedBecause: string | undefined = undefined;

  constructor(target: Target, workload: Workload, token: string | undefined) {
    this.#workload = workload;
    this.#requests = workload.requests(target, token);
    this.#connection = new HttpConnection(target, {
      onAnswer: (answer) => this.#take(answer),
      onClosed: (reason) => this.#end(reason),
    });
  }

  run(untilMs: number, tally: Tally): Promise<void> {
    this.#untilMs = untilMs;
    this.#tally = tally;
    return new Promise((resolve) => {
      this.#finish = resolve;
      if (this.#closedBecause === undefined) this.#send();
      else this.#end(this.#closedBecause);
    });
  }

  close(): void {
    this.#connection.close();
  }

  #send(): void {
    this.#sentAtMs = performance.now();
    this.#connection.send(this.#requests[this.#next] as Buffer);
  }

  #take(answer: Answer): void {
    const nowMs = performance.now();
    const isRefused = answer.status === 429 || answer.status === 503;
    const problem = isRefused ? undefined : this.#problemOf(answer);
    if (isRefused) {
      this.#tally.refused += 1;
    } else if (problem === undefined) {
      this.#tally.answers += 1;
      this.#tally.latencies.record(nowMs - this.#sentAtMs);
    } else {
      this.#tally.fail(problem);
    }
    this.#next = (this.#next + 1) % this.#requests.length;
    if (nowMs < this.#untilMs) this.#send();
    else this.#settle();
  }

  /** The status of every answer is checked, and the whole body of the first answer to each request. */
  #problemOf({ status, body }: Answer): string | undefined {
    if (status !== this.#workload.status) return `status ${status}: ${body.toString("utf8").slice(0, 300)}`;
    if (this.#verified >= this.#requests.length) return undefined;
    this.#verified += 1;
    return this.#workload.problemOf(body.toString("utf8"), this.#next);
  }

  #end(reason: string): void {
    this.#closedBecause = reason;
    if (this.#finish !== undefined) this.#tally.fail(reason);
    this.#settle();
  }

  #settle(): void {
    this.#finish?.();
    this.#finish = undefined;
  }
}
