/**
 * The settings of the export of telemetry: the standard variables of OpenTelemetry, which other tools set as well.
 *
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 * @see https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
import type { ExporterSettings, Protocol, SignalName, Target } from "../otlp/index.ts";
import { anyText, oneOf, SecretInText, type SettingsOf, SettingProblem, webUrl, wholeNumber } from "./setting.ts";

/** How to reach a collector. */
interface Destination {
  readonly Endpoint: string;
  readonly Protocol: Protocol;
  /** `name=value`, decoded; names in lower case. */
  readonly Headers: readonly string[];
  readonly TimeoutMs: number;
  readonly Compression: "none" | "gzip";
  readonly Certificate: string;
  readonly ClientKey: string;
  readonly ClientCertificate: string;
}

type SignalWord = "Traces" | "Metrics" | "Logs";

/** For all signals: `otlpEndpoint`, … */
type CommonDestination = { readonly [K in keyof Destination as `otlp${K}`]: Destination[K] };
/** For each by itself: `otlpTracesEndpoint`, … `undefined` says nothing of its own. */
type OwnDestinations = { readonly [K in keyof Destination as `otlp${SignalWord}${K}`]: Destination[K] | undefined };

export interface ExportConfig extends CommonDestination, OwnDestinations {
  readonly otelDisabled: boolean;
  readonly otelServiceName: string;
  /** `name=value`, decoded. */
  readonly otelResourceAttributes: readonly string[];
  readonly otelTracesExporter: "otlp" | "none";
  readonly otelMetricsExporter: "otlp" | "none";
  readonly otelLogsExporter: "otlp" | "none";
  readonly otelSpansDelayMs: number;
  readonly otelSpansTryMs: number;
  readonly otelSpansQueueMax: number;
  readonly otelSpansBatchMax: number;
  readonly otelLogsDelayMs: number;
  readonly otelLogsTryMs: number;
  readonly otelLogsQueueMax: number;
  readonly otelLogsBatchMax: number;
  readonly otelMetricsIntervalMs: number;
  readonly otelMetricsTryMs: number;
}

const hourMs = 3_600_000;
/** OpenTelemetry's own default is 2 048, which a process of ours fills in 40 ms. */
const queueMax = 16_384;

const destination: SettingsOf<Destination> = {
  Endpoint: { env: "ENDPOINT", about: "where telemetry goes by OTLP over HTTP: http://localhost:4318; empty is nowhere", fallback: "", parse: endpoint },
  Protocol: { env: "PROTOCOL", about: "http/protobuf or http/json", fallback: "http/protobuf", parse: protocol },
  Headers: { env: "HEADERS", about: "sent along: name=value, several with commas between, values percent-encoded", fallback: [], isSecret: true, parse: headers },
  TimeoutMs: { env: "TIMEOUT", about: "how long one request to the collector may take, in ms", fallback: 10_000, parse: wholeNumber(1, hourMs) },
  Compression: { env: "COMPRESSION", about: "none or gzip", fallback: "none", parse: lowerCase(oneOf("none", "gzip")) },
  Certificate: { env: "CERTIFICATE", about: "file in PEM with what to trust the collector by; empty is what Node trusts", fallback: "", parse: anyText },
  ClientKey: { env: "CLIENT_KEY", about: "file in PEM with the key to show to the collector", fallback: "", parse: anyText },
  ClientCertificate: { env: "CLIENT_CERTIFICATE", about: "file in PEM with the certificate of that key", fallback: "", parse: anyText },
};

const signalWords = ["Traces", "Metrics", "Logs"] as const;

