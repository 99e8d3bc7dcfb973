/** `tenon workflows show`: one run, step by step. */
import type { Run, Step } from "../../../workflows/index.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { type DeskOptions, findRun, withDesks } from "../../workflows/run-desks.ts";
import { lengthOf, paintState, showInstant, timeline } from "../../workflows/run-text.ts";
import type { Terminal } from "../../terminal.ts";

interface ShowOptions extends DeskOptions {
  readonly values?: true;
}

export const workflowsShowCommand: CommandSpec<ShowOptions> = {
  name: "show",
  operands: "<run>",
  summary: "one run, step by step",
  description: [
    "Shows what a run did, when, how long each step took and how often it was tried, what it waits for, what was undone and",
    "why it failed. Inputs and results stay hidden, since they may be about people, unless --values is given.",
  ].join(" "),
  options: [{ flags: "--values", about: "input, output and results too" }, appOption],
  examples: [
    ["tenon workflows show checkout:42", "the run 42 of checkout"],
    ["tenon workflows show 42 --values", "with what it was given and what it gave"],
  ],
  run: ({ operands, options, terminal }) =>
    withDesks(options, terminal, async (desks) => {
      const { systemClock } = await import("../../../app/index.ts");
      const { desk, id, service } = await findRun(desks, operands[0] as string);
      const { run, steps } = await desk.show(id);
      const { values } = options;
      const text = [headOf(run, { nowMs: systemClock.nowMs(), service, terminal }), ...(values === true ? [valuesOf(run)] : []), timeline(run, steps, { nowMs: systemClock.nowMs(), terminal }), ...(values === true ? [resultsOf(steps)] : [])];
      return { text: text.join("\n\n"), data: values === true ? { service, run, steps } : { service, run: withoutValues(run), steps: steps.map(withoutResult) } };
    }),
};

function headOf(run: Run, { nowMs, service, terminal }: { readonly service: string; readonly nowMs: number; readonly terminal: Terminal }): string {
  const { cancelReason, failure, parent, parkedReason, startedAt, state } = run;
  const lines = [`${terminal.style("bold", run.id)} of ${service}: ${paintState(state, terminal)}`, `started ${showInstant(startedAt)}, ${run.endedAt === null ? "for" : "took"} ${lengthOf(run, nowMs)}`];
  if (parent !== null) lines.push(`child of ${parent}`);
  if (parkedReason !== null) lines.push(`${terminal.style("red", "parked")}: ${parkedReason}`, `  → tenon workflows resume ${run.id}, once the cause is mended`);
  if (cancelReason !== null) lines.push(`canceled: ${cancelReason}`);
  if (failure !== null && failure.name !== "Canceled") lines.push(`${terminal.style("red", "failed")}${failure.step === undefined ? "" : ` at "${failure.step}"`}: ${failure.reason ?? failure.name}: ${failure.message}`, ...(failure.stack ?? "").split("\n").filter((line) => line !== "").map((line) => terminal.style("dim", line)));
  return lines.join("\n");
}

function valuesOf({ input, output }: Run): string {
  return [`input: ${JSON.stringify(input)}`, ...(output === null ? [] : [`output: ${JSON.stringify(output)}`])].join("\n");
}

function resultsOf(steps: readonly Step[]): string {
  return steps.filter(({ result }) => result !== null).map(({ name, result }) => `${name}: ${JSON.stringify(result)}`).join("\n");
}

function withoutValues({ input: _input, output: _output, ...run }: Run): object {
  return { ...run, ...(run.failure === null ? {} : { failure: { ...run.failure, data: undefined } }) };
}

function withoutResult({ result: _result, ...step }: Step): object {
  return { ...step, ...(step.failure === null ? {} : { failure: { ...step.failure, data: undefined } }) };
}
