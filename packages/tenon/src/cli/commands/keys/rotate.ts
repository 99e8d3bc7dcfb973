/** `tenon keys rotate`: gives a key a new secret, and shows it once; the old one stays good for a while. */
import type { Duration } from "../../../kernel/index.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import type { OperatorOptions } from "../../events/operator.ts";
import { CommandProblem } from "../../problem.ts";
import { defaultLife, findKey, keyData, parseLife, recordKeyAct, withKeys } from "./desk.ts";

interface RotateOptions extends OperatorOptions {
  readonly overlap?: string;
  readonly expires?: string;
}

const defaultOverlap: Duration = "24h";

export const keysRotateCommand: CommandSpec<RotateOptions> = {
  name: "rotate",
  operands: "<key>",
  summary: "give a key a new secret, and show it once",
  options: [
    { flags: "--overlap <duration>", about: `how long the old secret stays good: "0s", "7d" (default: "${defaultOverlap}")` },
    { flags: "--expires <duration>", about: `how long the new one is good for (default: "${defaultLife}")` },
    appOption,
  ],
  examples: [["tenon keys rotate 1f0c2a --overlap 7d", "programs have a week to take the new one"]],
  run({ operands, options, terminal }) {
    const overlapMs = parseLife("--overlap", options.overlap ?? defaultOverlap, 0);
    const lifeMs = parseLife("--expires", options.expires ?? defaultLife, 60_000);
    return withKeys(options, terminal, async (desk, operator) => {
      const { systemClock } = await import("../../../app/index.ts");
      const before = await findKey(desk, operands[0] ?? "");
      if (before.revokedAtMs !== undefined) throw new CommandProblem(`the key ${before.id} is revoked`, { remedy: "make another one: tenon keys create" });
      const rotated = await desk.rotate(before.id, { overlapMs, lifeMs });
      if (rotated === undefined) throw new CommandProblem(`the key ${before.id} was changed by somebody else just now`, { remedy: "look at it again: tenon keys list" });
      await recordKeyAct("keys.rotate", rotated.key, operator);
      const data = keyData(rotated.key, systemClock.nowMs());
      if (!terminal.isJson) terminal.say(`the new secret of ${rotated.key.name}, not shown again; the old one is good until ${data.formerSecretUntil ?? "now"}`);
      return { text: rotated.text, data: { app: operator.app.name, key: rotated.text, ...data } };
    });
  },
};