/** In the order in which `tenon config` shows them. */
export const exportSettings: SettingsOf<ExportConfig> = {
  otelDisabled: { env: "OTEL_SDK_DISABLED", about: "true: nothing is exported, whatever else is set", fallback: false, parse: (text) => lowerCase(oneOf("true", "false"))(text) === "true" },
  ...commonSettings(),
  otelTracesExporter: { env: "OTEL_TRACES_EXPORTER", about: "otlp, or none: traces stay here", fallback: "otlp", parse: lowerCase(oneOf("otlp", "none")) },
  otelMetricsExporter: { env: "OTEL_METRICS_EXPORTER", about: "otlp, or none: metrics stay here, and at /metrics", fallback: "otlp", parse: lowerCase(oneOf("otlp", "none")) },
  otelLogsExporter: { env: "OTEL_LOGS_EXPORTER", about: "otlp, or none: log lines stay on standard output alone", fallback: "otlp", parse: lowerCase(oneOf("otlp", "none")) },
  otelServiceName: { env: "OTEL_SERVICE_NAME", about: "service.name of what is exported; empty is the app's name", fallback: "", parse: anyText },
  otelResourceAttributes: { env: "OTEL_RESOURCE_ATTRIBUTES", about: "what else to say of this process: name=value, several with commas between, percent-encoded", fallback: [], parse: pairs },
  otelSpansDelayMs: { env: "OTEL_BSP_SCHEDULE_DELAY", about: "how long a span waits for others, in ms", fallback: 5_000, parse: wholeNumber(1, hourMs) },
  otelSpansTryMs: { env: "OTEL_BSP_EXPORT_TIMEOUT", about: "how long a batch of spans is tried, repetitions included, in ms", fallback: 30_000, parse: wholeNumber(1, hourMs) },
  otelSpansQueueMax: { env: "OTEL_BSP_MAX_QUEUE_SIZE", about: "spans in memory; what comes beyond is dropped and counted", fallback: queueMax, parse: wholeNumber(1, 1_000_000) },
  otelSpansBatchMax: { env: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", about: "spans of one request", fallback: 512, parse: wholeNumber(1, 1_000_000) },
  otelLogsDelayMs: { env: "OTEL_BLRP_SCHEDULE_DELAY", about: "how long a log line waits for others, in ms", fallback: 1_000, parse: wholeNumber(1, hourMs) },
  otelLogsTryMs: { env: "OTEL_BLRP_EXPORT_TIMEOUT", about: "how long a batch of log lines is tried, repetitions included, in ms", fallback: 30_000, parse: wholeNumber(1, hourMs) },
  otelLogsQueueMax: { env: "OTEL_BLRP_MAX_QUEUE_SIZE", about: "log lines in memory; what comes beyond is dropped and counted", fallback: queueMax, parse: wholeNumber(1, 1_000_000) },
  otelLogsBatchMax: { env: "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", about: "log lines of one request", fallback: 512, parse: wholeNumber(1, 1_000_000) },
  otelMetricsIntervalMs: { env: "OTEL_METRIC_EXPORT_INTERVAL", about: "time between two readings of metrics, in ms", fallback: 60_000, parse: wholeNumber(1, 24 * hourMs) },
  otelMetricsTryMs: { env: "OTEL_METRIC_EXPORT_TIMEOUT", about: "how long a reading of metrics is tried, repetitions included, in ms", fallback: 30_000, parse: wholeNumber(1, hourMs) },
  ...ownSettings(),
};

/** What is wrong with values that are right each by itself. */
export function exportProblems(config: ExportConfig): readonly string[] {
  const problems: string[] = [];
  if (config.otelSpansBatchMax > config.otelSpansQueueMax) problems.push("OTEL_BSP_MAX_EXPORT_BATCH_SIZE is above OTEL_BSP_MAX_QUEUE_SIZE: such a batch never fills");
  if (config.otelLogsBatchMax > config.otelLogsQueueMax) problems.push("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE is above OTEL_BLRP_MAX_QUEUE_SIZE: such a batch never fills");
  for (const word of signalWords) {
    const { clientCertificate, clientKey } = targetOf(config, word);
    if ((clientKey === "") !== (clientCertificate === "")) {
      problems.push(`OTEL_EXPORTER_OTLP_CLIENT_KEY and OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE go together, and one is missing for ${word.toLowerCase()}`);
    }
  }
  return [...new Set(problems)];
}

/** Where telemetry goes, with what the operator says of this process; `undefined` where nothing is exported. */
export function toExporterSettings(config: ExportConfig): ExporterSettings | undefined {
  if (config.otelDisabled) return undefined;
  const targets: Partial<Record<SignalName, Target>> = {};
  for (const word of signalWords) {
    const target = targetOf(config, word);
    if (config[`otel${word}Exporter`] === "otlp" && target.url !== "") targets[word.toLowerCase() as SignalName] = target;
  }
  if (Object.keys(targets).length === 0) return undefined;
  const given = toRecord(config.otelResourceAttributes);
  return {
    targets,
    resource: config.otelServiceName === "" ? given : { ...given, "service.name": config.otelServiceName },
    spans: { itemsMax: config.otelSpansQueueMax, batchItemsMax: config.otelSpansBatchMax, delayMs: config.otelSpansDelayMs, tryMs: config.otelSpansTryMs },
    logs: { itemsMax: config.otelLogsQueueMax, batchItemsMax: config.otelLogsBatchMax, delayMs: config.otelLogsDelayMs, tryMs: config.otelLogsTryMs },
    metrics: { intervalMs: config.otelMetricsIntervalMs, tryMs: config.otelMetricsTryMs },
  };
}

/** What is said of one signal, and else what is said of all. */
function targetOf(config: ExportConfig, word: SignalWord): Target {
  const own = config[`otlp${word}Endpoint`];
  return {
    url: own ?? (config.otlpEndpoint === "" ? "" : pathBelow(config.otlpEndpoint, `v1/${word.toLowerCase()}`)),
    protocol: config[`otlp${word}Protocol`] ?? config.otlpProtocol,
    // Not joined: a token meant for one collector must not reach another one.
    headers: toRecord(config[`otlp${word}Headers`] ?? config.otlpHeaders),
    timeoutMs: config[`otlp${word}TimeoutMs`] ?? config.otlpTimeoutMs,
    compression: config[`otlp${word}Compression`] ?? config.otlpCompression,
    certificate: config[`otlp${word}Certificate`] ?? config.otlpCertificate,
    clientKey: config[`otlp${word}ClientKey`] ?? config.otlpClientKey,
    clientCertificate: config[`otlp${word}ClientCertificate`] ?? config.otlpClientCertificate,
  };
}

function commonSettings(): SettingsOf<CommonDestination> {
  const named = Object.entries(destination).map(([key, setting]) => [`otlp${key}`, { ...setting, env: `OTEL_EXPORTER_OTLP_${setting.env}` }]);
  return Object.fromEntries(named) as SettingsOf<CommonDestination>;
}

function ownSettings(): SettingsOf<OwnDestinations> {
  const named = signalWords.flatMap((word) =>
    Object.entries(destination).map(([key, setting]) => {
      const about = `of ${word.toLowerCase()} alone, instead of OTEL_EXPORTER_OTLP_${setting.env}${key === "Endpoint" ? `: the whole URL, with /v1/${word.toLowerCase()}` : ""}`;
      return [`otlp${word}${key}`, { ...setting, env: `OTEL_EXPORTER_OTLP_${word.toUpperCase()}_${setting.env}`, about, fallback: undefined, isQuiet: true }];
    }),
  );
  return Object.fromEntries(named) as SettingsOf<OwnDestinations>;
}

function pathBelow(base: string, path: string): string {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/${path}`;
  return url.href;
}

function lowerCase<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => parse(text.trim().toLowerCase());
}

function endpoint(text: string): string {
  const { password, username } = new URL(webUrl(text));
  if (username !== "" || password !== "") throw new SecretInText("must hold no user and no password: OTEL_EXPORTER_OTLP_HEADERS is for what is secret");
  return text;
}

function protocol(text: string): Protocol {
  const word = text.trim().toLowerCase();
  if (word === "grpc") throw new SettingProblem("must be http/protobuf or http/json: gRPC is not spoken here; collectors take HTTP at port 4318");
  return oneOf("http/protobuf", "http/json")(word);
}

/** W3C Baggage without properties: https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable */
function pairs(text: string): readonly string[] {
  const found: string[] = [];
  for (const part of text.split(",")) {
    if (part.trim() === "") continue;
    const at = part.indexOf("=");
    const name = decoded(part.slice(0, at).trim());
    if (at < 1 || name === "" || name.includes("=")) throw new SettingProblem("must be name=value, several with commas between");
    found.push(`${name}=${decoded(part.slice(at + 1).trim())}`);
  }
  return found;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new SettingProblem("must be percent-encoded: a % stands before two hexadecimal digits, and %25 for itself");
  }
}

function headers(text: string): readonly string[] {
  return pairs(text).map((pair) => {
    const [name, value] = split(pair);
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) throw new SettingProblem("has a name that no header can have");
    if (/[^\t\u0020-\u007e\u0080-\u00ff]/.test(value)) throw new SettingProblem("has a value that no header can have");
    return `${name.toLowerCase()}=${value}`;
  });
}

function toRecord(namesAndValues: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(namesAndValues.map(split));
}

function split(pair: string): readonly [name: string, value: string] {
  const at = pair.indexOf("=");
  return [pair.slice(0, at), pair.slice(at + 1)];
}
