/** The workloads by name, for the process that sends them. */
import { hello } from "./hello.ts";
import { order } from "./order.ts";
import { person, personRead, personReadMany } from "./person.ts";
import type { Workload } from "./workload.ts";

const workloads: readonly Workload[] = [hello, order, person, personRead, personReadMany];

/** @throws {RangeError} there is none of that name. */
export function findWorkload(name: string): Workload {
  const found = workloads.find((workload) => workload.name === name);
  if (found === undefined) throw new RangeError(`there is no workload "${name}"`);
  return found;
}
