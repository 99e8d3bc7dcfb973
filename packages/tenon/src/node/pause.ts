/** Waiting that ends early when there is nothing left to wait for. */
import { setTimeout as delay } from "node:timers/promises";

/** Resolves after `ms`, or at once when `signal` is aborted. Never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
