/** What is sent to every subject of a scenario, and what must come back. */
import type { Target } from "../load/http-connection.ts";

export interface Workload {
  readonly name: string;
  /** The status of a good answer. */
  readonly status: number;
  /** The distinct requests of one caller, as bytes; a connection sends them in turn. */
  requests(target: Target, token: string | undefined): readonly Buffer[];
  /** What is wrong with the body of the answer to request `index`, in words; `undefined` when nothing is. */
  problemOf(body: string, index: number): string | undefined;
}
