/** Which traces are recorded, decided when they begin: by the names that OpenTelemetry gives to its samplers. */
import { randomFlag, sampledFlag, type TraceContext } from "./trace-context.ts";

/** Values of `OTEL_TRACES_SAMPLER`. With `parentbased_…`, what somebody else began is recorded if they recorded it. */
export const samplerNames = ["always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"] as const;
export type SamplerName = (typeof samplerNames)[number];

export interface Sampling {
  readonly sampler: SamplerName;
  /** From 0 to 1: of the traces that begin here. Only for the samplers by ratio. */
  readonly ratio: number;
}

/** Everything that begins here, and of others what they have recorded. */
export const sampleAll: Sampling = { sampler: "parentbased_always_on", ratio: 1 };

/** Bits of a trace's identifier that are compared: of the 56 random ones those that a number holds exactly. */
const comparedBits = 52;

export class Sampler {
  readonly #followsParent: boolean;
  readonly #ratio: number;

  constructor({ ratio, sampler }: Sampling) {
    this.#followsParent = sampler.startsWith("parentbased_");
    if (sampler.endsWith("always_on")) this.#ratio = 1;
    else if (sampler.endsWith("always_off")) this.#ratio = 0;
    else this.#ratio = ratio;
  }

  /**
   * The flags of a trace, as they are passed on. The same trace is decided the same in every process of one ratio.
   *
   * @param traceId  32 hexadecimal digits. The last 56 bits are random where it began here.
   */
  flagsOf(traceId: string, parent: TraceContext | undefined): number {
    if (parent !== undefined && this.#followsParent) return parent.flags;
    const random = parent === undefined ? randomFlag : parent.flags & randomFlag;
    return this.#isSampled(traceId) ? random | sampledFlag : random;
  }

  #isSampled(traceId: string): boolean {
    if (this.#ratio >= 1) return true;
    return Number.parseInt(traceId.slice(-comparedBits / 4), 16) < this.#ratio * 2 ** comparedBits;
  }
}
