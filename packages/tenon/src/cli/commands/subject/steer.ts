/** `tenon subject restrict`, `unrestrict`, `hold` and `release`. */
import { type Answer, appOption, type CommandSpec } from "../../command.ts";
import type { OperatorOptions } from "../../events/operator.ts";
import { type AtDesk, subjectOf, withSubjectDesk } from "../../privacy/with-desk.ts";
import { CommandProblem } from "../../problem.ts";
import type { Terminal } from "../../terminal.ts";

interface HoldOptions extends OperatorOptions {
  readonly reason?: string;
}

interface Steering {
  readonly operands: readonly string[];
  readonly options: OperatorOptions;
  readonly terminal: Terminal;
  readonly told: string;
  readonly act: (at: AtDesk, subject: string) => Promise<void>;
}

function steer({ act, operands, options, terminal, told }: Steering): Promise<Answer> {
  const subject = subjectOf(operands);
  return withSubjectDesk(options, terminal, async (at) => {
    await act(at, subject);
    return { text: `the data of ${subject} ${told}`, data: { subject, state: await at.desk.state(subject) } };
  });
}

export const subjectRestrictCommand: CommandSpec<OperatorOptions> = {
  name: "restrict",
  operands: "<subject>",
  summary: "keep a person's data, and let nobody use it",
  description: "Whoever reads or writes an encrypted value of the person is refused with permission_denied. With PostgreSQL running processes know at once; at the latest after a minute.",
  options: [appOption],
  examples: [["tenon subject restrict customer-1", "until tenon subject unrestrict customer-1"]],
  run: (invocation) => steer({ ...invocation, told: "is kept and not used", act: ({ by, desk }, subject) => desk.restrict(subject, "restricted", by) }),
};

export const subjectUnrestrictCommand: CommandSpec<OperatorOptions> = {
  name: "unrestrict",
  operands: "<subject>",
  summary: "let a person's data be used again",
  options: [appOption],
  examples: [["tenon subject unrestrict customer-1", "as before"]],
  run: (invocation) => steer({ ...invocation, told: "may be used again", act: ({ by, desk }, subject) => desk.restrict(subject, "free", by) }),
};

export const subjectHoldCommand: CommandSpec<HoldOptions> = {
  name: "hold",
  operands: "<subject>",
  summary: "keep erasures and retention from a person's data",
  options: [{ flags: "--reason <text>", about: "why (required): a lawsuit, an order of a court; it is kept with the hold" }, appOption],
  examples: [['tenon subject hold customer-1 --reason "file 12 O 34/26"', "until tenon subject release customer-1"]],
  run({ operands, options, terminal }) {
    const { reason } = options;
    if (reason === undefined || reason.trim() === "") throw new CommandProblem("data is held for a reason", { remedy: '--reason "file 12 O 34/26"', exitCode: 2 });
    return steer({ operands, options, terminal, told: "is on hold", act: ({ by, desk }, subject) => desk.hold(subject, reason, by) });
  },
};

export const subjectReleaseCommand: CommandSpec<OperatorOptions> = {
  name: "release",
  operands: "<subject>",
  summary: "end a hold",
  options: [appOption],
  examples: [["tenon subject release customer-1", "it may be erased again"]],
  run: (invocation) => steer({ ...invocation, told: "is on hold no more", act: ({ by, desk }, subject) => desk.hold(subject, undefined, by) }),
};
