/**
 * The command line: reads the arguments, runs one command, tells what came of it.
 *
 * Exit codes: 0 it is done; 1 something is wrong; 2 the command was not used as it is meant; 128 and the number of a
 * signal when a second one ended it. What a command needs is imported when it runs, so that `tenon --help` is quick.
 */
import { Command, CommanderError } from "commander";
import { addCommand, addGroup, type CommandHost } from "./command.ts";
import { accessGroup } from "./commands/access.ts";
import { auditGroup } from "./commands/audit.ts";
import { checkCommand } from "./commands/check.ts";
import { configCommand } from "./commands/config.ts";
import { describeCommand } from "./commands/describe.ts";
import { devCommand } from "./commands/dev.ts";
import { eventsGroup } from "./commands/events.ts";
import { exportGroup } from "./commands/export.ts";
import { incidentGroup } from "./commands/incident.ts";
import { issuerCommand } from "./commands/issuer.ts";
import { keysGroup } from "./commands/keys.ts";
import { logsCommand } from "./commands/logs.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { newCommand } from "./commands/new.ts";
import { objectivesGroup } from "./commands/objectives.ts";
import { identityGroup } from "./commands/identity.ts";
import { privacyGroup } from "./commands/privacy.ts";
import { sbomCommand } from "./commands/sbom.ts";
import { silencesGroup } from "./commands/silences.ts";
import { startCommand } from "./commands/start.ts";
import { subjectGroup } from "./commands/subject.ts";
import { telemetryCommand } from "./commands/telemetry.ts";
import { tokenCommand } from "./commands/token.ts";
import { topCommand } from "./commands/top.ts";
import { tracesCommand } from "./commands/traces.ts";
import { workflowsGroup } from "./commands/workflows.ts";
import { toolVersion } from "./tool-version.ts";
import { toProblem } from "./explain-error.ts";
import { Terminal, type TerminalStreams } from "./terminal.ts";

/** First argument of the processes that `tenon dev` starts for itself. */
const appProcessArgument = "--app-process";

/**
 * Runs one command line, and ends the process with its exit code.
 *
 * @param args  Without the program's own name.
 */
export async function main(args: readonly string[]): Promise<void> {
  if (args[0] === appProcessArgument) {
    const { runAppProcess } = await import("./dev/app-process.ts");
    return runAppProcess();
  }
  // Not left to Node: what the app's own modules opened when they were imported would keep the process alive.
  process.exit(await runCommand(args, process));
}

/**
 * Runs one command line in this process, which goes on afterwards. The process is moved to the app's directory.
 *
 * @param args  Without the program's own name.
 * @returns     The exit code, once everything that was said is written.
 */
export async function runCommand(args: readonly string[], streams: TerminalStreams): Promise<number> {
  const isVerbose = args.includes("--verbose") || args.includes("-v") || process.env["LOG_LEVEL"] === "debug";
  const terminal = new Terminal({ isJson: args.includes("--json"), isVerbose, ...streams });
  const exitCode = await run(args, terminal);
  await terminal.flush();
  return exitCode;
}

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const program = createProgram({
    terminal,
    finish(answer) {
      exitCode = answer?.exitCode ?? 0;
      if (answer !== undefined) terminal.print(terminal.isJson ? JSON.stringify(answer.data, undefined, 2) : answer.text);
    },
  });
  if (args.length === 0) program.outputHelp();
  if (args.length === 0) return 0;
  // A group alone explains itself, as the program does.
  const isGroupAlone = args.length === 1 && [auditGroup, eventsGroup, exportGroup, incidentGroup, keysGroup, silencesGroup].some(({ name }) => name === args[0]);
  try {
    await program.parseAsync(isGroupAlone ? [...args, "--help"] : args, { from: "user" });
    return exitCode;
  } catch (thrown) {
    // Commander has said it already: help and version on standard output, mistakes on standard error.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    const problem = toProblem(thrown);
    terminal.problem(problem);
    return problem.exitCode;
  }
}

function createProgram(host: CommandHost): Command {
  const program = new Command("tenon")
    .description("A backend platform for TypeScript: contracts and handlers in, a running backend out.")
    .version(toolVersion(), "-V, --version")
    .exitOverride()
    .configureOutput({ writeOut: (text) => host.terminal.print(text), writeErr: (text) => host.terminal.say(text.replace(/\n$/, "")) })
    .showHelpAfterError("  → tenon --help lists the commands, tenon <command> --help what one of them takes")
    .addHelpText("after", "\nIn a new directory:\n  tenon new shop    makes an app\n  tenon dev         runs it, and restarts it when a file is saved\n")
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${command.usage().replace("[options] ", "")}` })
    .helpCommand(false);
  addCommand(program, newCommand, host);
  addCommand(program, devCommand, host);
  addCommand(program, checkCommand, host);
  addCommand(program, describeCommand, host);
  addGroup(program, accessGroup, host);
  addCommand(program, tokenCommand, host);
  addCommand(program, issuerCommand, host);
  addGroup(program, keysGroup, host);
  addCommand(program, configCommand, host);
  addCommand(program, migrateCommand, host);
  addGroup(program, eventsGroup, host);
  addGroup(program, objectivesGroup, host);
  addGroup(program, silencesGroup, host);
  addGroup(program, identityGroup, host);
  addGroup(program, incidentGroup, host);
  addGroup(program, auditGroup, host);
  addGroup(program, exportGroup, host);
  addCommand(program, startCommand, host);
  addGroup(program, workflowsGroup, host);
  addGroup(program, subjectGroup, host);
  addGroup(program, privacyGroup, host);
  addCommand(program, telemetryCommand, host);
  addCommand(program, tracesCommand, host);
  addCommand(program, logsCommand, host);
  addCommand(program, topCommand, host);
  addCommand(program, sbomCommand, host);
  return program;
}
