/** `tenon privacy rotate-master`: every key is wrapped anew by the present master key. */
import { userInfo } from "node:os";
import { appOption, type CommandSpec } from "../../command.ts";
import { wholeLayers } from "../../config-layers.ts";
import { type OperatorOptions, withOperator } from "../../events/operator.ts";
import { terminalLog } from "../../terminal-log.ts";

export const privacyRotateMasterCommand: CommandSpec<OperatorOptions> = {
  name: "rotate-master",
  operands: "",
  summary: "wrap every key anew by the present master key",
  description: "Give the new master key as PRIVACY_MASTER_KEY and the one from before as PRIVACY_MASTER_KEY_OLD, to the app and to this command. When it is through, the old one is not needed any more: destroy it, and copies of the keys from before open nothing.",
  options: [appOption],
  examples: [["tenon privacy rotate-master", "values are not touched, and the app goes on"]],
  run: ({ options, terminal }) =>
    withOperator(options, terminal, async ({ app, database, location }) => {
      const { openMasterKeys, parseConfig, recordOperatorAct, systemClock } = await import("../../../app/index.ts");
      const { rotateMaster } = await import("../../../privacy/index.ts");
      const { config } = parseConfig(await wholeLayers(location.home));
      const masters = await openMasterKeys(config);
      const wrapped = await rotateMaster(database, masters);
      await recordOperatorAct(app, { action: "privacy.rotate-master", by: userInfo().username, details: { wrapped, master: masters.current.name } }, { clock: systemClock, config, database, log: terminalLog(terminal) });
      return { text: `${wrapped} keys were wrapped anew by ${masters.current.name}`, data: { app: app.name, wrapped, master: masters.current.name } };
    }),
};
