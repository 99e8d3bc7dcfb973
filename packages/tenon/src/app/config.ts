/**
 * The configuration of an app: read once, at the edge, from layers of text values; every problem told in one go.
 * Nothing else in the platform reads the environment.
 */
import type { LogLevel } from "../kernel/index.ts";
import { type LogFormat, type SamplerName, samplerNames } from "../telemetry/index.ts";
import { logLevel, logLevels, type LogLevels } from "./log-levels.ts";
import { limits } from "../rest/index.ts";
import { type AuditConfig, auditSettings } from "./audit-settings.ts";
import { type ExportConfig, exportProblems, exportSettings } from "./export-settings.ts";
import { type IdentityConfig, identityProblems, identitySettings } from "./identity-settings.ts";
import { type IncidentConfig, incidentSettings } from "./incident-settings.ts";
import { type PlacementConfig, placementProblems, placementSettings } from "./placement-settings.ts";
import { type PrivacyConfig, privacyProblems, privacySettings } from "./privacy-settings.ts";
import { type SecretConfig, secretSettings } from "./secret-settings.ts";
import { type TrustConfig, trustSettings } from "./trust-settings.ts";
import { anyText, databaseUrl, list, oneOf, ratio, SecretInText, type Setting, SettingProblem, type SettingsOf, webhookSecret, webUrl, wholeNumber } from "./setting.ts";

/** Where text values come from, the strongest first: the environment, a file. */
export interface ConfigLayer {
  readonly name: string;
  readonly values: Readonly<Record<string, string | undefined>>;
  /** Asked for what is not among the values: a file is read only where somebody wants what is in it. */
  readonly read?: (name: string) => string | undefined;
}

export interface Config extends AuditConfig, ExportConfig, IdentityConfig, IncidentConfig, PlacementConfig, PrivacyConfig, SecretConfig, TrustConfig {
  readonly mode: "development" | "production";
  readonly port: number;
  readonly host: string;
  readonly dataDirectory: string;
  readonly cacheDirectory: string;
  readonly databaseUrl: string;
  readonly databasePoolMax: number;
  readonly databaseStatementTimeoutMs: number;
  readonly logLevel: LogLevel;
  readonly logLevels: LogLevels;
  readonly logFormat: LogFormat | "auto";
  readonly openTelemetryApi: "auto" | "on" | "off";
  readonly tracesSampler: SamplerName;
  readonly tracesSamplerArg: number;
  readonly bodyMaxBytes: number;
  readonly corsOrigins: readonly string[];
  readonly concurrencyMax: number;
  readonly connectionsMax: number;
  readonly drainMs: number;
  readonly drainDelayMs: number;
  readonly idempotencyKeepH: number;
  readonly natsUrl: string;
  readonly kafkaBrokers: string;
  readonly eventsPrefix: string;
  readonly eventsLeaseMs: number;
  readonly eventsKeepD: number;
  readonly deliveriesMax: number;
  readonly runsKeepD: number;
  readonly metricsSeriesMax: number;
  readonly alertsWebhookUrl: string;
  readonly alertsWebhookSecret: string;
  readonly alertsSlackUrl: string;
  readonly alertmanagerUrl: string;
}

