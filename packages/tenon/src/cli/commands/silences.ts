/** `tenon silences`: alerts that nobody wants to be told of for a while. */
import { addCommand, type CommandGroup } from "../command.ts";
import { silencesAddCommand } from "./silences/add.ts";
import { silencesEndCommand } from "./silences/end.ts";
import { silencesListCommand } from "./silences/list.ts";

export const silencesGroup: CommandGroup = {
  name: "silences",
  summary: "keep alerts quiet for a while",
  description: "A silenced alert goes on firing, and is told of when the silence is over if it fires still. Instances notice within 10 s.",
  fill(group, host) {
    addCommand(group, silencesListCommand, host);
    addCommand(group, silencesAddCommand, host);
    addCommand(group, silencesEndCommand, host);
  },
};
