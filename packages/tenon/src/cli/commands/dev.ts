/** `tenon dev`: runs the app while it is written. */
import { enterApp } from "../app-location.ts";
import { appOperand, type CommandSpec } from "../command.ts";
import type { DevEvent } from "../dev/dev-session.ts";
import { countOf } from "../plural.ts";
import { problemData } from "../problem.ts";
import { showPath } from "../source-place.ts";
import type { Terminal } from "../terminal.ts";

export const devCommand: CommandSpec = {
  name: "dev",
  operands: appOperand,
  summary: "run the app, and restart it when a file is saved",
  description: [
    "Runs the app with everything embedded: a PostgreSQL in .tenon/database, migrated and seeded by itself, and",
    'tokens from "tenon token". Restarts when a file is saved that the app imports, or .sql and .env in its',
    "directory. Code that does not run is explained, and the next save tries again. What the app tells of itself is",
    "kept in .tenon/telemetry for tenon traces, tenon logs and tenon top. Settings from the environment or .env",
    "replace what is embedded: DATABASE_URL, OIDC_ISSUER, OTEL_EXPORTER_OTLP_ENDPOINT, PORT.",
  ].join(" "),
  examples: [
    ["tenon dev", "the app in this directory"],
    ["PORT=4000 tenon dev", "on another port"],
    ["tenon dev --json", "what happens as lines of JSON; the app's log on standard error"],
  ],
  async run({ operands, terminal }) {
    const location = enterApp(operands[0]);
    const { DevSession } = await import("../dev/dev-session.ts");
    const { openDevTelemetry } = await import("../dev/dev-telemetry.ts");
    await using telemetry = await openDevTelemetry(location.home);
    if (telemetry.problem !== undefined) terminal.warn(`telemetry is not kept: ${telemetry.problem}`);
    const asked = Promise.withResolvers<void>();
    const speaker = new Speaker(terminal);
    const session = new DevSession({
      ...location,
      output: terminal.isJson ? "standard error" : "standard output",
      settings: telemetry.settings,
      onEvent: (event) => speaker.tell(event),
    });
    // Several signals are as good as one: npm passes on the Ctrl-C that the terminal has sent to everybody already.
    // Nobody waits for long, since a process that does not end in time is killed.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => asked.resolve());
    process.on("exit", () => session.kill());
    await Promise.race([session.start(), asked.promise]);
    await asked.promise;
    await session.end();
    return undefined;
  },
};

/** Puts what happens into words. */
class Speaker {
  readonly #terminal: Terminal;
  #url = "";

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  tell(event: DevEvent): void {
    if (this.#terminal.isJson) this.#terminal.printEvent(toData(event));
    else this.#say(event);
  }

  #say(event: DevEvent): void {
    const terminal = this.#terminal;
    if (event.kind === "looking") terminal.warn(`files cannot be watched (${event.reason}), so they are looked at twice a second`);
    else if (event.kind === "restarting") terminal.say(terminal.styleSaid("dim", `${changedText(event.changed)} changed`));
    else if (event.kind === "failed") {
      terminal.problem(event.problem);
      terminal.say(terminal.styleSaid("dim", "  waiting for the next save"));
    } else this.#sayReady(event);
  }

  #sayReady({ changed, ms, ready, watched }: Extract<DevEvent, { kind: "ready" }>): void {
    const terminal = this.#terminal;
    const took = `ready in ${Math.round(ms)} ms`;
    if (ready.url === this.#url) {
      terminal.say(terminal.styleSaid("green", changed.length === 0 ? took : `${took}, after a change of ${changedText(changed)}`));
      return;
    }
    this.#url = ready.url;
    terminal.say(
      [
        "",
        `  ${terminal.styleSaid("bold", ready.app)}  ${countOf(ready.services, "service")}, ${took}`,
        "",
        `  ${terminal.styleSaid("cyan", ready.url)}`,
        `  ${terminal.styleSaid("cyan", `${ready.url}/docs`)}          to read and try`,
        `  ${terminal.styleSaid("cyan", `${ready.url}/openapi.json`)}  for programs`,
        "",
        terminal.styleSaid("dim", "  a token: tenon token --sub user-1 --scope …    what happens: tenon traces, tenon logs, tenon top"),
        terminal.styleSaid("dim", `  ${countOf(watched, "file")} watched, Ctrl-C ends`),
        "",
      ].join("\n"),
    );
  }
}

function changedText(files: readonly string[]): string {
  const [first = "", ...rest] = files;
  return rest.length === 0 ? showPath(first) : `${showPath(first)} and ${rest.length} more`;
}

function toData(event: DevEvent): Readonly<Record<string, unknown>> {
  if (event.kind === "ready") {
    const { app, services, url } = event.ready;
    return { event: "ready", app, services, url, docs: `${url}/docs`, openapi: `${url}/openapi.json`, ms: Math.round(event.ms), changed: event.changed };
  }
  if (event.kind === "failed") return { event: "failed", changed: event.changed, ...problemData(event.problem) };
  if (event.kind === "restarting") return { event: "restarting", changed: event.changed };
  return { event: "looking", reason: event.reason };
}
