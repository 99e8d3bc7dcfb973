/**
 * Where a command speaks. Results go to standard output; everything that is said besides, to standard error, so that
 * a result can be piped. Colors appear only where the stream is a terminal, and not with NO_COLOR (https://no-color.org).
 */
import { styleText } from "node:util";
import { type CommandProblem, problemData, problemText } from "./problem.ts";

export type Style = Parameters<typeof styleText>[0];

/** Where a command writes: `process` has both. */
export interface TerminalStreams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

export interface TerminalOptions extends TerminalStreams {
  /** Results as JSON, and nothing else on standard output. */
  readonly isJson: boolean;
  /** Problems with their stack. */
  readonly isVerbose: boolean;
}

export class Terminal {
  readonly isJson: boolean;
  readonly isVerbose: boolean;
  readonly #stdout: NodeJS.WritableStream;
  readonly #stderr: NodeJS.WritableStream;

  constructor(options: TerminalOptions) {
    this.isJson = options.isJson;
    this.isVerbose = options.isVerbose;
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
    // A reader that has seen enough, as in `tenon describe | head`, is not a failure.
    for (const stream of [this.#stdout, this.#stderr]) stream.on("error", ignoreClosedPipe);
  }

  /** One line of result, or several. */
  print(text: string): void {
    this.#stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  /** One line of JSON: for commands whose result comes bit by bit. */
  printEvent(event: Readonly<Record<string, unknown>>): void {
    this.#stdout.write(`${JSON.stringify(event)}\n`);
  }

  /** Something beside the result. */
  say(text: string): void {
    this.#stderr.write(`${text}\n`);
  }

  warn(text: string): void {
    this.say(`${this.#paint("yellow", "warning:", this.#stderr)} ${text}`);
  }

  problem(problem: CommandProblem): void {
    this.say(`${this.#paint("red", "error:", this.#stderr)} ${problemText(problem)}`);
    if (this.isVerbose) this.say(`\n${stackOf(problem)}`);
    if (this.isJson) this.print(JSON.stringify(problemData(problem), undefined, 2));
  }

  /** Text of a result, styled where standard output is a terminal. */
  style(style: Style, text: string): string {
    return this.#paint(style, text, this.#stdout);
  }

  /** Text that is said, styled where standard error is a terminal. */
  styleSaid(style: Style, text: string): string {
    return this.#paint(style, text, this.#stderr);
  }

  /** Resolves when everything written is out: a process that exits before loses what a slow pipe has not taken yet. */
  async flush(): Promise<void> {
    await Promise.all([this.#stdout, this.#stderr].map((stream) => new Promise<void>((resolve) => void stream.write("", () => resolve()))));
  }

  #paint(style: Style, text: string, stream: NodeJS.WritableStream): string {
    return styleText(style, text, { stream });
  }
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

/** The stack of what was thrown first: of the problem itself it would only show where it was put into words. */
function stackOf(problem: CommandProblem): string {
  const { cause } = problem;
  return cause instanceof Error ? (cause.stack ?? String(cause)) : (problem.stack ?? "");
}
