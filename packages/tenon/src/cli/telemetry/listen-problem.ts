/** Why a port could not be listened on, in a person's words. */
import { CommandProblem } from "../problem.ts";

/** The problem, or what was thrown where it is another one. */
export function findProblem(cause: unknown, { host, port }: { readonly host: string; readonly port: number }): unknown {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EADDRINUSE") {
    return new CommandProblem(`port ${port} is taken`, { remedy: "another collector may listen there: stop it, or use another port: --port 4319", cause });
  }
  if (code === "EACCES") return new CommandProblem(`port ${port} is not allowed`, { remedy: "ports below 1024 need special rights: --port 4318", cause });
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") return new CommandProblem(`${host} is not an address of this machine`, { remedy: "--host 127.0.0.1, or 0.0.0.0 for every address", exitCode: 2, cause });
  return cause;
}
