/**
 * `tenon check`: everything that can be known to be wrong without running the app.
 *
 * Loads the app, whose contracts check themselves; reads the configuration; builds all migrations in an embedded
 * database that is thrown away, and compares the result with the tables that the services declare. It does not touch
 * the app's own database and does not check types: `tsc --noEmit` does.
 */
import type { Mistake } from "../../contract/index.ts";
import type { Database } from "../../data/index.ts";
import { type App, hasData, type Service } from "../../service/index.ts";
import { presentAccess, readAccessRecord, recordFile } from "../access-record.ts";
import { enterApp } from "../app-location.ts";
import { alignColumns } from "../columns.ts";
import { appOperand, type CommandSpec } from "../command.ts";
import { configLayers, wholeLayers } from "../config-layers.ts";
import { loadApp } from "../load-app.ts";
import { countOf } from "../plural.ts";
import { terminalLog } from "../terminal-log.ts";
import type { Terminal } from "../terminal.ts";

interface Check {
  readonly name: string;
  /** What was looked at, when all is well. */
  readonly seen: string;
  readonly problems: readonly Problem[];
}

interface Problem extends Omit<Mistake, "remedy"> {
  readonly remedy?: string;
}

export const checkCommand: CommandSpec = {
  name: "check",
  operands: appOperand,
  summary: "find what is wrong without running the app",
  description: [
    "Loads the app and its contracts, reads the configuration, builds all migrations in an embedded database that",
    "is thrown away, and compares the tables that they build with those that the services declare. Ends with 1 when",
    "anything is wrong. Types are the compiler's: run tsc --noEmit besides.",
  ].join(" "),
  examples: [
    ["tenon check", "before a commit, and in CI"],
    ["tenon check --json", "for programs"],
  ],
  async run({ operands, terminal }) {
    const location = enterApp(operands[0]);
    const app = await loadApp(location.file);
    const checks = [await checkContracts(app), ...(await checkAccess(app, location.home)), await checkSecrets(location.home), await checkConfig(app, location.home), ...(await checkTriggers(app, location.home)), ...(await checkData(app, location.home, terminal))];
    const isWell = checks.every(({ problems }) => problems.length === 0);
    return { text: toText(app, checks, terminal), data: { app: app.name, ok: isWell, checks }, exitCode: isWell ? 0 : 1 };
  },
};

/** They were checked when they were made, or the app would not have loaded. */
async function checkContracts(app: App): Promise<Check> {
  const { describe } = await import("../../contract/index.ts");
  const operations = app.services.reduce((sum, service) => sum + describe(service.contract).operations.length, 0);
  return { name: "contracts", seen: `${countOf(app.services.length, "service")}, ${countOf(operations, "operation")}`, problems: [] };
}

/** Where rights were agreed on: that they are what was agreed. */
async function checkAccess(app: App, home: string): Promise<readonly Check[]> {
  const agreed = readAccessRecord(home);
  if (agreed === undefined) return [];
  const { accessChanges } = await import("../../trust/index.ts");
  const { matrix, record } = await presentAccess(app);
  const problems = accessChanges(agreed, record).map((problem) => ({ at: recordFile, problem, remedy: "where it is meant: tenon access --write, and commit the file with the change" }));
  return [{ name: "access", seen: `${countOf(matrix.rows.length, "operation")} as in ${recordFile}`, problems }];
}

/** What stands in code or in what is built of it is known to whoever sees either. */
async function checkSecrets(home: string): Promise<Check> {
  const { searchSecrets } = await import("../secret-files.ts");
  const { found } = searchSecrets(home);
  const remedy = "take it out and make a new one, for this one is known; settings come from the environment, files or Vault";
  return { name: "secrets", seen: "none in the code", problems: found.map(({ at, kind }) => ({ at, problem: `looks like ${kind}`, remedy })) };
}

async function checkConfig(app: App, home: string): Promise<Check> {
  const { readConfig } = await import("../read-config.ts");
  const { lines, problems } = await readConfig(app.services, home);
  return { name: "configuration", seen: countOf(lines.length, "setting"), problems: problems.map((problem) => ({ at: "", problem, remedy: "tenon config shows every value" })) };
}

