/** `tenon keys list`: which keys there are, and what they may do. Never the keys themselves: nobody has them here. */
import { alignColumns } from "../../columns.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import type { OperatorOptions } from "../../events/operator.ts";
import { keyData, withKeys } from "./desk.ts";

export const keysListCommand: CommandSpec<OperatorOptions> = {
  name: "list",
  operands: "",
  summary: "list the keys, with what they may do",
  options: [appOption],
  examples: [["tenon keys list", "all of them, the newest first"]],
  run: ({ options, terminal }) =>
    withKeys(options, terminal, async (desk, { app }) => {
      const { systemClock } = await import("../../../app/index.ts");
      const keys = await desk.list();
      const nowMs = systemClock.nowMs();
      const rows = keys.map((key) => {
        const { expiresAt, state } = keyData(key, nowMs);
        return [key.id, key.name, key.subject, state, expiresAt, [...key.scopes, ...key.roles.map((role) => `role ${role}`)].join(" ")];
      });
      return {
        text: rows.length === 0 ? "there are no keys" : alignColumns([["ID", "NAME", "CALLS AS", "STATE", "EXPIRES", "MAY"].map((head) => terminal.style("bold", head)), ...rows]),
        data: { app: app.name, keys: keys.map((key) => keyData(key, nowMs)) },
      };
    }),
};
