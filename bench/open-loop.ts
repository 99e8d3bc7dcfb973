/**
 * Open-loop load: requests leave at a given rate whether the earlier ones were answered or not, as callers who do not
 * know of one another do. Latency counts from the instant at which a request was due, so a stall of the server, or of
 * this generator, is paid for by every request that it held up ("coordinated omission" is the name for forgetting that).
 *
 * Bounded in all directions: the number of requests is rate × duration, connections, requests that wait for a connection
 * and time per request have limits, and what was over a limit is counted as `unsent` or `timedOut`, never left out.
 *
 * A request moves  due → sent → good | refused | other,  or  due → unsent,  or  sent → failed | timedOut.
 *
 *   node bench/open-loop.ts --url http://127.0.0.1:3000/products --rate 2000 --seconds 10 [--json]
 */
import { parseArgs } from "node:util";
import { type Answer, HttpConnection, type Target, toRequestBytes } from "./load/http-connection.ts";
import { OpenLoopRecord, type OpenLoopResult, timedOut } from "./load/open-loop-record.ts";

export type { OpenLoopResult, OutcomeSummary, TimelineRow } from "./load/open-loop-record.ts";

export interface OpenLoopOptions {
  readonly target: Target;
  /** The bytes of request `index`, from 0. Made beforehand: what is computed here is the generator's time. */
  readonly request: (index: number) => Buffer;
  readonly ratePerSecond: number;
  readonly durationMs: number;
  /** Connections open at once. Default 256: more than a pool of callers has, fewer than a system allows without asking. */
  readonly maxConnections?: number;
  /** Requests that are due and have no connection yet; beyond it they are `unsent`. Default 10 000. */
  readonly maxWaiting?: number;
  /** From the instant due to the answer. Default 5 000. */
  readonly timeoutMs?: number;
  /** Length of a row of the timeline, in ms. Default 1 000. */
  readonly timelineStepMs?: number;
  /** Which answers are the work done. Default: status 200 to 299. */
  readonly isGood?: (status: number) => boolean;
  /** Which answers are an orderly refusal. Default: 429 and 503. */
  readonly isRefused?: (status: number) => boolean;
  /** Ends the run early; what was sent until then is told. */
  readonly signal?: AbortSignal;
}

/** Sends `ratePerSecond · durationMs / 1000` requests on time, waits for what is owed, and tells what came of them. */
export function runOpenLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  return new OpenLoop(options).run();
}

interface Due {
  readonly index: number;
  readonly dueAtMs: number;
}

class OpenLoop {
  readonly #options: Required<Omit<OpenLoopOptions, "signal">>;
  readonly #signal: AbortSignal | undefined;
  readonly #total: number;
  readonly #record: OpenLoopRecord;
  readonly #lanes = new Set<Lane>();
  readonly #free: Lane[] = [];
  /** First come, first served; `#waitingFrom` is its head, so that taking one does not move the rest. */
  #waiting: Due[] = [];
  #waitingFrom = 0;
  #next = 0;
  #inFlight = 0;
  #startedAtMs = 0;