/** In the order in which `tenon config` shows them. */
export const settings: SettingsOf<Config> = {
  mode: {
    env: "TENON_MODE",
    about: "development: a local issuer of tokens, migrations at start; production: neither",
    fallback: "development",
    parse: oneOf("development", "production"),
  },
  port: { env: "PORT", about: "TCP port; 0 lets the system choose", fallback: 3000, parse: wholeNumber(0, 65_535) },
  host: { env: "HOST", about: "address to listen on; empty is every address", fallback: "", parse: anyText },
  dataDirectory: { env: "TENON_DIRECTORY", about: "where the embedded defaults keep their files", fallback: ".tenon", parse: anyText },
  cacheDirectory: {
    env: "TENON_CACHE",
    about: "where new embedded databases are kept for the next one that begins alike; may be shared; empty is cache in TENON_DIRECTORY",
    fallback: "",
    parse: anyText,
  },
  databaseUrl: {
    env: "DATABASE_URL",
    about: "postgres://user@host/database, pglite:directory or pglite:memory; empty is pglite in TENON_DIRECTORY",
    fallback: "",
    isSecret: true,
    parse: databaseUrl,
  },
  databasePoolMax: {
    env: "DATABASE_POOL_MAX",
    about: "connections for writing, and as many for reading, of each service",
    fallback: 8,
    parse: wholeNumber(1, 1_000),
  },
  databaseStatementTimeoutMs: {
    env: "DATABASE_STATEMENT_TIMEOUT_MS",
    about: "the longest that one SQL statement may run; calls end earlier by their own deadlines",
    fallback: 30_000,
    parse: wholeNumber(100, 3_600_000),
  },
  ...identitySettings,
  logLevel: { env: "LOG_LEVEL", about: "debug, info, warn or error", fallback: "info", parse: logLevel },
  logLevels: {
    env: "LOG_LEVELS",
    about: "other levels than LOG_LEVEL, by service: orders=debug,catalog=warn",
    fallback: [],
    parse: logLevels,
  },
  logFormat: { env: "LOG_FORMAT", about: "json, text, or auto: text on a terminal", fallback: "auto", parse: oneOf("auto", "json", "text") },
  tracesSampler: {
    env: "OTEL_TRACES_SAMPLER",
    about: "which traces are recorded: always_on, always_off, traceidratio, or one of them behind parentbased_, which follows the caller; what fails or is slow is kept anyway",
    fallback: "parentbased_always_on",
    parse: oneOf(...samplerNames),
  },
  tracesSamplerArg: { env: "OTEL_TRACES_SAMPLER_ARG", about: "the share of traces for the samplers by ratio, from 0 to 1", fallback: 1, parse: ratio },
  openTelemetryApi: {
    env: "OTEL_API",
    about: "whether spans of @opentelemetry/api join the traces of calls: on, off, or auto: where the app's package.json depends on that package",
    fallback: "auto",
    parse: oneOf("auto", "on", "off"),
  },
  bodyMaxBytes: {
    env: "BODY_MAX_BYTES",
    about: "the largest JSON body",
    fallback: limits.bodyMaxBytes,
    parse: wholeNumber(1, 1024 * 1024 * 1024),
  },
  corsOrigins: { env: "CORS_ORIGINS", about: "origins whose pages may call, separated by commas; * for any", fallback: [], parse: list },
  concurrencyMax: {
    env: "CONCURRENCY_MAX",
    about: "calls under way at once, at most; the adaptive limit stays below",
    fallback: 1_000,
    parse: wholeNumber(1, 1_000_000),
  },
  connectionsMax: { env: "CONNECTIONS_MAX", about: "open connections at once", fallback: limits.connectionsMax, parse: wholeNumber(1, 1_000_000) },
  drainMs: { env: "DRAIN_MS", about: "how long calls under way may finish after SIGTERM", fallback: limits.drainMs, parse: wholeNumber(0, 600_000) },
  drainDelayMs: {
    env: "DRAIN_DELAY_MS",
    about: "how long to go on taking connections after SIGTERM, for load balancers to notice",
    fallback: 0,
    parse: wholeNumber(0, 600_000),
  },
  idempotencyKeepH: {
    env: "IDEMPOTENCY_KEEP_H",
    about: "how many hours the first answer to a command is kept for its repeats",
    fallback: 24,
    parse: wholeNumber(1, 8_760),
  },
  natsUrl: {
    env: "NATS_URL",
    about: "nats://user:password@host:4222: events go over NATS JetStream; empty is the database itself",
    fallback: "",
    isSecret: true,
    parse: anyText,
  },
  kafkaBrokers: { env: "KAFKA_BROKERS", about: "host:9092, several with commas between: events go over Kafka", fallback: "", parse: anyText },
  eventsPrefix: {
    env: "EVENTS_PREFIX",
    about: "before the names of streams and topics; apps that share a broker and not their events have one each",
    fallback: "tenon",
    parse: anyText,
  },
  eventsLeaseMs: {
    env: "EVENTS_LEASE_MS",
    about: "how long the deliveries of a process that says nothing wait before another one takes them over",
    fallback: 10_000,
    parse: wholeNumber(500, 600_000),
  },
  eventsKeepD: { env: "EVENTS_KEEP_D", about: "how many days events are kept for replays", fallback: 7, parse: wholeNumber(1, 3_650) },
  deliveriesMax: {
    env: "DELIVERIES_MAX",
    about: "deliveries of one service under way at once; they share DATABASE_POOL_MAX with its calls; 0 leaves them to other processes",
    fallback: 6,
    parse: wholeNumber(0, 1_000),
  },
  runsKeepD: { env: "RUNS_KEEP_D", about: "how many days runs of workflows are kept after their end", fallback: 30, parse: wholeNumber(1, 3_650) },
  metricsSeriesMax: {
    env: "METRICS_SERIES_MAX",
    about: "series of one metric, at most; what is above is counted together, under the label value other",
    fallback: 1_000,
    parse: wholeNumber(1, 1_000_000),
  },
  alertsWebhookUrl: { env: "ALERTS_WEBHOOK_URL", about: "where alerts of objectives are posted as JSON", fallback: "", isSecret: true, parse: webUrl },
  alertsWebhookSecret: {
    env: "ALERTS_WEBHOOK_SECRET",
    about: "whsec_ and base64 of 24 to 64 bytes: signs what goes to ALERTS_WEBHOOK_URL as Standard Webhooks do",
    fallback: "",
    isSecret: true,
    parse: webhookSecret,
  },
  alertsSlackUrl: { env: "ALERTS_SLACK_URL", about: "incoming webhook of Slack, or of what understands the same", fallback: "", isSecret: true, parse: webUrl },
  alertmanagerUrl: { env: "ALERTMANAGER_URL", about: "http://alertmanager:9093, where alerts of objectives go too", fallback: "", parse: webUrl },
  ...incidentSettings,
  ...placementSettings,
  ...auditSettings,
  ...secretSettings,
  ...trustSettings,
  ...privacySettings,
  ...exportSettings,
};

