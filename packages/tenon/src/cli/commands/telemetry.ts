/** `tenon telemetry`: a receiver of OTLP with the store behind it, as a process. */
import { findProblem } from "../telemetry/listen-problem.ts";
import type { CommandSpec } from "../command.ts";
import { CommandProblem } from "../problem.ts";
import { showPath } from "../source-place.ts";
import { sizeText } from "../telemetry/measure-text.ts";
import { parseLength, parseSize } from "../telemetry/parse-options.ts";
import { storeDirectory, storeOption, type StoreOptions } from "../telemetry/store-place.ts";
import type { OtlpReceiver, StoreReader, TelemetryStore } from "../../telemetry-store/index.ts";
import type { Terminal } from "../terminal.ts";

interface TelemetryOptions extends StoreOptions {
  readonly port?: string;
  readonly host?: string;
  readonly keep?: string;
  readonly size?: string;
}

/** How often it says what came, where something did. */
const tellEveryMs = 10_000;

export const telemetryCommand: CommandSpec<TelemetryOptions> = {
  name: "telemetry",
  operands: "",
  summary: "receive telemetry over OTLP, and keep it to be looked at",
  description: [
    "Receives traces, metrics and logs of any program with OpenTelemetry, over HTTP in protobuf or JSON, and keeps them on",
    "disk within limits of age and size: the oldest go first. tenon traces, tenon logs and tenon top look at them, also",
    "while it runs. There is no login: it listens on this machine alone unless --host says otherwise.",
  ].join(" "),
  options: [
    { flags: "--port <port>", about: "TCP port; 0 lets the system choose (default: 4318, where OpenTelemetry sends)" },
    { flags: "--host <address>", about: "address to listen on (default: 127.0.0.1)" },
    { flags: "--keep <duration>", about: "how long telemetry is kept (default: 48h)" },
    { flags: "--size <size>", about: "what all of it may take on disk (default: 2GB)" },
    storeOption,
  ],
  examples: [
    ["tenon telemetry", "beside the app in this directory"],
    ["tenon telemetry --keep 7d --size 10GB", "for longer"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 node app.js", "another program that sends to it"],
  ],
  async run({ options, terminal }) {
    const asked = parseOptions(options);
    const ending = Promise.withResolvers<void>();
    // Several signals are as good as one: npm passes on the Ctrl-C that the terminal has sent to everybody already.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => ending.resolve());
    const directory = storeDirectory(options);
    const { openOtlpReceiver, StoreReader, TelemetryStore } = await import("../../telemetry-store/index.ts");
    await using store = await TelemetryStore.open(directory, asked.limits);
    await using receiver = await openOtlpReceiver(store, { port: asked.port, host: asked.host }).catch((cause: unknown) => {
      throw findProblem(cause, asked);
    });
    using reader = StoreReader.open(directory);
    const speaker = new Speaker(terminal, { store, receiver, reader });
    speaker.ready();
    const timer = setInterval(() => speaker.progress(), tellEveryMs);
    await ending.promise;
    clearInterval(timer);
    await receiver.close();
    await store.close();
    speaker.stopped();
    return undefined;
  },
};

interface AskedReceiver {
  readonly port: number;
  readonly host: string;
  readonly limits: { readonly keepMs?: number; readonly sizeMaxBytes?: number };
}

function parseOptions({ host = "127.0.0.1", keep, port = "4318", size }: TelemetryOptions): AskedReceiver {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new CommandProblem(`--port ${port} is not a port`, { remedy: "a whole number up to 65535; 0 lets the system choose", exitCode: 2 });
  const sizeMaxBytes = size === undefined ? undefined : parseSize("--size", size);
  if (sizeMaxBytes !== undefined && sizeMaxBytes < 4 * 1024 ** 2) throw new CommandProblem(`--size ${size ?? ""} is too small to keep anything`, { remedy: "4MB at least", exitCode: 2 });
  return {
    port: Number(port),
    host,
    limits: { ...(keep === undefined ? {} : { keepMs: parseLength("--keep", keep) }), ...(sizeMaxBytes === undefined ? {} : { sizeMaxBytes }) },
  };
}

interface Running {
  readonly store: TelemetryStore;
  readonly receiver: OtlpReceiver;
  readonly reader: StoreReader;
}

/** Puts what happens into words. */
class Speaker {
  readonly #terminal: Terminal;
  readonly #running: Running;
  #told = "";

  constructor(terminal: Terminal, running: Running) {
    this.#terminal = terminal;
    this.#running = running;
  }

  ready(): void {
    const { receiver, store } = this.#running;
    const terminal = this.#terminal;
    if (terminal.isJson) {
      terminal.printEvent({ event: "ready", url: receiver.url, store: store.directory, keepMs: store.limits.keepMs, sizeMaxBytes: store.limits.sizeMaxBytes });
      return;
    }
    terminal.say(
      [
        "",
        `  ${terminal.styleSaid("bold", "telemetry")}  kept in ${showPath(store.directory)}, ${store.limits.keepMs / 3_600_000} h and ${sizeText(store.limits.sizeMaxBytes)} at most`,
        "",
        `  ${terminal.styleSaid("cyan", receiver.url)}   OTEL_EXPORTER_OTLP_ENDPOINT of what is to send here`,
        "",
        terminal.styleSaid("dim", "  tenon traces, tenon logs and tenon top look at it. Ctrl-C ends"),
        "",
      ].join("\n"),
    );
  }

  /** Says nothing where nothing has changed. */
  progress(): void {
    this.#tell("progress");
  }

  stopped(): void {
    this.#told = "";
    this.#tell("stopped");
  }

  #tell(event: "progress" | "stopped"): void {
    const { reader, receiver, store } = this.#running;
    const { busy, failed, kept, malformed, rejected } = store.counts;
    const now = JSON.stringify([kept, rejected, [...receiver.answers]]);
    if (now === this.#told) return;
    this.#told = now;
    const { bytes, files } = reader.size();
    if (this.#terminal.isJson) {
      this.#terminal.printEvent({ event, kept, rejected, malformed, busy, failed, answers: Object.fromEntries(receiver.answers), files, bytes });
      return;
    }
    const refused = [...receiver.answers].filter(([status]) => status !== 200).map(([status, count]) => `${count} answered with ${status}`);
    const facts = [`${kept.toLocaleString("en-US")} kept`, ...(rejected === 0 ? [] : [`${rejected} items refused`]), ...refused, `${sizeText(bytes)} on disk`];
    this.#terminal.say(this.#terminal.styleSaid(refused.length + rejected === 0 ? "dim" : "yellow", `  ${event === "stopped" ? "stopped: " : ""}${facts.join(", ")}`));
  }
}
