/** `tenon workflows`: what runs are doing, and what to do about those that need somebody. */
import { addCommand, type CommandGroup } from "../command.ts";
import { workflowsAnswerCommand } from "./workflows/answer.ts";
import { workflowsListCommand } from "./workflows/list.ts";
import { workflowsShowCommand } from "./workflows/show.ts";
import { workflowsCancelCommand, workflowsResumeCommand, workflowsRetryCommand } from "./workflows/steer.ts";

export const workflowsGroup: CommandGroup = {
  name: "workflows",
  summary: "look at runs of workflows, and deal with those that need somebody",
  description: [
    "A run goes from step to step until it has completed, failed or was canceled; what it registered is undone in the last",
    "two cases. It is parked when its code does not fit its record any more, or an undo step failed for good: then it waits",
    "for somebody to mend the cause and resume it.\n\n",
    "These commands work on the app's database, also while the app runs. The embedded one belongs to one process: stop",
    "tenon dev first.",
  ].join(" ").replace("\n\n ", "\n\n"),
  fill(group, host) {
    addCommand(group, workflowsListCommand, host);
    addCommand(group, workflowsShowCommand, host);
    addCommand(group, workflowsRetryCommand, host);
    addCommand(group, workflowsCancelCommand, host);
    addCommand(group, workflowsResumeCommand, host);
    addCommand(group, workflowsAnswerCommand, host);
  },
};