/** One line of `tenon config`. */
export interface ConfigLine {
  readonly env: string;
  /** `***` where the value is a secret. */
  readonly value: string;
  /** The layer's name, or `default`. */
  readonly from: string;
  readonly about: string;
}

/** Everything that is wrong with the configuration, at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${problems.map((each) => `  ${each}`).join("\n")}`);
    this.problems = problems;
  }
}

/**
 * Pure: the caller hands over the environment.
 *
 * @throws {ConfigError} with every value that is present and wrong. Absent or empty means the default.
 */
export function parseConfig(layers: readonly ConfigLayer[]): { readonly config: Config; readonly lines: readonly ConfigLine[] } {
  const values: Record<string, unknown> = {};
  const lines: ConfigLine[] = [];
  const problems: string[] = [];
  for (const [key, setting] of Object.entries(settings) as [string, Setting<unknown>][]) {
    const found = lookUp(layers, setting.env);
    values[key] = setting.fallback;
    if (found !== undefined) {
      try {
        values[key] = setting.parse(found.text);
      } catch (error) {
        if (!(error instanceof SettingProblem)) throw error;
        const shown = setting.isSecret === true || error instanceof SecretInText ? "" : `=${JSON.stringify(found.text)}`;
        problems.push(`${setting.env}${shown} (from ${found.layer}) ${error.message}`);
      }
    }
    if (setting.isQuiet === true && found === undefined) continue;
    const value = values[key];
    const text = setting.isSecret === true && found !== undefined ? "***" : Array.isArray(value) ? value.join(",") : String(value);
    lines.push({ env: setting.env, value: text, from: found?.layer ?? "default", about: setting.about });
  }
  const config = values as unknown as Config;
  problems.push(...identityProblems(config));
  if (config.natsUrl !== "" && config.kafkaBrokers !== "") {
    problems.push("NATS_URL and KAFKA_BROKERS are both there: events go over one broker, so take one of them away");
  }
  problems.push(...placementProblems(config), ...privacyProblems(config), ...exportProblems(config));
  if (problems.length > 0) throw new ConfigError(problems);
  return { config: Object.freeze(config), lines };
}

/** The value of a name in the strongest layer that has one. Empty is as good as absent. */
export function lookUp(layers: readonly ConfigLayer[], name: string): { readonly text: string; readonly layer: string } | undefined {
  for (const layer of layers) {
    const text = layer.values[name] ?? layer.read?.(name);
    if (text !== undefined && text !== "") return { text, layer: layer.name };
  }
  return undefined;
}
