/** The incidents of an app, as its database has them, and the one that a person means. */
import { userInfo } from "node:os";
import type { Incident, IncidentStore } from "../../incidents/index.ts";
import type { Operator } from "../events/operator.ts";
import type { OptionSpec } from "../command.ts";
import { CommandProblem } from "../problem.ts";

/** Who acts: on record with every act. */
export const byOption: OptionSpec = { flags: "--by <name>", about: "who does it, for the time line (default: the user of this machine)" };
export const dryRunOption: OptionSpec = { flags: "--dry-run", about: "say what would be done, and do nothing" };

export async function incidentStore({ app, database }: Operator): Promise<IncidentStore> {
  const { incidentStoreOf } = await import("../../app/index.ts");
  return incidentStoreOf(app, database);
}

/** @param text  The id, or its beginning. @throws {CommandProblem} */
export async function findIncident(store: IncidentStore, text: string): Promise<Incident> {
  if (!/^[0-9a-f]{1,8}$/.test(text)) throw new CommandProblem(`"${text}" is not the id of an incident, or the beginning of one`, { remedy: "an id is 8 hexadecimal digits: tenon incident list shows them", exitCode: 2 });
  const found = await store.find(text);
  const [incident, other] = found;
  if (incident === undefined) throw new CommandProblem(`there is no incident ${text}`, { remedy: "tenon incident list shows them" });
  if (other !== undefined) throw new CommandProblem(`several incidents begin with ${text}: ${found.map(({ id }) => id).join(", ")}`, { remedy: "give more digits", exitCode: 2 });
  return incident;
}

/** @throws {CommandProblem} */
export function actorOf(by: string | undefined): string {
  const actor = (by ?? userInfo().username).trim();
  if (actor !== "" && actor.length <= 100) return actor;
  throw new CommandProblem("who does it?", { remedy: "--by ada", exitCode: 2 });
}