  constructor(options: OpenLoopOptions) {
    const { signal, ...rest } = options;
    this.#signal = signal;
    this.#options = {
      maxConnections: 256,
      maxWaiting: 10_000,
      timeoutMs: 5_000,
      timelineStepMs: 1_000,
      isGood: (status) => status >= 200 && status < 300,
      isRefused: (status) => status === 429 || status === 503,
      ...rest,
    };
    this.#total = Math.round((options.ratePerSecond * options.durationMs) / 1_000);
    this.#record = new OpenLoopRecord(this.#options);
  }

  async run(): Promise<OpenLoopResult> {
    this.#startedAtMs = performance.now();
    this.#record.start(this.#startedAtMs);
    await new Promise<void>((resolve) => {
      const tick = (): void => {
        this.#sendDue();
        this.#dropOverdue();
        if (this.#isOver()) resolve();
        else setTimeout(tick, 1);
      };
      tick();
    });
    for (const lane of this.#lanes) lane.connection.close();
    return this.#record.result(performance.now());
  }

  #isOver(): boolean {
    const isAllSent = this.#next >= this.#total || this.#signal?.aborted === true;
    return isAllSent && this.#inFlight === 0 && this.#waitingFrom >= this.#waiting.length;
  }

  #sendDue(): void {
    if (this.#signal?.aborted === true) return;
    const { ratePerSecond } = this.#options;
    const nowMs = performance.now();
    const due = Math.min(this.#total, Math.floor(((nowMs - this.#startedAtMs) * ratePerSecond) / 1_000) + 1);
    for (; this.#next < due; this.#next += 1) {
      const dueAtMs = this.#startedAtMs + (this.#next * 1_000) / ratePerSecond;
      this.#record.due(dueAtMs, nowMs);
      this.#admit({ index: this.#next, dueAtMs });
    }
  }

  #admit(due: Due): void {
    const lane = this.#free.pop() ?? this.#openLane();
    if (lane !== undefined) this.#send(lane, due);
    else if (this.#waiting.length - this.#waitingFrom < this.#options.maxWaiting) this.#waiting.push(due);
    else this.#record.unsent(performance.now());
  }

  #openLane(): Lane | undefined {
    if (this.#lanes.size >= this.#options.maxConnections) return undefined;
    const lane: Lane = new Lane(this.#options.target, {
      onAnswer: (answer) => this.#take(lane, answer),
      onClosed: (reason, isWaiting) => this.#lose(lane, reason, isWaiting),
    });
    this.#lanes.add(lane);
    return lane;
  }

  #send(lane: Lane, due: Due): void {
    this.#inFlight += 1;
    this.#record.inFlight(this.#inFlight);
    lane.send(due.dueAtMs, this.#options.request(due.index));
  }

  #take(lane: Lane, { status }: Answer): void {
    this.#inFlight -= 1;
    this.#record.answer(status, lane, performance.now());
    lane.isBusy = false;
    this.#reuse(lane);
  }

  #reuse(lane: Lane): void {
    const waiting = this.#takeWaiting();
    if (waiting === undefined) this.#free.push(lane);
    else this.#send(lane, waiting);
  }

  #takeWaiting(): Due | undefined {
    const due = this.#waiting[this.#waitingFrom];
    if (due === undefined) return undefined;
    this.#waitingFrom += 1;
    if (this.#waitingFrom > 4_096) {
      this.#waiting = this.#waiting.slice(this.#waitingFrom);
      this.#waitingFrom = 0;
    }
    return due;
  }

  #lose(lane: Lane, reason: string, isWaiting: boolean): void {
    this.#lanes.delete(lane);
    const place = this.#free.indexOf(lane);
    if (place >= 0) this.#free.splice(place, 1);
    if (isWaiting) {
      this.#inFlight -= 1;
      this.#record.fail(reason, performance.now());
    }
    const waiting = this.#takeWaiting();
    if (waiting !== undefined) this.#admit(waiting);
  }

  /** Gives up on requests that have waited longer than `timeoutMs`, sent or not. */
  #dropOverdue(): void {
    const oldestMs = performance.now() - this.#options.timeoutMs;
    for (;;) {
      const head = this.#waiting[this.#waitingFrom];
      if (head === undefined || head.dueAtMs > oldestMs) break;
      this.#takeWaiting();
      this.#record.unsent(performance.now());
    }
    for (const lane of this.#lanes) {
      if (lane.isBusy && lane.dueAtMs < oldestMs) lane.connection.fail(timedOut);
    }
  }
}

/** A connection and the request that it carries. */
class Lane {
  readonly connection: HttpConnection;
  isBusy = false;
  dueAtMs = 0;
  sentAtMs = 0;

  constructor(target: Target, events: ConstructorParameters<typeof HttpConnection>[1]) {
    this.connection = new HttpConnection(target, events);
  }

  send(dueAtMs: number, request: Buffer): void {
    this.isBusy = true;
    this.dueAtMs = dueAtMs;
    this.sentAtMs = performance.now();
    this.connection.send(request);
  }
}

if (import.meta.main) await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      url: { type: "string" },
      rate: { type: "string", default: "100" },
      seconds: { type: "string", default: "10" },
      method: { type: "string", default: "GET" },
      header: { type: "string", multiple: true, default: [] },
      body: { type: "string" },
      connections: { type: "string", default: "256" },
      "timeout-ms": { type: "string", default: "5000" },
      json: { type: "boolean", default: false },
    },
  });
  if (values.url === undefined || !URL.canParse(values.url)) {
    process.stderr.write("node open-loop.ts --url URL [--rate N] [--seconds S] [--method M] [--header 'name: value']… [--body TEXT] [--connections N] [--timeout-ms N] [--json]\n");
    process.exitCode = 1;
    return;
  }
  const url = new URL(values.url);
  const target = { host: url.hostname, port: Number(url.port || "80") };
  const headers = Object.fromEntries(values.header.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]));
  const { method, body } = values;
  const bytes = toRequestBytes({ method, path: url.pathname + url.search, target, headers, ...(body === undefined ? {} : { body }) });

  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const result = await runOpenLoop({
    target,
    request: () => bytes,
    ratePerSecond: Number(values.rate),
    durationMs: Number(values.seconds) * 1_000,
    maxConnections: Number(values.connections),
    timeoutMs: Number(values["timeout-ms"]),
    signal: stop.signal,
  });
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : toText(result));
}

function toText(result: OpenLoopResult): string {
  const rows = (["good", "refused", "other"] as const).map((name) => {
    const { count, perSecond, latency } = result[name];
    return `${name.padEnd(8)} ${count} (${perSecond.toFixed(0)}/s)  p50 ${latency.p50Ms.toFixed(1)} ms  p99 ${latency.p99Ms.toFixed(1)} ms  max ${latency.maxMs.toFixed(1)} ms`;
  });
  const { due, failed, timedOut: late, unsent, maxInFlight, maxLagMs } = result;
  return `${rows.join("\n")}\ndue ${due}, failed ${failed}, timed out ${late}, unsent ${unsent}, in flight at most ${maxInFlight}, generator late by at most ${maxLagMs.toFixed(1)} ms\n`;
}
