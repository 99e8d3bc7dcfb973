/** `tenon keys`: keys that programs call the app with. */
import { addCommand, type CommandGroup } from "../command.ts";
import { keysCreateCommand } from "./keys/create.ts";
import { keysListCommand } from "./keys/list.ts";
import { keysRevokeCommand } from "./keys/revoke.ts";
import { keysRotateCommand } from "./keys/rotate.ts";

export const keysGroup: CommandGroup = {
  name: "keys",
  summary: "keys that programs call the app with",
  description: "A key is shown once, when it is made. The app's database keeps a digest of it, with which nobody can call.",
  fill(group, host) {
    addCommand(group, keysListCommand, host);
    addCommand(group, keysCreateCommand, host);
    addCommand(group, keysRotateCommand, host);
    addCommand(group, keysRevokeCommand, host);
  },
};
