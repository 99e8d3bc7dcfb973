/**
 * Where a service's rows live, and who may touch them. Every service has a schema of its own and two roles without a
 * login: one that owns nothing but may change the rows, one that may only read them.
 */
import { hash } from "node:crypto";

export interface ServiceNames {
  readonly schema: string;
  /** May read and change rows. Unique per database, because roles belong to the whole cluster. */
  readonly writer: string;
  /** May read rows. */
  readonly reader: string;
}

/** The longest name that PostgreSQL keeps whole: https://www.postgresql.org/docs/current/sql-syntax-lexical.html */
const nameMaxBytes = 63;

/** Schema and roles of a service, for example `my_svc`, `shop__my_svc` and `shop__my_svc__read`. */
export function namesOf(database: string, service: string): ServiceNames {
  return { schema: schemaOf(service), writer: roleOf(database, service, ""), reader: roleOf(database, service, "__read") };
}

/** The schema of a service: its name with `_` for `-`. */
export function schemaOf(service: string): string {
  const name = service.replaceAll("-", "_");
  // PostgreSQL keeps these for itself. A service's name never starts with "_", so nobody else has the result.
  return /^(?:pg_.*|public|information_schema)$/.test(name) ? `_${name}` : name;
}

/**
 * A double underscore parts database, service and kind. A name in which one occurs already, or that would be cut,
 * gets a digest instead of being taken for another's.
 */
function roleOf(database: string, service: string, suffix: string): string {
  const parts = [database, service.replaceAll("-", "_")];
  const plain = `${parts.join("__")}${suffix}`;
  const isClear = parts.every((part) => /^[a-z](?:_?[a-z0-9])*$/.test(part)) && plain.length <= nameMaxBytes && !plain.startsWith("pg_");
  if (isClear) return plain;
  const digest = hash("sha256", JSON.stringify([database, service]), "hex").slice(0, 16);
  const readable = `${database}_${service}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_").replace(/^(?=\d|_|pg_)/, "r");
  return `${readable.slice(0, nameMaxBytes - digest.length - suffix.length - 1)}_${digest}${suffix}`;
}

/** A name as it stands in SQL. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as it stands in SQL, whatever `standard_conforming_strings` says. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}
