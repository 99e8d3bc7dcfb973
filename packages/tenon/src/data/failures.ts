/** What a failure of the database means to whoever called. */
import type { Call } from "../calls/index.ts";
import { Fault } from "../kernel/index.ts";
import { DatabaseError } from "./ports.ts";

/**
 * A Fault where the database was out of reach or out of time, or was sent a text that is none; everything else as it is, because the handler may know
 * what a broken constraint means, and where it does not, it is a bug.
 *
 * @param call  Whose statement failed, where it was somebody's.
 */
export function toFailure(thrown: unknown, call: Call | undefined): unknown {
  if (!(thrown instanceof DatabaseError)) return thrown;
  if (thrown.sqlState === "57014") return call?.canceled ?? tooSlow(thrown);
  if (isOutOfReach(thrown)) return outOfReach(thrown);
  if (isNoText(thrown)) return noText(thrown);
  // The error was made where the answer arrived; the place that asked is of more use.
  Error.captureStackTrace(thrown, toFailure);
  return thrown;
}

/** Serialization failure, deadlock, or a table that changed under a prepared statement: the same again may well succeed. */
export function isRepeatable(error: DatabaseError): boolean {
  return error.sqlState === "40001" || error.sqlState === "40P01" || error.isStalePlan;
}

/** The server was the one to write to, and has become a standby of another. */
export function isStandby(error: DatabaseError): boolean {
  return error.sqlState === "25006";
}

/** A lost connection, or a server without room. */
function isOutOfReach(error: DatabaseError): boolean {
  return error.isConnectionLost || error.sqlState.startsWith("53");
}

/** A NUL: the one character that JSON has and PostgreSQL's texts have not. It came from outside, so it is no bug. */
function isNoText(error: DatabaseError): boolean {
  return error.sqlState === "22021" || error.sqlState === "22P05";
}

function noText(error: DatabaseError): Fault {
  return new Fault("invalid_argument", "a text holds a character that cannot be stored: NUL, U+0000", { cause: error, facts: { sqlState: error.sqlState } });
}

export function outOfReach(error: DatabaseError): Fault {
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
