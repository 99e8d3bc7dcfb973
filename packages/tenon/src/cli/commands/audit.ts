/** `tenon audit`: who did what, and whether the record of it is as it was written. */
import { addCommand, type CommandGroup } from "../command.ts";
import { auditArchiveCommand } from "./audit/archive.ts";
import { auditSearchCommand } from "./audit/search.ts";
import { auditVerifyCommand } from "./audit/verify.ts";

export const auditGroup: CommandGroup = {
  name: "audit",
  summary: "who did what to which record, and whether the trail is whole",
  description: "Reads the audit trail in the database, whether or not the app runs. What is on record, and what tampering is found by: docs/audit.md.",
  fill(group, host) {
    addCommand(group, auditSearchCommand, host);
    addCommand(group, auditVerifyCommand, host);
    addCommand(group, auditArchiveCommand, host);
  },
};
