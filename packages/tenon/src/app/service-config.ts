/** The settings of services: an object schema whose fields are names of environment variables. */
import { createParser, dataClassesOf, type ParseResult, toJsonSchema } from "../contract/index.ts";
import { isPromise } from "../calls/index.ts";
import type { Log } from "../kernel/index.ts";
import type { Service } from "../service/index.ts";
import { ConfigError, type ConfigLayer, type ConfigLine, lookUp } from "./config.ts";
import type { Secrets } from "./secrets.ts";

export interface ServiceConfigs {
  /** By service name. `undefined` where a service has no settings. */
  readonly values: ReadonlyMap<string, unknown>;
  readonly lines: readonly ConfigLine[];
}

/** @throws {ConfigError} with what is wrong in all services. */
export async function parseServiceConfigs(services: readonly Service[], layers: readonly ConfigLayer[]): Promise<ServiceConfigs> {
  const values = new Map<string, unknown>();
  const lines: ConfigLine[] = [];
  const problems: string[] = [];
  for (const { config, name } of services) {
    if (config === undefined) continue;
    const json = toJsonSchema(config, "input");
    const classes = dataClassesOf(json);
    const given: Record<string, unknown> = {};
    const fields = (json["properties"] ?? {}) as Record<string, { readonly type?: unknown; readonly description?: string; readonly default?: unknown }>;
    for (const [field, schema] of Object.entries(fields)) {
      const found = lookUp(layers, field);
      if (found !== undefined) given[field] = toType(found.text, schema.type);
      const isSecret = classes.get(`/${field}`) === "secret";
      const shown = found?.text ?? (schema.default === undefined ? "" : JSON.stringify(schema.default).replaceAll('"', ""));
      lines.push({ env: field, value: isSecret && found !== undefined ? "***" : shown, from: found?.layer ?? "default", about: schema.description ?? `of the service ${name}` });
    }
    const parsed = createParser(config).parse(given);
    const result: ParseResult = isPromise(parsed) ? ((await parsed)) : (parsed);
    if (result.ok) values.set(name, result.value);
    else problems.push(...result.details.map((detail) => `${detail.path.slice(1)} (service ${name}) ${detail.message}`));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { values, lines };
}

/** What handlers see as `config`, brought up to date when settings are read anew. */
export class LiveServiceConfigs {
  /** By service name, in place. */
  readonly values: ReadonlyMap<string, unknown>;

  constructor(services: readonly Service[], { current, log, secrets }: { readonly current: ReadonlyMap<string, unknown>; readonly log: Log; readonly secrets: Secrets }) {
    const values = new Map(current);
    this.values = values;
    secrets.onChange(() => {
      parseServiceConfigs(services, secrets.layers).then(
        (fresh) => {
          for (const [name, value] of fresh.values) values.set(name, value);
        },
        (error: unknown) => log.warn("settings of services have changed and do not fit: those that were read before go on", { error }),
      );
    });
  }
}

function toType(text: string, type: unknown): unknown {
  if ((type === "number" || type === "integer") && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}
