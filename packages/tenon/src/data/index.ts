/** A database per service: units of work, tables, migrations. Engines are adapters of `Database`. */
export { answerSweep, isAnswerRace } from "./answers.ts";
export { compareTables } from "./compare.ts";
export { toCamelCase, toSnakeCase } from "./column-case.ts";
export { isRepeatable, outOfReach } from "./failures.ts";
export { type FieldVault, isSamePlace, type MetData, type PlainField, type RunStatement, type SealedField, type SealedPlace, SealError } from "./field-vault.ts";
export { measureDatabase } from "./measured-database.ts";
export { MessageWriter } from "./message-writer.ts";
export {
  type AppliedMigration,
  fingerprintOf,
  migrate,
  type Migration,
  MigrationError,
  pendingMigrations,
  readMigrations,
  type ServiceMigrations,
  toMigration,
} from "./migrations.ts";
export { namesOf, quoteName, quoteText, schemaOf, type ServiceNames } from "./names.ts";
export { type PlatformStatement, runStatement, withSession } from "./platform-session.ts";
export {
  type Database,
  DatabaseError,
  type DatabaseErrorMore,
  type Listening,
  type PoolFigures,
  type Rows,
  type Session,
  type SessionMode,
  type SessionRequest,
  type Statement,
} from "./ports.ts";
export { alone as whileAlone, provision } from "./provision.ts";
export { Reader } from "./reader.ts";
export { createRehearsal } from "./rehearsal.ts";
export { type Footprint, readFootprint, readRowChanges, type Row, type RowChange, type RowChanges } from "./row-changes.ts";
export { createRowOpener, type RowOpenerOptions } from "./row-opener.ts";
export { blindIndexOf, hasSealedColumns, isJsonColumn, type KnownTable, type SealedColumn, sealedTablesOf, toKeyText } from "./sealed-tables.ts";
export { createSeedWork, type SeedWorkOptions } from "./seed.ts";
export { openServiceData, type ServiceData, type ServiceDataOptions } from "./service-data.ts";
export { type ScriptStatement, splitScript } from "./sql-script.ts";
export { type Sweep, Sweeper, type SweeperOptions } from "./sweeper.ts";
export { outcomeOf, StatementSpans, withoutLiterals } from "./statement-spans.ts";
export type { AnyDb, DatabaseOf, Db, Tables } from "./tables.ts";
export { affectedBy, type Field, needsType, parseArray, RowReader, toIsoInstant, toParameter, toParameters, valueSettings } from "./values.ts";
export { Work, type WorkEnd } from "./work.ts";
