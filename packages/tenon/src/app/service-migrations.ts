/** The migrations of a service, and what follows from its tables. */
import type { ServiceMigrations } from "../data/index.ts";
import type { ChangeWatch } from "../events/index.ts";
import type { Service } from "../service/index.ts";

/** @throws {MigrationError} a directory that cannot be read, or a file that is named wrong. */
export async function serviceMigrations(service: Service): Promise<ServiceMigrations> {
  const { readMigrations } = await import("../data/index.ts");
  const watch = await changeWatchOf(service);
  return {
    service: service.name,
    migrations: await readMigrations(service.migrations as URL),
    follow: (session, step) => watch.mend(session, step === "end" ? { unknown: "remove", missing: "refuse" } : { unknown: "leave", missing: "skip" }),
  };
}

/** What the service wants to be told of its tables. */
export async function changeWatchOf({ name: service, tables, triggers }: Service): Promise<ChangeWatch> {
  const { ChangeWatch } = await import("../events/index.ts");
  const watches = triggers.filter((trigger) => trigger.kind === "onChange").map(({ name, options, table }) => ({
    name,
    table,
    columns: Object.keys(tables[table]?.columns ?? {}),
    key: tables[table]?.key ?? [],
    only: options.columns,
  }));
  return new ChangeWatch({ service, watches });
}
