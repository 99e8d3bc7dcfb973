/** Failures as `pg` has them, in the words of the data room. */
import { DatabaseError } from "../data/index.ts";

interface ServerError extends Error {
  readonly code: string;
  readonly severity: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly position?: string;
  readonly constraint?: string;
  readonly table?: string;
  readonly routine?: string;
}

/**
 * An error of the server keeps its SQLSTATE; every other one is a lost connection. The server's own error object is
 * not kept as the cause: its fields quote values of rows.
 */
export function toDatabaseError(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  if (!isServerError(error)) return new DatabaseError("the connection to the database was lost", "08006", { cause: error });
  return new DatabaseError(error.message, error.code, {
    constraint: error.constraint,
    table: error.table,
    detail: error.detail,
    hint: error.hint,
    position: error.position === undefined ? undefined : Number(error.position),
    // By the server's routine: the message is translated, and 0A000 stands for anything unsupported.
    isStalePlan: error.routine === "RevalidateCachedQuery" || error.code === "26000",
  });
}

function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && "severity" in error && "code" in error && typeof error.code === "string";
}
