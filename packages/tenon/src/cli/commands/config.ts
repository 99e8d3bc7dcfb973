/** `tenon config`: every setting, its value, where that came from, and what it is for. */
import type { ConfigLine } from "../../app/index.ts";
import { enterApp } from "../app-location.ts";
import { alignColumns } from "../columns.ts";
import { appOperand, type CommandSpec } from "../command.ts";
import { loadApp } from "../load-app.ts";
import { CommandProblem } from "../problem.ts";
import { showPath } from "../source-place.ts";
import type { Terminal } from "../terminal.ts";

export const configCommand: CommandSpec = {
  name: "config",
  operands: appOperand,
  summary: "print every setting and where it comes from",
  description: [
    "Prints every setting of the platform and of the app's services: its value, whether that comes from the",
    "environment, from .env or is the default, and what it is for. Secrets are masked. Everything that is wrong is",
    "told at once.",
  ].join(" "),
  examples: [
    ["tenon config", "of the app in this directory"],
    ["PORT=80x tenon config", "tells what is wrong with PORT, and exits with 1"],
    ["tenon config --json", "for programs"],
  ],
  async run({ operands, terminal }) {
    const location = enterApp(operands[0]);
    const app = await loadApp(location.file);
    const { readConfig } = await import("../read-config.ts");
    const { lines, problems } = await readConfig(app.services, location.home);
    if (problems.length > 0) {
      throw new CommandProblem(`the configuration of ${app.name} has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${problems.map((each) => `  ${each}`).join("\n")}`, {
        remedy: `set it in the environment, or in ${showPath(".env")}`,
      });
    }
    return { text: toTable(lines, terminal), data: { app: app.name, settings: lines } };
  },
};

function toTable(lines: readonly ConfigLine[], terminal: Terminal): string {
  return alignColumns([
    ["SETTING", "VALUE", "FROM", "FOR"].map((head) => terminal.style("bold", head)),
    ...lines.map(({ about, env, from, value }) => [env, shown(value, from, terminal), terminal.style(from === "default" ? "dim" : "green", from), about]),
  ]);
}

function shown(value: string, from: string, terminal: Terminal): string {
  const text = value === "" ? "(empty)" : value;
  return from === "default" ? terminal.style("dim", text) : text;
}
