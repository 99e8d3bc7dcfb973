/** Connections to PostgreSQL, for every subject alike: pg's own default. */
export const poolSize = 10;
