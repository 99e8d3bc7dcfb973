/** `emit`: an event of the service's own contract, cut to what the contract says, on its way with the command's COMMIT. */
import type { Call } from "../calls/index.ts";
import { isPromise, nodeOf } from "../calls/index.ts";
import { type ContractEvent, createParser, type Parser, type ParseResult } from "../contract/index.ts";
import type { Work } from "../data/index.ts";
import type { Clock, IdSource } from "../kernel/index.ts";
import type { EventSeals } from "../privacy/index.ts";
import type { RecordedSpan, SpanShape } from "../telemetry/index.ts";
import type { EventRecord } from "./envelope.ts";
import { eventMaxBytes, Outbox } from "./outbox.ts";
import type { Wakes } from "./wakes.ts";

export interface EmitterOptions {
  readonly service: string;
  /** What its contract declares. */
  readonly events: readonly ContractEvent[];
  readonly uuids: IdSource;
  readonly clock: Clock;
  readonly wakes: Wakes;
  /** Whether transactions run side by side, so that those of one key have to be put in order. */
  readonly locks: "needed" | "not needed";
  /** Seals what is classified, where anything of the app is encrypted. */
  readonly seals?: Pick<EventSeals, "seal"> | undefined;
}

/** An event that cannot be emitted: a bug of the service, answered `internal`. */
export class EmitError extends Error {
  override readonly name = "EmitError";
}

export class Emitter {
  readonly #options: EmitterOptions;
  readonly #parsers: ReadonlyMap<string, Parser>;
  readonly #shapes: ReadonlyMap<string, SpanShape>;

  constructor(options: EmitterOptions) {
    this.#options = options;
    this.#parsers = new Map(options.events.map((event) => [event.id, createParser(event.data)]));
    this.#shapes = new Map(options.events.map(({ id }) => [id, emitShape(id)]));
  }

  /**
   * @returns The id of the event.
   * @throws {EmitError} the event is another service's, or the data does not fit its contract or is too large.
   */
  async emit(call: Call, work: Work, event: ContractEvent, data: unknown): Promise<string> {
    const { locks, seals, service, wakes } = this.#options;
    const shape = this.#shapes.get(event.id);
    const span = shape === undefined ? undefined : call.trace?.start(shape, call.id);
    try {
      const emitted = await this.toRecord(call, event, { data, span });
      const record = seals === undefined ? emitted : await seals.seal(event, emitted, (statement) => work.run(statement));
      new Outbox(work, { service, locks }).add(record);
      work.onCommit(() => {
        wakes.wake(`outbox ${service}`);
        call.graph?.edge(nodeOf.event(event.id), call.graphNode).observe(false, 0);
      });
      if (span !== undefined) span.details = { attributes: { "messaging.message.id": record.id } };
      span?.end();
      return record.id;
    } catch (thrown) {
      span?.end({ code: "internal", isError: true });
      throw thrown;
    }
  }

  /** The event as it would leave. What follows from it goes on from the span. @throws {EmitError} */
  protected async toRecord(call: Call, event: ContractEvent, { data, span }: { readonly data: unknown; readonly span?: RecordedSpan | undefined }): Promise<EventRecord> {
    const { clock, service, uuids } = this.#options;
    const parser = this.#parsers.get(event.id);
    if (parser === undefined) {
      throw new EmitError(`${service} cannot emit ${event.id}: a service emits the events of its own contract. Let ${event.service} emit it, or declare an event in the contract of ${service}`);
    }
    const result = parser.parse(data);
    const value = fitting(event.id, isPromise(result) ? await (result) : result);
    const key = event.key === undefined ? undefined : String((value as Readonly<Record<string, unknown>>)[event.key]);
    const id = uuids();
    assertSize(event.id, value);
    return { id, source: service, type: event.id, version: event.version, key, time: new Date(clock.nowMs()).toISOString(), data: value, trace: span === undefined ? call.traceText : span.trace.textAt(span.spanId) };
  }
}

/** @see https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ */
function emitShape(event: string): SpanShape {
  const attributes = { "messaging.system": "tenon", "messaging.operation.name": "emit", "messaging.operation.type": "send", "messaging.destination.name": event };
  return { name: `emit ${event}`, kind: "producer", attributes, slowMs: Number.POSITIVE_INFINITY };
}

function fitting(id: string, result: ParseResult): unknown {
  if (result.ok) return result.value;
  const places = result.details.map((detail) => `${detail.path || "/"} ${detail.message}`).join("; ");
  throw new EmitError(`the data of ${id} does not fit its contract: ${places}`);
}

function assertSize(id: string, value: unknown): void {
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes <= eventMaxBytes) return;
  throw new EmitError(`the data of ${id} has ${bytes} bytes, and an event has ${eventMaxBytes} at most: store what is large, and emit where it is`);
}

/** Emits nothing: gathers what a handler that is tried would emit. */
export class TrialEmitter extends Emitter {
  readonly #gathered = new WeakMap<Work, EventRecord[]>();

  override async emit(call: Call, work: Work, event: ContractEvent, data: unknown): Promise<string> {
    const record = await this.toRecord(call, event, { data });
    this.#gathered.set(work, [...this.gatheredIn(work), record]);
    return record.id;
  }

  /** What was emitted in one attempt, in order. */
  gatheredIn(work: Work): readonly EventRecord[] {
    return this.#gathered.get(work) ?? [];
  }
}
