/** `tenon workflows list`: the latest runs, and what they wait for. */
import type { ListedRun, RunState } from "../../../workflows/index.ts";
import { alignColumns } from "../../columns.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { CommandProblem } from "../../problem.ts";
import { type DeskOptions, withDesks } from "../../workflows/run-desks.ts";
import { lengthOf, paintState, showInstant, shownState } from "../../workflows/run-text.ts";
import type { Terminal } from "../../terminal.ts";

interface ListOptions extends DeskOptions {
  readonly state?: string;
  readonly name?: string;
  readonly max?: string;
}

const states = ["running", "waiting", "compensating", "parked", "completed", "failed", "canceled"] as const;
/** As many as fit on a screen or two. */
const defaultMax = 50;
const maxMax = 10_000;

export const workflowsListCommand: CommandSpec<ListOptions> = {
  name: "list",
  operands: "",
  summary: "the latest runs, and what they wait for",
  options: [
    { flags: "--state <state>", about: states.join(", ") },
    { flags: "--name <workflow>", about: "runs of one workflow" },
    { flags: "--max <number>", about: `the latest so many of each service (default: ${defaultMax})` },
    appOption,
  ],
  examples: [
    ["tenon workflows list", "the latest"],
    ["tenon workflows list --state parked", "those that need somebody"],
    ["tenon workflows list --name checkout --json", "for programs"],
  ],
  async run({ options, terminal }) {
    const state = parseState(options.state);
    const max = parseMax(options.max);
    return withDesks(options, terminal, async ({ app, desks }) => {
      const { systemClock } = await import("../../../app/index.ts");
      const known = app.services.flatMap(({ workflows }) => workflows.map(({ name }) => name));
      if (options.name !== undefined && !known.includes(options.name)) throw new CommandProblem(`no service of ${app.name} has a workflow ${options.name}`, { remedy: `one of: ${known.join(", ")}` });
      const found: { readonly service: string; readonly run: ListedRun }[] = [];
      for (const [service, desk] of desks) for (const run of await desk.list({ state, workflow: options.name, max })) found.push({ service, run });
      const data = found.map(({ run, service }) => ({ ...summaryOf(run), service }));
      return { text: found.length === 0 ? "no runs" : toTable(found, systemClock.nowMs(), terminal), data };
    });
  },
};

function summaryOf(run: ListedRun): object {
  const { cancelReason, endedAt, failure, id, parkedReason, parent, startedAt, waitsFor, workflow } = run;
  return { id, workflow, state: shownState(run), startedAt, endedAt, waitsFor, parent, failure, parkedReason, cancelReason };
}

function toTable(found: readonly { readonly service: string; readonly run: ListedRun }[], nowMs: number, terminal: Terminal): string {
  return alignColumns([
    ["RUN", "SERVICE", "STATE", "STARTED", "TOOK", "WHY"].map((head) => terminal.style("bold", head)),
    ...found.map(({ run, service }) => [run.id, service, paintState(shownState(run), terminal), showInstant(run.startedAt), lengthOf(run, nowMs), whyOf(run)]),
  ]);
}

function whyOf({ failure, parkedReason, state, waitsFor }: ListedRun): string {
  if (state === "parked") return parkedReason ?? "";
  if (state === "failed" || state === "canceled") return failure === null ? "" : `${failure.reason ?? failure.name}: ${failure.message}`;
  return state === "running" ? waitsFor.join(", ") : "";
}

function parseState(text: string | undefined): RunState | "waiting" | undefined {
  if (text === undefined) return undefined;
  const state = states.find((each) => each === text);
  if (state === undefined) throw new CommandProblem(`${text} is not a state of a run`, { remedy: `one of: ${states.join(", ")}`, exitCode: 2 });
  return state;
}

function parseMax(text: string | undefined): number {
  const max = text === undefined ? defaultMax : Number(text);
  if (!Number.isSafeInteger(max) || max < 1 || max > maxMax) throw new CommandProblem(`--max ${text} is not a number of runs`, { remedy: `a whole number from 1 to ${maxMax}`, exitCode: 2 });
  return max;
}
