/** `tenon privacy encrypt`: values from before their columns were encrypted. */
import { userInfo } from "node:os";
import type { EncryptedTable } from "../../../privacy/index.ts";
import { alignColumns } from "../../columns.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { wholeLayers } from "../../config-layers.ts";
import { type OperatorOptions, withOperator } from "../../events/operator.ts";
import { terminalLog } from "../../terminal-log.ts";

export const privacyEncryptCommand: CommandSpec<OperatorOptions> = {
  name: "encrypt",
  operands: "",
  summary: "encrypt values that were there before their columns were encrypted",
  description: "Rows are gone through in portions, each in a transaction of its own. While it runs, let the app read with PRIVACY_PLAIN_VALUES=accepted; afterwards take that away.",
  options: [appOption],
  examples: [["tenon privacy encrypt", "all tables of all services"]],
  run: ({ options, terminal }) =>
    withOperator(options, terminal, async ({ app, database, location, owners }) => {
      const { openVaultOf, parseConfig, recordOperatorAct, systemClock } = await import("../../../app/index.ts");
      const { encryptRows } = await import("../../../privacy/index.ts");
      const { config } = parseConfig(await wholeLayers(location.home));
      const opened = await openVaultOf(app, { config: { ...config, plainValues: "accepted" }, database, clock: systemClock });
      if (opened === undefined) return { text: `nothing of ${app.name} is encrypted`, data: { app: app.name, tables: [] } };
      try {
        const tables: EncryptedTable[] = [];
        for (const { name, tables: declared } of owners) tables.push(...(await encryptRows({ name, tables: declared }, { database, vault: opened.vault })));
        const encrypted = tables.reduce((sum, each) => sum + each.encrypted, 0);
        await recordOperatorAct(app, { action: "privacy.encrypt", by: userInfo().username, details: { encrypted } }, { clock: systemClock, config, database, log: terminalLog(terminal) });
        const ownerless = tables.filter((each) => each.ownerless > 0);
        for (const each of ownerless) terminal.warn(`${each.ownerless} rows of ${each.service}.${each.table} name no subject, and stay as they are: they cannot be read once PRIVACY_PLAIN_VALUES is refused`);
        const rows = tables.map((each) => [`${each.service}.${each.table}`, String(each.encrypted)]);
        return {
          text: alignColumns([["TABLE", "ENCRYPTED"].map((head) => terminal.style("bold", head)), ...rows]),
          data: { app: app.name, tables },
          exitCode: ownerless.length > 0 ? 1 : 0,
        };
      } finally {
        await opened.part.stop();
      }
    }),
};
