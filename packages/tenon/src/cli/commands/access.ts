/** `tenon access`: who may call what, and why somebody may or may not. */
import { addCommand, type CommandGroup } from "../command.ts";
import { accessMatrixCommand } from "./access/matrix.ts";
import { accessWhyCommand } from "./access/why.ts";

export const accessGroup: CommandGroup = {
  name: "access",
  summary: "see who may call what, and why",
  description: [
    "Reads the access rules of the app's contracts, and the rights that the app grants to what acts by itself. Nothing is",
    "opened or started. The matrix can be kept in a file, access.json beside the app: then tenon check tells when it changes,",
    "and whoever reviews a change sees whose rights it changes.",
  ].join(" "),
  fill(group, host) {
    addCommand(group, accessMatrixCommand, host);
    addCommand(group, accessWhyCommand, host);
  },
};
