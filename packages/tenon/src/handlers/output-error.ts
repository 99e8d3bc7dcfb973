/** A handler gave back what its contract does not promise. */

/** A bug of the service, answered `internal`. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}
