/**
 * A clock on which hours pass in minutes: the calendar and the timers of objectives and incidents go so many times faster. What
 * measures calls is left alone, so a call that takes a second takes a second, in which a minute of the calendar passes.
 */
import type { Clock } from "../../packages/tenon/src/kernel/index.ts";

export interface DrillTime {
  /** The real instant from which on time goes faster, in ms since 1970. */
  readonly originMs: number;
  /** How many times faster. */
  readonly scale: number;
}

export function drillNowMs({ originMs, scale }: DrillTime): number {
  return originMs + (Date.now() - originMs) * scale;
}

export function drillClock(time: DrillTime): Clock {
  return {
    nowMs: () => drillNowMs(time),
    elapsedMs: () => performance.now(),
    after(delayMs, task) {
      const timer = setTimeout(task, delayMs / time.scale);
      timer.unref();
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
