/** `tenon incident`: what went wrong, and what is done about it. */
import { addCommand, type CommandGroup } from "../command.ts";
import { incidentAckCommand } from "./incident/ack.ts";
import { incidentCloseCommand } from "./incident/close.ts";
import { incidentListCommand } from "./incident/list.ts";
import { incidentPostmortemCommand } from "./incident/postmortem.ts";
import { incidentShowCommand } from "./incident/show.ts";
import { incidentStepCommand } from "./incident/step.ts";

export const incidentGroup: CommandGroup = {
  name: "incident",
  summary: "deal with incidents: list, show, take, run a step of a runbook, close, draft a post-mortem",
  description: [
    "An alert that pages opens an incident, with its time line, what is suspected and how far it reaches. These commands work on",
    "the app's database, whether or not the app runs. What a person does is in the time line with their name.",
  ].join(" "),
  fill(group, host) {
    addCommand(group, incidentListCommand, host);
    addCommand(group, incidentShowCommand, host);
    addCommand(group, incidentAckCommand, host);
    addCommand(group, incidentStepCommand, host);
    addCommand(group, incidentCloseCommand, host);
    addCommand(group, incidentPostmortemCommand, host);
  },
};
