/** What a command is: data for the help, and a function from operands and options to an answer. */
import type { Command } from "commander";
import type { Terminal } from "./terminal.ts";

export interface Answer {
  /** For people. */
  readonly text: string;
  /** For machines: what `--json` prints. */
  readonly data: unknown;
  /** 1: the command did its work, and what it found is not well. Default 0. */
  readonly exitCode?: 0 | 1;
}

export interface OptionSpec {
  /** As commander writes them: `"--scope <scope>"`. */
  readonly flags: string;
  readonly about: string;
  /** May be given several times; its value is then an array, empty without one. */
  readonly isRepeatable?: true;
}

export interface Invocation<O> {
  /** What stands beside the options, in order. */
  readonly operands: readonly string[];
  readonly options: O;
  readonly terminal: Terminal;
}

export interface CommandSpec<O = Record<never, never>> {
  readonly name: string;
  /** As commander writes them: `"[app]"`; several with a space in between. */
  readonly operands: string;
  /** Run where a group is given no command of its own. */
  readonly isDefault?: true;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** More, for the command's own help. */
  readonly description?: string;
  readonly options?: readonly OptionSpec[];
  /** A command line and what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** Nothing is returned by a command that spoke for itself while it ran. Errors are told by whoever runs it. */
  readonly run: (invocation: Invocation<O>) => Promise<Answer | undefined>;
}

/** The operand of most commands. */
export const appOperand = "[app]";

export interface CommandHost {
  readonly terminal: Terminal;
  readonly finish: (answer: Answer | undefined) => void;
}

/** Adds a command to the program. */
export function addCommand<O>(program: Command, spec: CommandSpec<O>, { finish, terminal }: CommandHost): void {
  const command = program.command(spec.name, { isDefault: spec.isDefault === true }).summary(spec.summary).description(spec.description ?? spec.summary);
  for (const operand of spec.operands === "" ? [] : spec.operands.split(" ")) command.argument(operand, aboutOperands[operand] ?? "");
  for (const { about, flags, isRepeatable } of spec.options ?? []) {
    if (isRepeatable === true) command.option(flags, about, (value: string, before: readonly string[]) => [...before, value], []);
    else command.option(flags, about);
  }
  // Read by `main` before any command is known, since they decide how a mistake in the rest is told.
  command.option("--json", "machine-readable output").option("-v, --verbose", "errors with their stack");
  command.addHelpText("after", helpWithExamples(spec.examples));
  command.action(async () => {
    finish(await spec.run({ operands: command.args, options: command.opts<O & object>(), terminal }));
  });
}

/** Commands that belong together, under one word: `tenon events …`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  /** Adds its commands. */
  readonly fill: (group: Command, host: CommandHost) => void;
}

/** Adds a group to the program. */
export function addGroup(program: Command, group: CommandGroup, host: CommandHost): void {
  const command = program.command(group.name).summary(group.summary).description(group.description).usage("<command>").helpCommand(false);
  group.fill(command, host);
}

const aboutApp = "the file whose default export is the app, or its directory (default: app.ts, src/app.ts, or what package.json names)";

/** Where the app is, for commands whose operand is something else. */
export const appOption: OptionSpec = { flags: "--app <path>", about: aboutApp };

const aboutOperands: Readonly<Record<string, string>> = {
  "[app]": aboutApp,
  "[trace]": "the identifier of a trace, or its beginning: 4 digits at least",
  "<run>": "the identifier of a run, or its beginning: checkout:42, or 42",
  "<question>": "the name of the step that asks",
  "<answer>": "the answer, in JSON",
  "<key>": "the id of a key, or its beginning: 6 digits at least",
  "<name>": "what it is for: nightly-export",
  "<operation>": "an operation by its service and name: orders.refund",
  "<service>": "the name of a service",
  "<identity>": "the serial of a certificate, a SPIFFE id, or the name of a service",
  "<silence>": "the id of a silence: 8 digits, as tenon silences list shows them",
  "<subject>": "a person, as the `subject` columns of the tables name them",
  "<file>": "the file to read",
  "<incident>": "the id of an incident, or its beginning, as tenon incident list shows them",
  "<step>": "the name of a step: payments/provider-is-slow/settle, or settle alone where it is the only one of that name",
  "[service]": "the name of a service (default: all of them)",
  "<id>": "the id of an event, or its beginning: 6 digits at least",
  "<subscription>": "orders/mark-paid, or its name alone where no other service has one of that name",
  "[what]": "orders, orders/mark-paid, a dead letter such as orders/3, or the id of an event",
  "[what...]": "orders, orders/mark-paid, dead letters such as orders/3, or ids of events",
  "<what>": "a dead letter such as orders/3, or a subscription such as orders/mark-paid",
};

function helpWithExamples(examples: CommandSpec["examples"]): string {
  const width = Math.max(...examples.map(([line]) => line.length));
  return `\nExamples:\n${examples.map(([line, does]) => `  ${line.padEnd(width)}  ${does}`).join("\n")}\n`;
}
