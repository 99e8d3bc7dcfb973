/** The one event that a person means by the beginning of its id. */
import type { FoundEvent } from "../../events/index.ts";
import { CommandProblem } from "../problem.ts";
import type { Operator } from "./operator.ts";
import { parseId } from "./targets.ts";

/** So many are listed where the beginning is of several. */
const listedMax = 5;

/** @throws {CommandProblem} there is none, or there are several. */
export async function findOne({ database, owners, routes }: Operator, text: string): Promise<FoundEvent> {
  const ids = await parseId(text);
  const { findEvents } = await import("../../events/index.ts");
  const names = owners.map(({ name }) => name);
  const found = await findEvents(database, { ids, emitters: names, subscribers: names, routes, max: listedMax + 1 });
  const [only, ...others] = found;
  if (only === undefined) {
    throw new CommandProblem(`there is no event ${text}`, { remedy: "it may be older than the history is kept (EVENTS_KEEP_D); tenon events list shows what there is" });
  }
  if (others.length === 0) return only;
  const listed = found.slice(0, listedMax).map(({ event }) => `  ${event.id}  ${event.type}`);
  const more = found.length > listedMax ? ["  and more"] : [];
  throw new CommandProblem([`several events have an id that begins with ${text}`, ...listed, ...more].join("\n"), { remedy: "give more of it", exitCode: 2 });
}
