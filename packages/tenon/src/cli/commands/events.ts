/** `tenon events`: what was told, where it is, and what to do about what failed. */
import { addCommand, type CommandGroup } from "../command.ts";
import { eventsDeadCommand } from "./events/dead.ts";
import { eventsDiscardCommand } from "./events/discard.ts";
import { eventsLagCommand } from "./events/lag.ts";
import { eventsListCommand } from "./events/list.ts";
import { eventsReplayCommand } from "./events/replay.ts";
import { eventsRetryCommand } from "./events/retry.ts";
import { eventsShowCommand } from "./events/show.ts";
import { eventsTryCommand } from "./events/try.ts";

export const eventsGroup: CommandGroup = {
  name: "events",
  summary: "look at events, and deal with those that failed",
  description: [
    "An event leaves its service by the outbox, is kept in the history, and stands in the inbox of each subscription until",
    "a handler is done with it. A delivery that fails is tried again, later and later; when its attempts are used up it is",
    "a dead letter, and waits for somebody to mend the cause and retry it, or to discard it.\n\n",
    "These commands work on the app's database, also while the app runs. The embedded one belongs to one process: stop",
    "tenon dev first.",
  ].join(" ").replace("\n\n ", "\n\n"),
  fill(group, host) {
    addCommand(group, eventsListCommand, host);
    addCommand(group, eventsShowCommand, host);
    addCommand(group, eventsLagCommand, host);
    addCommand(group, eventsDeadCommand, host);
    addCommand(group, eventsTryCommand, host);
    addCommand(group, eventsRetryCommand, host);
    addCommand(group, eventsDiscardCommand, host);
    addCommand(group, eventsReplayCommand, host);
  },
};
