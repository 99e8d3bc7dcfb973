/** `tenon keys revoke`: nobody calls with the key any more. */
import { appOption, type CommandSpec } from "../../command.ts";
import { confirm, yesOption } from "../../confirm.ts";
import type { OperatorOptions } from "../../events/operator.ts";
import { CommandProblem } from "../../problem.ts";
import { findKey, recordKeyAct, withKeys } from "./desk.ts";

interface RevokeOptions extends OperatorOptions {
  readonly yes?: true;
}

export const keysRevokeCommand: CommandSpec<RevokeOptions> = {
  name: "revoke",
  operands: "<key>",
  summary: "end a key, for good",
  description: "Every instance refuses it within 5 s. It cannot be taken back.",
  options: [yesOption, appOption],
  examples: [["tenon keys revoke 1f0c2a", "asks, and ends it"]],
  run: ({ operands, options, terminal }) =>
    withKeys(options, terminal, async (desk, operator) => {
      const key = await findKey(desk, operands[0] ?? "");
      if (key.revokedAtMs !== undefined) throw new CommandProblem(`the key ${key.id} was revoked before`, { remedy: "nothing is left to be done" });
      await confirm(terminal, `Revoke ${key.id}, the key of ${key.name}?`, options);
      if (!(await desk.revoke(key.id))) throw new CommandProblem(`the key ${key.id} was revoked by somebody else just now`, { remedy: "nothing is left to be done" });
      await recordKeyAct("keys.revoke", key, operator);
      return { text: `${key.id} is revoked: every instance refuses it within 5 s`, data: { app: operator.app.name, id: key.id, name: key.name, state: "revoked" } };
    }),
};
