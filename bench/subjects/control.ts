/**
 * How a subject is started and read: it tells its port over IPC, answers what it has spent, and leaves with its parent.
 * Standard output is /dev/null for every subject, since that is where access lines go.
 */
import { getHeapStatistics } from "node:v8";

export interface SubjectUsage {
  /** User and system time of the whole process since it started, in µs, as `process.cpuUsage` has it. */
  readonly cpuUs: number;
  readonly rssBytes: number;
  /** All that was ever allocated on the heap of JavaScript; 0 where V8 does not tell. */
  readonly allocatedBytes: number;
}

export type SubjectReport = { readonly port: number } | { readonly usage: SubjectUsage };

/** Call once, when the subject listens. */
export function announce(port: number): void {
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ usage: { cpuUs: user + system, rssBytes: process.memoryUsage.rss(), allocatedBytes: allocatedBytes() } } satisfies SubjectReport);
  });
  process.on("disconnect", () => process.exit(0));
  process.send?.({ port } satisfies SubjectReport);
}

function allocatedBytes(): number {
  const statistics: { readonly total_allocated_bytes?: number } = getHeapStatistics();
  return statistics.total_allocated_bytes ?? 0;
}

/** The port of a `node:http` or `node:net` server that listens. */
export function portOf(server: { address(): unknown }): number {
  return (server.address() as { port: number }).port;
}
