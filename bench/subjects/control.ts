/**
 * How a subject is started and read: it tells its port over IPC, answers what it has spent, and leaves with its parent.
 * Standard output is /dev/null for every subject, since that is where access lines go.
 */
export interface SubjectUsage {
  /** User and system time of the whole process since it started, in µs, as `process.cpuUsage` has it. */
  readonly cpuUs: number;
  readonly rssBytes: number;
}

export type SubjectReport = { readonly port: number } | { readonly usage: SubjectUsage };

/** Call once, when the subject listens. */
export function announce(port: number): void {
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ usage: { cpuUs: user + system, rssBytes: process.memoryUsage.rss() } } satisfies SubjectReport);
  });
  process.on("disconnect", () => process.exit(0));
  process.send?.({ port } satisfies SubjectReport);
}

/** The port of a `node:http` or `node:net` server that listens. */
export function portOf(server: { address(): unknown }): number {
  return (server.address() as { port: number }).port;
}
