/** What the parts of the HTTP host share: limits, and the state of the server that each connection goes by. */
import type { Clock, Log } from "../kernel/index.ts";
import { limits } from "../rest/index.ts";

/** The limits that a host keeps; `rest/limits.ts` has each with its default and reason. */
export type HttpLimits = Readonly<
  Record<
    | "bodiesMaxBytes"
    | "discardMaxBytes"
    | "drainIdleMs"
    | "headersMaxBytes"
    | "headersTimeoutMs"
    | "keepAliveTimeoutMs"
    | "lingerMs"
    | "requestTimeoutMs"
    | "requestsPerConnectionMax"
    | "stallTimeoutMs"
    | "timeoutCheckMs",
    number
  >
>;

export const defaultHttpLimits: HttpLimits = limits;

export class HttpHost {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: HttpLimits;
  /** Set once no new connections are taken: those that are open are closed with their next answer. */
  isDraining = false;
  /** What has come of JSON bodies that are still on their way, in bytes. */
  bodiesBytes = 0;

  constructor(options: { readonly clock: Clock; readonly log: Log; readonly limits: HttpLimits }) {
    this.clock = options.clock;
    this.log = options.log;
    this.limits = options.limits;
  }
}
