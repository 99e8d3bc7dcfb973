/** A request of a system that knows nothing of any contract, on its way through the same stages as every call. */
import { Call, type CallStart } from "./call.ts";

/** What was posted, as it came. */
export interface PostedMessage {
  /** A header's value by lower-case name; several are joined by `, `. */
  header(name: string): string | undefined;
  headers(): Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The value of the body. @throws {Fault} `invalid_argument`: it is not JSON. */
  json(): unknown;
}

export class WebhookCall extends Call {
  readonly posted: PostedMessage;

  constructor(start: CallStart, posted: PostedMessage) {
    super(start);
    this.posted = posted;
  }

  override get known(): readonly unknown[] {
    return [...super.known, ...this.#json()];
  }

  #json(): readonly unknown[] {
    try {
      return [this.posted.json()];
    } catch {
      return []; // no JSON, so no fields
    }
  }
}
