/** `tenon identity`: who services are to each other. */
import { addCommand, type CommandGroup } from "../command.ts";
import { identityIssueCommand } from "./identity/issue.ts";
import { identityRevokeCommand } from "./identity/revoke.ts";
import { identityShowCommand } from "./identity/show.ts";

export const identityGroup: CommandGroup = {
  name: "identity",
  summary: "who services are to each other",
  description: "Services that run in several processes know each other by certificates with SPIFFE ids.",
  fill(group, host) {
    addCommand(group, identityShowCommand, host);
    addCommand(group, identityIssueCommand, host);
    addCommand(group, identityRevokeCommand, host);
  },
};
