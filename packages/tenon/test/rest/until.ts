/** Waiting for something that happens elsewhere, in another turn of the event loop or at the other end of a socket. */
import { setTimeout as sleep } from "node:timers/promises";

/** Looks again until `holds` does. Fails after two seconds, with what was waited for. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 2_000;
  while (!holds()) {
    if (performance.now() > end) throw new RangeError(`waited in vain: ${what}`);
    await sleep(2);
  }
}

/** Waits until a number stays the same for `quietMs`, and gives it back. */
export async function settled(read: () => number, quietMs = 60): Promise<number> {
  for (let last = Number.NaN; ; ) {
    const now = read();
    if (now === last) return now;
    last = now;
    await sleep(quietMs);
  }
}
