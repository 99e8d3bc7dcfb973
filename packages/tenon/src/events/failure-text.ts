/** What is written down about a delivery that failed: enough to act on, and no value of its data. */
import { Fault } from "../kernel/index.ts";

/** Kept in the row; a stack of a deep recursion must not fill the table. */
const maxChars = 2_000;

/** `Name: message`, the cause of what hides one, and the first lines of the stack. */
export function failureText(thrown: unknown): string {
  const error = thrown instanceof Fault && thrown.code === "internal" && thrown.cause !== undefined ? thrown.cause : thrown;
  if (!(error instanceof Error)) return String(error).slice(0, maxChars);
  const code = error instanceof Fault ? `${error.publicCode}: ` : "";
  const stack = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)).slice(0, 6);
  return [`${error.name}: ${code}${error.message}`, ...stack].join("\n").slice(0, maxChars);
}
