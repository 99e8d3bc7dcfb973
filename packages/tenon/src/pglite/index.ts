/** PostgreSQL in this process, for development and tests: nothing to install. */
export { openPglite, type PgliteOptions } from "./pglite.ts";
