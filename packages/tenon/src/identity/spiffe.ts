/**
 * SPIFFE ids: how a service is named towards others, such as `spiffe://example.org/shop/orders`. One pattern with
 * `{service}` in it says which id belongs to which service, so an id is never guessed from a part of another one.
 *
 * @see https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md
 */
import { Fault } from "../kernel/index.ts";

const idMaxChars = 2_048;
const idForm = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/[A-Za-z0-9._-]+)+$/;
const serviceForm = /^[a-z][a-z0-9-]*$/;
const place = "{service}";

/** Whether a text is the id of a workload: lower-case trust domain, a path, no empty or dotted segment. */
export function isSpiffeId(text: string): boolean {
  return text.length <= idMaxChars && idForm.test(text) && !/\/\.{1,2}(?:\/|$)/.test(text);
}

/** Ids of services by one pattern: `spiffe://example.org/ns/shop/sa/{service}`. */
export class IdPattern {
  readonly #before: string;
  readonly #after: string;

  /** @throws {Fault} `invalid_argument` when the pattern makes no SPIFFE ids. */
  constructor(pattern: string) {
    const [before = "", after, ...more] = pattern.split(place);
    if (after === undefined || more.length > 0 || !/^spiffe:\/\/[^/]+\//.test(before) || !isSpiffeId(`${before}a${after}`)) {
      throw new Fault("invalid_argument", `"${pattern}" is no pattern of SPIFFE ids: write spiffe://, a trust domain in lower case and a path with ${place} in it, once`);
    }
    this.#before = before;
    this.#after = after;
  }

  get trustDomain(): string {
    return this.#before.slice("spiffe://".length).split("/", 1)[0] as string;
  }

  idOf(service: string): string {
    return `${this.#before}${service}${this.#after}`;
  }

  /** The service that an id belongs to; `undefined` where the pattern does not make it. */
  serviceOf(id: string): string | undefined {
    if (!isSpiffeId(id) || !id.startsWith(this.#before) || !id.endsWith(this.#after)) return undefined;
    const service = id.slice(this.#before.length, id.length - this.#after.length);
    return serviceForm.test(service) ? service : undefined;
  }
}
