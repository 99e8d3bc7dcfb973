/** `tenon objectives`: what was promised, how much of it was kept, and how fast the budget is being used up. */
import { formatDuration } from "../../../kernel/index.ts";
import type { Target } from "../../../objectives/index.ts";
import { alignColumns } from "../../columns.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { type ObjectiveStatus, percentText, readStatus, type StatusOptions } from "../../objectives/status.ts";
import type { Terminal } from "../../terminal.ts";

export const objectivesShowCommand: CommandSpec<StatusOptions> = {
  name: "show",
  operands: "",
  isDefault: true,
  summary: "show what is left of each error budget, and how fast it burns (the default)",
  description: [
    "Shows each objective of the app: what is promised, what was measured over 28 days, what is left of the error budget, and",
    "how many times faster than allowed it was used up over the last hour, 6 hours, day and 3 days. From 14.4 over an hour or 6",
    "over 6 hours on, somebody is paged.",
  ].join(" "),
  options: [{ flags: "--service <name>", about: "those of one service" }, appOption],
  examples: [
    ["tenon objectives", "a table"],
    ["tenon objectives --service orders --json", "those of one service, for programs"],
  ],
  async run({ options, terminal }) {
    const { app, objectives } = await readStatus(options, terminal);
    return { text: toText(objectives, terminal), data: { app: app.name, objectives: objectives.map(toData) } };
  },
};

function toText(objectives: readonly ObjectiveStatus[], terminal: Terminal): string {
  const head = ["OBJECTIVE", "PROMISED", "MEASURED", "OF", "BUDGET LEFT", "1h", "6h", "1d", "3d", "ALERT"].map((name) => terminal.style("bold", name));
  const isUnkept = objectives.some(({ reading }) => reading === undefined);
  const note = isUnkept ? `\n${terminal.style("dim", "without a database, counts are in the memory of each process")}` : "";
  return alignColumns([head, ...objectives.map((each) => toRow(each, terminal))]) + note;
}

function toRow({ alerts, isSilenced, reading, target }: ObjectiveStatus, terminal: Terminal): readonly string[] {
  if (reading === undefined) return [target.id, promiseText(target), terminal.style("dim", "not kept")];
  const { budgetLeft, counts, rules } = reading;
  const measured = counts.total === 0 ? "-" : `${Math.floor((1 - counts.bad / counts.total) * 100_000) / 1_000} %`;
  const left = terminal.style(budgetLeft <= 0 ? "red" : budgetLeft < 0.25 ? "yellow" : "green", percentText(budgetLeft));
  const state = alerts.filter((alert) => alert.state !== "resolved").map((alert) => `${alert.severity} ${alert.state}`).join(", ");
  return [target.id, promiseText(target), measured, String(counts.total), left, ...rules.map(({ long }) => String(Number(long.toFixed(1)))), alertText(state, isSilenced, terminal)];
}

function alertText(state: string, isSilenced: boolean, terminal: Terminal): string {
  if (state === "") return "";
  return isSilenced ? `${state} (silenced)` : terminal.style("red", state);
}

function promiseText({ indicator, limitMs = 0, share }: Target): string {
  const percent = `${Number((share * 100).toPrecision(12))} %`;
  if (indicator === "availability") return `${percent} answered`;
  return indicator === "latency" ? `${percent} within ${formatDuration(limitMs)}` : `${percent} of the time within ${formatDuration(limitMs)}`;
}

function toData({ alerts, isSilenced, reading, target }: ObjectiveStatus): object {
  const { id, indicator, limitMs, service, share, source, subject } = target;
  return {
    id, service, subject, indicator, share, limitMs: limitMs ?? null, source,
    counts: reading?.counts ?? null,
    budgetLeft: reading?.budgetLeft ?? null,
    burnRates: reading?.rules.map(({ isMet, long, rule, short }) => ({ severity: rule.severity, factor: rule.factor, longMs: rule.longMs, shortMs: rule.shortMs, long, short, isMet })) ?? null,
    alerts,
    isSilenced,
  };
}
