/**
 * What things are called on the server. With the prefix `tenon`, the event `orders.placed` has the subject
 * `tenon.events.orders.placed` in the stream `tenon-events-orders`; how far `billing` has read that stream stands
 * under `tenon.cursors.orders.billing` in the stream `tenon-cursors`.
 */
import { Fault } from "../kernel/index.ts";

export class Names {
  readonly prefix: string;
  readonly cursorStream: string;
  readonly #subjects = new Map<string, string>();

  /** @throws {Fault} `invalid_argument` */
  constructor(prefix: string) {
    if (!/^[a-z][a-z0-9-]{0,40}$/.test(prefix)) {
      throw new Fault("invalid_argument", `"${prefix}" cannot be a prefix on NATS: lower-case letters, digits and -, starting with a letter, 41 at most`);
    }
    this.prefix = prefix;
    this.cursorStream = `${prefix}-cursors`;
  }

  eventStream(service: string): string {
    return `${this.prefix}-events-${service}`;
  }

  allEventsOf(service: string): string {
    return `${this.prefix}.events.${service}.>`;
  }

  /** @throws {Fault} `invalid_argument` for a type that is not its service's, or that cannot be a subject. */
  eventSubject(service: string, type: string): string {
    const isOwn = type.startsWith(`${service}.`);
    const known = this.#subjects.get(type);
    if (known !== undefined && isOwn) return known;
    if (!isOwn || !/^[\w-]+(?:\.[\w-]+)+$/.test(type)) {
      throw new Fault("invalid_argument", `"${type}" cannot be an event of ${service}: its name is ${service}.something`);
    }
    const subject = `${this.prefix}.events.${type}`;
    this.#subjects.set(type, subject);
    return subject;
  }

  get allCursors(): string {
    return `${this.prefix}.cursors.*.*`;
  }

  cursorSubject(emitter: string, subscriber: string): string {
    return `${this.prefix}.cursors.${emitter}.${subscriber}`;
  }
}
