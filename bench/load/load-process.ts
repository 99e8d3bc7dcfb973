/**
 * The load as a process of its own: it is told over IPC what to send and for how long, and answers with what happened.
 * It leaves when its parent does.
 */
import { findWorkload } from "../workloads/workloads.ts";
import { ClosedLoop, type ClosedLoopResult } from "./closed-loop.ts";
import type { Target } from "./http-connection.ts";

export type LoadOrder =
  | { readonly ask: "open"; readonly workload: string; readonly target: Target; readonly tokens: readonly string[]; readonly connections: number }
  | { readonly ask: "run"; readonly forMs: number };

export type LoadReport =
  | { readonly ran: ClosedLoopResult; readonly cpuMs: number }
  | { readonly opened: true }
  | { readonly failed: string };

let loop: ClosedLoop | undefined;

process.on("message", (order: LoadOrder) => {
  obey(order).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ failed: String(error) } satisfies LoadReport),
  );
});
process.on("disconnect", () => process.exit(0));

async function obey(order: LoadOrder): Promise<LoadReport> {
  if (order.ask === "open") {
    loop?.close();
    loop = new ClosedLoop({ ...order, workload: findWorkload(order.workload) });
    return { opened: true };
  }
  if (loop === undefined) return { failed: "asked to run before a workload was opened" };
  const before = process.cpuUsage();
  const ran = await loop.run(order.forMs);
  const spent = process.cpuUsage(before);
  return { ran, cpuMs: (spent.user + spent.system) / 1_000 };
}
