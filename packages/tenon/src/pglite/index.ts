/** PostgreSQL in this process, for development and tests: nothing to install. */
export { type EmbeddedDatabase, openPglite, type PgliteOptions } from "./pglite.ts";
