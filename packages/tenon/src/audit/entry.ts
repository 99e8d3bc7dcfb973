/**
 * One record of the audit trail: who did what to which record, for whom, from where, and why it was allowed. It holds
 * identifiers and names of rules, never what the contract classes: no input, no answer, no row.
 */
import { canonicalJson, type JsonObject } from "./canonical.ts";

/** Who acted, as identified. */
export interface AuditActor {
  readonly kind: "anonymous" | "person" | "program" | "service" | "system" | "operator";
  /** Unique within `issuer`; empty for `anonymous`. */
  readonly subject: string;
  /** Whose word it is: the issuer of the token. Left out where nobody vouches: `system`, `operator`. */
  readonly issuer?: string | undefined;
}

/** A row, by the key that its table declares. */
export interface AuditedRecord {
  readonly service: string;
  readonly table: string;
  /** Parts with commas between. `*`: rows of the table that the statement did not name. */
  readonly key: string;
}

/** What somebody who writes to the trail says. Everything else is added. */
export interface AuditEntry {
  readonly actor: AuditActor;
  /** The service that made the call for the actor, where one did. */
  readonly via?: string | undefined;
  /** For whom, where the actor acts for somebody else. */
  readonly onBehalfOf?: AuditActor | undefined;
  /** What was done, as `thing.verb`: `orders.place`, `keys.revoke`, `subject.erase`. */
  readonly action: string;
  /** The row that it was done to, where there is one. */
  readonly record?: AuditedRecord | undefined;
  /** The person whom the data tells of, by the identifier of the tables. */
  readonly subject?: string | undefined;
  /** The persons, where there are several: the first twenty that were met. `subject` is left out then. */
  readonly subjects?: readonly string[] | undefined;
  /** How many more there were. */
  readonly subjectsBeyond?: number | undefined;
  /** The rows, where there are several: the first twenty. `record` is left out then. */
  readonly records?: readonly AuditedRecord[] | undefined;
  readonly recordsBeyond?: number | undefined;
  /** The network address that the call came from. */
  readonly address?: string | undefined;
  /** `done`: it happened, and commits together with what it tells of. `refused`: not allowed. `failed`: allowed, and came to nothing. */
  readonly outcome: "done" | "refused" | "failed";
  /** The public code of the fault, where there was one: `permission_denied`. */
  readonly code?: string | undefined;
  /** The rule that granted: `signed-in`, `scope orders:write`, `"own account"`. For `refused`: what was missing. */
  readonly allowedBy?: string | undefined;
  readonly traceId?: string | undefined;
  /** How many of the same came within the second that it was written in. Default 1. */
  readonly times?: number | undefined;
  /** Further facts. Never what is classified. */
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** In ms since 1970. Default: when it is written. */
  readonly atMs?: number | undefined;
}

/** A record as it is kept. */
export interface AuditRecord extends Omit<AuditEntry, "atMs"> {
  /** The service in whose trail it stands. */
  readonly service: string;
  /** ISO 8601, in UTC. By the clock of the process that wrote it. */
  readonly at: string;
  /** The process that wrote it, and the how many-th of that process it is: from 1, without gaps but for `lost`. */
  readonly writer: string;
  readonly number: number;
  /** Earlier numbers of the writer whose transactions were undone, or ended in a way that it does not know. */
  readonly lost?: readonly number[];
}

/** The text whose hash is chained. */
export function recordText(record: AuditRecord): string {
  return canonicalJson(record as unknown as JsonObject);
}

/** @returns `undefined` when the text is no record. Somebody else than the platform may have written it. */
export function parseRecord(text: string): AuditRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is AuditRecord {
  if (value === null || typeof value !== "object") return false;
  const { action, actor, at, number, writer } = value as Partial<Record<keyof AuditRecord, unknown>>;
  return typeof writer === "string" && typeof number === "number" && typeof at === "string" && typeof action === "string" && typeof actor === "object" && actor !== null;
}
