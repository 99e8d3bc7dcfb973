/** PostgreSQL over the wire: the database to run in production. */
export { openPostgres, type PostgresOptions } from "./postgres.ts";
export { createTestDatabase, type TestDatabase } from "./test-database.ts";
