/** What a failure of the database means to whoever called. */
import type { Call } from "../calls/index.ts";
import { Fault } from "../kernel/index.ts";
import { DatabaseError } from "./ports.ts";

/**
 * A Fault where the database was out of reach or out of time; everything else as it is, because the handler may know
 * what a broken constraint means, and where it does not, it is a bug.
 *
 * @param call  Whose statement failed, where it was somebody's.
 */
export function toFailure(thrown: unknown, call: Call | undefined): unknown {
  if (!(thrown instanceof DatabaseError)) return thrown;
  if (thrown.sqlState === "57014") return call?.canceled ?? tooSlow(thrown);
  if (isOutOfReach(thrown)) return outOfReach(thrown);
  // The error was made where the answer arrived; the place that asked is of more use.
  Error.captureStackTrace(thrown, toFailure);
  return thrown;
}

/** Serialization failure, deadlock, or a table that changed under a prepared statement: the same again may well succeed. */
export function isRepeatable(error: DatabaseError): boolean {
  return error.sqlState === "40001" || error.sqlState === "40P01" || error.isStalePlan;
}

/** A lost connection, a server without room, or one that became a read-only standby. */
function isOutOfReach(error: DatabaseError): boolean {
  return error.isConnectionLost || error.sqlState.startsWith("53");
}

function outOfReach(error: DatabaseError): Fault {
  return new Fault("unavailable", "the database is out of reach", { cause: error, facts: { sqlState: error.sqlState }, retryAfterS: 1 });
}

function tooSlow(error: DatabaseError): Fault {
  return new Fault("deadline_exceeded", "a statement of the database took too long", { cause: error, facts: { sqlState: error.sqlState } });
}

/** A COMMIT that was sent and never answered. */
export function unknownCommit(error: DatabaseError): Fault {
  return new Fault("unavailable", "the connection to the database was lost while the change was being kept: whether it was is not known", {
    cause: error,
    facts: { sqlState: error.sqlState },
    retryAfterS: 1,
  });
}
