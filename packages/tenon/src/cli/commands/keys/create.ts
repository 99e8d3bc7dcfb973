/** `tenon keys create`: makes a key, and shows it once. */
import { appOption, type CommandSpec } from "../../command.ts";
import type { OperatorOptions } from "../../events/operator.ts";
import { CommandProblem } from "../../problem.ts";
import { defaultLife, keyData, parseLife, recordKeyAct, withKeys } from "./desk.ts";

interface CreateOptions extends OperatorOptions {
  readonly sub?: string;
  readonly scope: readonly string[];
  readonly role: readonly string[];
  readonly expires?: string;
}

export const keysCreateCommand: CommandSpec<CreateOptions> = {
  name: "create",
  operands: "<name>",
  summary: "make a key, and show it once",
  options: [
    { flags: "--sub <subject>", about: "who calls with it (default: its name)" },
    { flags: "--scope <scope>", about: 'a scope: "orders:read"; may be repeated', isRepeatable: true },
    { flags: "--role <role>", about: 'a role: "admin"; may be repeated', isRepeatable: true },
    { flags: "--expires <duration>", about: `how long it is good for: "30d" (default: "${defaultLife}")` },
    appOption,
  ],
  examples: [
    ["tenon keys create nightly-export --scope orders:read", "a key that may read orders for 90 days"],
    ["tenon keys create partner --sub acme --scope orders:write --expires 365d", "calls as acme, for a year"],
  ],
  run({ operands, options, terminal }) {
    const name = (operands[0] ?? "").trim();
    if (name === "" || name.length > 200) throw new CommandProblem("a key needs a name: what is it for?", { remedy: "tenon keys create nightly-export --scope orders:read", exitCode: 2 });
    const lifeMs = parseLife("--expires", options.expires ?? defaultLife, 60_000);
    const words = (list: readonly string[]): readonly string[] => list.flatMap((each) => each.split(/[\s,]+/).filter((word) => word !== ""));
    return withKeys(options, terminal, async (desk, operator) => {
      const { key, text } = await desk.create({ name, subject: options.sub ?? name, scopes: words(options.scope), roles: words(options.role), lifeMs });
      await recordKeyAct("keys.create", key, operator);
      const data = keyData(key, key.createdAtMs);
      if (!terminal.isJson) terminal.say(`the key of ${key.name}, good until ${data.expiresAt}; it is not shown again`);
      return { text, data: { app: operator.app.name, key: text, ...data } };
    });
  },
};
