/**
 * How many calls may be under way at once, found by watching how long they take.
 *
 * While calls take about as long as they do when there is room, the limit grows; when they take much longer, they are
 * waiting for each other, and it shrinks. Calls of different operations are compared each with its own usual time, so
 * a slow report does not look like overload.
 *
 * Source: the gradient limit of Netflix's concurrency-limits (https://github.com/Netflix/concurrency-limits), whose
 * fixed point is `tolerance` times the calls that the work behind can do at once. The usual times are learned only
 * while there is room, because under load they would drift towards the times of the overload itself; when there is
 * none for long, or when everything has become slower, a **probe** makes room: for a moment a quarter of the limit
 * is let in, and the times are learned anew.
 *
 *     normal ── saturated for `probeAfterMs`, or the limit halved ──► probing ── learned, or `probeMaxMs` ──► normal
 *
 * It costs a few additions a call, and an update of the limit once a window.
 */

export interface ConcurrencyLimitOptions {
  /** Never below: a few calls always get through, or nothing would be left to learn from. */
  readonly min: number;
  /** Never above: the fixed cap, which also bounds memory. */
  readonly max: number;
  readonly initial: number;
}

/** Room for bursts: so many calls above what the measured times justify. */
const queueAllowance = 4;
/** Calls may take this much longer than usual: the work behind is then just fully used, with a short queue before it. */
const tolerance = 2;
/** Part of a new estimate that is taken over at once. */
const smoothing = 0.2;
/** A window is long enough to hold a mean: both hold before the limit is updated. */
const windowMinMs = 100;
const windowMinCalls = 10;
/** How fast usual times follow what is measured while there is room, and in a probe, where samples are few. */
const usualGain = 0.05;
const probeGain = 0.2;
/** How long there may be no room before a probe makes some. */
const probeAfterMs = 10_000;
/** Probes are at least so far apart, however fast things change. */
const probeSpacingMs = 2_000;
const probeMaxMs = 500;
const probeMinCalls = 10;
/** Part of the limit that is let in during a probe. */
const probeShare = 0.25;

/** The usual time of one operation, in ms. Held by whoever measures it. */
export class Baseline {
  usualMs = Number.NaN;
}

export class ConcurrencyLimit {
  readonly #min: number;
  readonly #max: number;
  #estimate: number;
  #underway = 0;

  #windowStartMs = 0;
  #windowCalls = 0;
  #windowSlowness = 0;
  #windowPeak = 0;

  /** Nobody has learned anything since. */
  #lastRoomMs = 0;
  #lastProbeMs = 0;
  #estimateAtProbe: number;
  /** Only calls let in after this instant tell how long calls take without a queue; `undefined` outside of a probe. */
  #probeLearnsFromMs: number | undefined = undefined;
  #probeEndsMs = 0;
  #probeCalls = 0;
  #meanMs = 0;

  constructor(options: ConcurrencyLimitOptions) {
    this.#min = options.min;
    this.#max = options.max;
    this.#estimate = options.initial;
    this.#estimateAtProbe = options.initial;
  }

  /** Calls that may be under way at once, at this moment. */
  get limit(): number {
    return Math.floor(this.#estimate);
  }

  get underway(): number {
    return this.#underway;
  }

  /**
   * Takes a place, or says that there is none. Every place taken is given back by `release` or `forget`.
   *
   * @param share  Part of the limit up to which there is a place for this call. Default 1.
   */
  tryAcquire(share = 1): boolean {
    const open = share * (this.#probeLearnsFromMs === undefined ? this.#estimate : this.#estimate * probeShare);
    if (this.#underway >= open && this.#underway > 0) return false;
    this.#underway += 1;
    if (this.#underway > this.#windowPeak) this.#windowPeak = this.#underway;
    return true;
  }

  /** Gives a place back without learning from it: the call was refused or went away before its work was done. */
  forget(): void {
    this.#underway -= 1;
  }

  /**
   * Gives a place back and learns from it.
   *
   * @param tookMs  From the moment the request was seen until the answer was ready.
   * @param nowMs   The same monotonic clock.
   */
  release(baseline: Baseline, tookMs: number, nowMs: number): void {
    this.#underway -= 1;
    // Below a tenth of a millisecond the clock and the collector speak louder than the call.
    const measuredMs = Math.max(tookMs, 0.1);
    if (Number.isNaN(baseline.usualMs)) baseline.usualMs = measuredMs;
    this.#windowCalls += 1;
    this.#windowSlowness += measuredMs / baseline.usualMs;
    this.#meanMs += (measuredMs - this.#meanMs) * usualGain;

    if (this.#probeLearnsFromMs !== undefined) {
      if (nowMs - tookMs >= this.#probeLearnsFromMs) {
        this.#probeCalls += 1;
        baseline.usualMs += (measuredMs - baseline.usualMs) * probeGain;
      }
      if (this.#probeCalls >= probeMinCalls || nowMs >= this.#probeEndsMs) this.#endProbe(nowMs);
      return;
    }
    if (this.#windowPeak * 2 < this.#estimate) baseline.usualMs += (measuredMs - baseline.usualMs) * usualGain;
    if (this.#windowCalls >= windowMinCalls && nowMs - this.#windowStartMs >= windowMinMs) this.#endWindow(nowMs);
  }

  #endWindow(nowMs: number): void {
    const slowness = this.#windowSlowness / this.#windowCalls;
    const hadRoom = this.#windowPeak * 2 < this.#estimate;
    if (hadRoom) {
      // A limit that nobody came near has not been tested: growing it would let the next burst in unchecked.
      this.#lastRoomMs = nowMs;
      this.#estimateAtProbe = this.#estimate;
    } else {
      const gradient = Math.min(1, Math.max(0.5, tolerance / slowness));
      const next = this.#estimate * gradient + queueAllowance;
      const smoothed = this.#estimate * (1 - smoothing) + next * smoothing;
      this.#estimate = Math.min(this.#max, Math.max(this.#min, smoothed));
    }
    this.#startWindow(nowMs);
    const isLongFull = nowMs - Math.max(this.#lastRoomMs, this.#lastProbeMs) >= probeAfterMs;
    const hasHalved = this.#estimate * 2 <= this.#estimateAtProbe;
    if (!hadRoom && (isLongFull || hasHalved) && nowMs - this.#lastProbeMs >= probeSpacingMs) this.#startProbe(nowMs);
  }

  #startProbe(nowMs: number): void {
    this.#probeLearnsFromMs = nowMs + this.#meanMs; // by then what was queued before is done
    this.#probeEndsMs = nowMs + this.#meanMs + probeMaxMs;
    this.#probeCalls = 0;
  }

  #endProbe(nowMs: number): void {
    this.#probeLearnsFromMs = undefined;
    this.#lastProbeMs = nowMs;
    this.#estimateAtProbe = this.#estimate;
    this.#startWindow(nowMs);
  }

  #startWindow(nowMs: number): void {
    this.#windowStartMs = nowMs;
    this.#windowCalls = 0;
    this.#windowSlowness = 0;
    this.#windowPeak = this.#underway;
  }
}