/** What takes a library or the settings to read: times by the clock, secrets of webhooks. */
async function checkTriggers(app: App, home: string): Promise<readonly Check[]> {
  const count = app.services.reduce((sum, { triggers }) => sum + triggers.length, 0);
  if (count === 0) return [];
  const { ConfigError, parseServiceConfigs } = await import("../../app/index.ts");
  const { ContractMistakes } = await import("../../contract/index.ts");
  const { openTriggers } = await import("../../reactions/index.ts");
  const configs = await wholeLayers(home).then((layers) => parseServiceConfigs(app.services, layers)).then(
    ({ values }) => values,
    (error: unknown) => {
      if (error instanceof ConfigError) return new Map<string, unknown>(); // told by the check of the configuration
      throw error;
    },
  );
  try {
    openTriggers(app, configs);
    return [{ name: "triggers", seen: countOf(count, "trigger"), problems: [] }];
  } catch (error) {
    if (!(error instanceof ContractMistakes)) throw error;
    return [{ name: "triggers", seen: "", problems: error.mistakes }];
  }
}

async function checkData(app: App, home: string, terminal: Terminal): Promise<readonly Check[]> {
  const owners = app.services.filter(hasData);
  if (owners.length === 0) return [];
  const { openDatabase, parseConfig } = await import("../../app/index.ts");
  // Only where the cache is: that another setting is wrong has been told, and does not stand in the way of this.
  const { config } = parseConfig(configLayers(home).map(({ name, values }) => ({ name, values: { TENON_DIRECTORY: values["TENON_DIRECTORY"] } })));
  const database = await openDatabase({ ...config, databaseUrl: "pglite:memory" }, terminalLog(terminal));
  const built: Problem[] = [];
  const differences: Problem[] = [];
  let files = 0;
  let tables = 0;
  try {
    for (const service of owners) {
      const result = await checkService(database, service);
      files += result.files;
      tables += Object.keys(service.tables).length;
      built.push(...result.failures);
      differences.push(...result.differences);
    }
  } finally {
    await database.close();
  }
  return [
    { name: "migrations", seen: countOf(files, "file"), problems: built },
    { name: "tables", seen: `${countOf(tables, "table")} as declared`, problems: differences },
  ];
}

interface ServiceCheck {
  readonly files: number;
  readonly failures: readonly Problem[];
  readonly differences: readonly Problem[];
}

/** One service after the other, so that a migration that fails does not hide what is wrong elsewhere. */
async function checkService(database: Database, service: Service): Promise<ServiceCheck> {
  const { compareTables, migrate, MigrationError } = await import("../../data/index.ts");
  const { serviceMigrations } = await import("../../app/index.ts");
  try {
    const { follow: _withTriggers, ...migrations } = await serviceMigrations(service);
    await migrate(database, [migrations]);
    return { files: migrations.migrations.length, failures: [], differences: await compareTables(database, service.name, service.tables) };
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    return { files: 0, failures: [{ at: "", problem: error.message.trimEnd() }], differences: [] };
  }
}

function toText(app: App, checks: readonly Check[], terminal: Terminal): string {
  const rows = checks.map(({ name, problems, seen }) => {
    const isWell = problems.length === 0;
    return [terminal.style(isWell ? "green" : "red", isWell ? "✓" : "✗"), name, isWell ? seen : countOf(problems.length, "problem")];
  });
  const details = checks.flatMap(({ problems }) => problems.map((problem) => problemLines(problem)));
  return [terminal.style("bold", app.name), alignColumns(rows, "  "), ...(details.length === 0 ? [] : ["", details.join("\n")])].join("\n");
}

function problemLines({ at, problem, remedy }: Problem): string {
  return [`${at === "" ? "" : `${at}: `}${problem}`, ...(remedy === undefined ? [] : [`  → ${remedy}`])].join("\n");
}
