/** The span of the call under way, as users see it: they may add to it. It begins and ends with the call. */
import type { Attributes, AttributeValue, Exception, Link, Span, SpanContext, SpanStatus, TimeInput } from "@opentelemetry/api";
import type { SpanDetails, SpannedCall, Trace } from "../telemetry/index.ts";
import { addAttributes, addEvent, addException, addLinks, isTime, setStatus, toEpochMs } from "./span-additions.ts";
import type { Api } from "./api.ts";
import { toSpanContext } from "./span-context.ts";

export class CallSpan implements Span {
  readonly call: SpannedCall;
  readonly #api: Api;
  #context: SpanContext | undefined = undefined;

  constructor(call: SpannedCall, api: Api) {
    this.call = call;
    this.#api = api;
  }

  get trace(): Trace {
    return this.call.trace as Trace;
  }

  spanContext(): SpanContext {
    return (this.#context ??= toSpanContext(this.#api, this.trace, this.call.id));
  }

  setAttribute(key: string, value: AttributeValue): this {
    return this.setAttributes({ [key]: value });
  }

  setAttributes(attributes: Attributes): this {
    addAttributes(this.#details, attributes);
    return this;
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    const at = isTime(attributesOrTime) ? attributesOrTime : time;
    addEvent(this.#details, { name, timeMs: toEpochMs(at, this.trace), attributes: isTime(attributesOrTime) ? undefined : attributesOrTime });
    return this;
  }

  addLink(link: Link): this {
    return this.addLinks([link]);
  }

  addLinks(links: Link[]): this {
    addLinks(this.#details, links);
    return this;
  }

  setStatus(status: SpanStatus): this {
    setStatus(this.#details, status);
    return this;
  }

  updateName(name: string): this {
    this.#details.name = name;
    return this;
  }

  /** Not for users: the call ends it. */
  end(): void {
    // Nothing: a call that goes on is not over because somebody said so.
  }

  isRecording(): boolean {
    return this.trace.owner.isOn;
  }

  recordException(exception: Exception, time?: TimeInput): void {
    addException(this.#details, exception, toEpochMs(time, this.trace));
  }

  get #details(): SpanDetails {
    return (this.call.details ??= {});
  }
}
