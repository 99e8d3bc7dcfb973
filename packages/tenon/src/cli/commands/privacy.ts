/** `tenon privacy`: encryption of what is there, and its master key. */
import { addCommand, type CommandGroup } from "../command.ts";
import { privacyEncryptCommand } from "./privacy/encrypt.ts";
import { privacyRotateMasterCommand } from "./privacy/rotate-master.ts";

export const privacyGroup: CommandGroup = {
  name: "privacy",
  summary: "encrypt values that are there already; change the master key",
  description: "Columns marked personal(…) or sensitive(…) of a table with a `subject` are encrypted. Both commands may run while the app does, and may be stopped and started again.",
  fill(group, host) {
    addCommand(group, privacyEncryptCommand, host);
    addCommand(group, privacyRotateMasterCommand, host);
  },
};
