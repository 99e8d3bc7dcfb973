/** `tenon migrate`: brings the database up to date, or says what that would do. */
import type { AppliedMigration, ServiceMigrations } from "../../data/index.ts";
import { enterApp } from "../app-location.ts";
import { appOperand, type CommandSpec } from "../command.ts";
import { wholeLayers } from "../config-layers.ts";
import { loadApp } from "../load-app.ts";
import { readAppMigrations } from "../app-migrations.ts";
import { terminalLog } from "../terminal-log.ts";

interface MigrateOptions {
  readonly dryRun?: true;
}

export const migrateCommand: CommandSpec<MigrateOptions> = {
  name: "migrate",
  operands: appOperand,
  summary: "apply pending migrations",
  description: [
    "Applies the migrations that the database does not have yet, service by service, each file in a transaction of",
    "its own, and makes the schemas and roles of new services. Run it before a new version starts; a second one at",
    "the same time waits and finds the work done. The database is that of DATABASE_URL, or the embedded one.",
  ].join(" "),
  options: [{ flags: "--dry-run", about: "print what is pending, and apply nothing" }],
  examples: [
    ["tenon migrate --dry-run", "what would be applied"],
    ["DATABASE_URL=postgres://… tenon migrate", "a real database"],
  ],
  async run({ operands, options, terminal }) {
    const location = enterApp(operands[0]);
    const app = await loadApp(location.file);
    const migrations = await readAppMigrations(app);
    const { openDatabase, parseConfig } = await import("../../app/index.ts");
    const { migrate, pendingMigrations } = await import("../../data/index.ts");
    const { config } = parseConfig(await wholeLayers(location.home));
    if (migrations.length === 0) return { text: `no service of ${app.name} has migrations`, data: { app: app.name, applied: [], pending: [] } };
    const database = await openDatabase(config, terminalLog(terminal));
    try {
      if (options.dryRun === true) {
        const pending = await pendingMigrations(database, migrations);
        return { text: listText(pending, "pending in", database.label), data: { app: app.name, database: database.label, pending: withSql(pending, migrations) } };
      }
      const applied = await migrate(database, migrations);
      return { text: listText(applied, "applied to", database.label), data: { app: app.name, database: database.label, applied } };
    } finally {
      await database.close();
    }
  },
};

function listText(list: readonly AppliedMigration[], what: string, label: string): string {
  if (list.length === 0) return `nothing is pending: ${label} is up to date`;
  const count = list.length === 1 ? "1 migration" : `${list.length} migrations`;
  return [`${count} ${what} ${label}:`, ...list.map(({ name, service }) => `  ${service}/${name}`)].join("\n");
}

function withSql(list: readonly AppliedMigration[], migrations: readonly ServiceMigrations[]): readonly (AppliedMigration & { readonly sql: string })[] {
  const texts = new Map(migrations.flatMap((each) => each.migrations.map(({ name, text }) => [`${each.service}/${name}`, text] as const)));
  return list.map((each) => ({ ...each, sql: texts.get(`${each.service}/${each.name}`) ?? "" }));
}
