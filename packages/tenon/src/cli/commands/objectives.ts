/** `tenon objectives`: error budgets of an app, and whether they allow a release. */
import { addCommand, type CommandGroup } from "../command.ts";
import { objectivesGateCommand } from "./objectives/gate.ts";
import { objectivesShowCommand } from "./objectives/show.ts";

export const objectivesGroup: CommandGroup = {
  name: "objectives",
  summary: "show error budgets and how fast they burn; hold releases",
  description: [
    "Objectives are promises of contracts: objective: { availability: 99.9, latency: { p99: \"250ms\" } }. These commands read",
    "what the app's instances have counted from its database. The embedded one belongs to one process: stop tenon dev first.",
  ].join(" "),
  fill(group, host) {
    addCommand(group, objectivesShowCommand, host);
    addCommand(group, objectivesGateCommand, host);
  },
};
