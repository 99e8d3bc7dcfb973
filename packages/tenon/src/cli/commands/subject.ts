/** `tenon subject`: what a person may ask for. */
import { addCommand, type CommandGroup } from "../command.ts";
import { subjectEraseCommand } from "./subject/erase.ts";
import { subjectExportCommand } from "./subject/export.ts";
import { subjectHoldCommand, subjectReleaseCommand, subjectRestrictCommand, subjectUnrestrictCommand } from "./subject/steer.ts";
import { subjectStatusCommand } from "./subject/status.ts";
import { subjectVerifyCommand } from "./subject/verify.ts";

export const subjectGroup: CommandGroup = {
  name: "subject",
  summary: "export, erase, restrict or hold the data of a person",
  description: "A person is named as the `subject` columns of the tables name them. The commands work on the databases of all services, whether or not those run.",
  fill(group, host) {
    addCommand(group, subjectExportCommand, host);
    addCommand(group, subjectEraseCommand, host);
    addCommand(group, subjectRestrictCommand, host);
    addCommand(group, subjectUnrestrictCommand, host);
    addCommand(group, subjectHoldCommand, host);
    addCommand(group, subjectReleaseCommand, host);
    addCommand(group, subjectStatusCommand, host);
    addCommand(group, subjectVerifyCommand, host);
  },
};
