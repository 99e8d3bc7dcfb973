/** What telemetry may not show of each service of an app: by its contract, its tables, its workflows and its settings. */
import { dataClassesOf, describe, FieldClasses, resolvePointer, type Schema, toJsonSchema } from "../contract/index.ts";
import { readableSides } from "./schema-sides.ts";
import type { App, Service } from "../service/index.ts";
import { Privacy } from "../telemetry/index.ts";
import type { Config } from "./config.ts";

export interface AppPrivacyOptions {
  readonly config: Pick<Config, "databaseUrl" | "natsUrl">;
  /** Settings of services, by service name. */
  readonly serviceConfigs: ReadonlyMap<string, unknown>;
}

/** Reads no schema before something is hidden for the first time. */
export class AppPrivacy {
  readonly #app: App;
  readonly #options: AppPrivacyOptions;
  readonly #ownClasses = new Map<Service, FieldClasses>();

  constructor(app: App, options: AppPrivacyOptions) {
    this.#app = app;
    this.#options = options;
  }

  of(service: Service): Privacy {
    return new Privacy({ classes: () => this.#classesOf(service), secrets: () => this.#secretsOf(service) });
  }

  /** A service meets what others class too, in answers and events, under names that may mean something else at home. */
  #classesOf(service: Service): FieldClasses {
    const classes = ownClassesOf(service);
    for (const other of this.#app.services) if (other !== service) classes.lend(this.#shared(other));
    return classes;
  }

  #shared(service: Service): FieldClasses {
    const known = this.#ownClasses.get(service) ?? ownClassesOf(service);
    this.#ownClasses.set(service, known);
    return known;
  }

  #secretsOf({ config, name }: Service): readonly string[] {
    const urls = [this.#options.config.databaseUrl, this.#options.config.natsUrl];
    const passwords = urls.flatMap((text) => (URL.canParse(text) ? [new URL(text).password] : []));
    if (config === undefined) return passwords;
    const settings = this.#options.serviceConfigs.get(name);
    const classified = [...dataClassesOf(toJsonSchema(config, "input")).keys()].map((path) => resolvePointer(settings, path));
    return [...passwords, ...classified.filter((value) => typeof value === "string")];
  }
}

function ownClassesOf({ contract, tables, workflows }: Service): FieldClasses {
  const classes = new FieldClasses();
  const { events, operations } = describe(contract);
  for (const { errors, input, output } of operations) {
    const given = output.kind === "json" || output.kind === "stream" ? output.schema : undefined;
    for (const json of [input, given, ...errors.map(({ data }) => data)]) if (json !== undefined) classes.add(json);
  }
  for (const { data } of events) classes.add(data);
  for (const { columns } of Object.values(tables)) for (const [name, column] of Object.entries(columns)) addSchema(classes, column, name);
  for (const { errors, input, output } of workflows) {
    for (const schema of [input, output, ...Object.values(errors).map(({ data }) => data)]) if (schema !== undefined) addSchema(classes, schema);
  }
  return classes;
}

function addSchema(classes: FieldClasses, schema: Schema, name?: string): void {
  for (const json of readableSides(schema)) classes.add(json, name);
}
