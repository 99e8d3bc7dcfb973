/** `tenon identity revoke`: a certificate, or a service with all of its certificates, is believed by nobody any more. */
import { appOption, type CommandSpec } from "../../command.ts";
import { findIdentities } from "../../identity/at-hand.ts";
import { CommandProblem } from "../../problem.ts";

interface RevokeOptions {
  readonly reason?: string;
  readonly app?: string;
}

export const identityRevokeCommand: CommandSpec<RevokeOptions> = {
  name: "revoke",
  operands: "<identity>",
  summary: "write a certificate or a service onto the list of what is not believed",
  description: "Adds a line to the file that IDENTITY_REVOKED names. Processes that read that file notice within a second, and close what is open. On another machine the file has to be brought there.",
  options: [{ flags: "--reason <text>", about: "why, as a remark in the file (required)" }, appOption],
  examples: [
    ['tenon identity revoke 4A:01:9C --reason "lost laptop"', "one certificate, by its serial"],
    ['tenon identity revoke payments --reason "taken over"', "a service, with all of its certificates"],
  ],
  async run({ operands, options }) {
    const [given = ""] = operands;
    const { reason } = options;
    if (reason === undefined || reason.trim() === "" || reason.includes("\n")) throw new CommandProblem("a revocation needs a reason, in one line", { remedy: '--reason "lost laptop"', exitCode: 2 });
    const { app, pattern, revokedFile } = await findIdentities(options.app);
    const isService = app.services.some(({ name }) => name === given);
    const entry = isService ? pattern.idOf(given) : given;
    const { revoke } = await import("../../../certificates/index.ts");
    await revoke(revokedFile, entry, reason);
    return { text: `${entry} is on the list in ${revokedFile}`, data: { app: app.name, revoked: entry, file: revokedFile } };
  },
};
