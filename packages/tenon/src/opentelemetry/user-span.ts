/** A span that a user, or an instrumentation, begins and ends. */
import type { Attributes, AttributeValue, Exception, Link, Span, SpanContext, SpanStatus, TimeInput } from "@opentelemetry/api";
import type { RecordedSpan, SpanDetails, Trace } from "../telemetry/index.ts";
import { addAttributes, addEvent, addException, addLinks, isTime, setStatus, toEpochMs } from "./span-additions.ts";
import type { Api } from "./api.ts";
import { toSpanContext } from "./span-context.ts";

export class UserSpan implements Span {
  readonly #span: RecordedSpan;
  readonly #api: Api;
  #context: SpanContext | undefined = undefined;
  /** What is said after the end is not heard. */
  #isEnded = false;

  constructor(span: RecordedSpan, api: Api) {
    this.#span = span;
    this.#api = api;
  }

  get trace(): Trace {
    return this.#span.trace;
  }

  spanContext(): SpanContext {
    return (this.#context ??= toSpanContext(this.#api, this.trace, this.#span.spanId));
  }

  setAttribute(key: string, value: AttributeValue): this {
    return this.setAttributes({ [key]: value });
  }

  setAttributes(attributes: Attributes): this {
    return this.#add((details) => addAttributes(details, attributes));
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    const at = isTime(attributesOrTime) ? attributesOrTime : time;
    const attributes = isTime(attributesOrTime) ? undefined : attributesOrTime;
    return this.#add((details) => addEvent(details, { name, timeMs: toEpochMs(at, this.trace), attributes }));
  }

  addLink(link: Link): this {
    return this.addLinks([link]);
  }

  addLinks(links: Link[]): this {
    return this.#add((details) => addLinks(details, links));
  }

  setStatus(status: SpanStatus): this {
    return this.#add((details) => setStatus(details, status));
  }

  updateName(name: string): this {
    return this.#add((details) => {
      details.name = name;
    });
  }

  end(time?: TimeInput): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    // Not before its start, whatever the clock of the caller says.
    this.#span.endedMs = Math.max(this.#span.startedMs, toEpochMs(time, this.trace) - this.trace.offsetMs);
    this.trace.owner.add(this.#span);
  }

  isRecording(): boolean {
    return !this.#isEnded;
  }

  recordException(exception: Exception, time?: TimeInput): void {
    this.#add((details) => addException(details, exception, toEpochMs(time, this.trace)));
  }

  #add(change: (details: SpanDetails) => void): this {
    if (!this.#isEnded) change((this.#span.details ??= {}));
    return this;
  }
}
