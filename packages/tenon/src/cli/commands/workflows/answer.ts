/** `tenon workflows answer`: what a person decided. */
import { appOption, type CommandSpec } from "../../command.ts";
import { CommandProblem } from "../../problem.ts";
import { type DeskOptions, findRun, withDesks } from "../../workflows/run-desks.ts";

export const workflowsAnswerCommand: CommandSpec<DeskOptions> = {
  name: "answer",
  operands: "<run> <question> <answer>",
  summary: "answer a question that a run asks",
  description: "The answer is checked by the schema in the code of the workflow; one that does not fit is refused, and the run waits on.",
  options: [appOption],
  examples: [[`tenon workflows answer checkout:42 approve '{"ok":true}'`, "and the run goes on"]],
  run({ operands, options, terminal }) {
    const [run, question, text] = operands as readonly [string, string, string];
    const answer = parseAnswer(text);
    return withDesks(options, terminal, async (desks) => {
      const { desk, id, service } = await findRun(desks, run);
      const { steps } = await desk.show(id);
      const open = steps.filter(({ kind, state }) => kind === "ask" && state === "waiting").map(({ name }) => name);
      if (!steps.some(({ kind, name }) => kind === "ask" && name === question)) {
        throw new CommandProblem(`the run ${id} does not ask "${question}"`, { remedy: open.length === 0 ? "it asks nothing at present: tenon workflows show tells what it does" : `it asks: ${open.join(", ")}` });
      }
      await desk.answer(id, question, answer);
      return { text: `"${question}" of ${id} is answered`, data: { id, service, question, answer } };
    });
  },
};

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new CommandProblem(`the answer is not JSON: ${text}`, { remedy: `'{"ok":true}', true, 5, or '"a text"' with its quotes`, exitCode: 2, cause });
  }
}
