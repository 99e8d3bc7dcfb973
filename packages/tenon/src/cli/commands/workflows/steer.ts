/** `tenon workflows retry`, `cancel` and `resume`: a run is told what to do next. */
import { appOption, type CommandSpec } from "../../command.ts";
import { CommandProblem } from "../../problem.ts";
import { type DeskOptions, findRun, type FoundRun, withDesks } from "../../workflows/run-desks.ts";
import type { Answer } from "../../command.ts";
import type { Terminal } from "../../terminal.ts";

interface CancelOptions extends DeskOptions {
  readonly reason?: string;
}

interface Steering {
  readonly options: DeskOptions;
  readonly operands: readonly string[];
  readonly terminal: Terminal;
  readonly steer: (found: FoundRun) => Promise<void>;
  readonly told: string;
}

function steer({ operands, options, steer: act, terminal, told }: Steering): Promise<Answer> {
  return withDesks(options, terminal, async (desks) => {
    const found = await findRun(desks, operands[0] as string);
    await act(found);
    return { text: `${found.id} ${told}`, data: { id: found.id, service: found.service, told } };
  });
}

export const workflowsRetryCommand: CommandSpec<DeskOptions> = {
  name: "retry",
  operands: "<run>",
  summary: "try the step that failed once more",
  description: "A step that waits for its next attempt is tried now. A run that has failed goes on from the step that failed, unless it was undone.",
  options: [appOption],
  examples: [["tenon workflows retry checkout:42", "once the cause is mended"]],
  run: ({ operands, options, terminal }) => steer({ operands, options, terminal, told: "is tried again", steer: ({ desk, id }) => desk.retry(id) }),
};

export const workflowsResumeCommand: CommandSpec<DeskOptions> = {
  name: "resume",
  operands: "<run>",
  summary: "let a parked run go on, with the code of today",
  description: "A run is parked when its code does not fit its record, or an undo step has failed for good. Mend that first: what still does not fit is parked again.",
  options: [appOption],
  examples: [["tenon workflows resume checkout:42", "once the cause is mended"]],
  run: ({ operands, options, terminal }) => steer({ operands, options, terminal, told: "goes on", steer: ({ desk, id }) => desk.resume(id) }),
};

export const workflowsCancelCommand: CommandSpec<CancelOptions> = {
  name: "cancel",
  operands: "<run>",
  summary: "end a run, and undo what it did",
  description: "The run ends at its next step; a step that is under way is told to stop. Then what was registered is undone, the last thing first.",
  options: [{ flags: "--reason <text>", about: "why (required): it is kept with the run" }, appOption],
  examples: [['tenon workflows cancel checkout:42 --reason "the customer called"', "and it is undone"]],
  run({ operands, options, terminal }) {
    const { reason } = options;
    if (reason === undefined || reason.trim() === "") throw new CommandProblem("a run is canceled for a reason", { remedy: 'tenon workflows cancel … --reason "the customer called"', exitCode: 2 });
    return steer({ operands, options, terminal, told: "is to end", steer: ({ desk, id }) => desk.cancel(id, reason) });
  },
};
