/**
 * Errors that the platform throws on purpose, as problems of a person: their messages are written for one. Anything
 * else is a bug, of the app or of the platform, and is shown as such.
 */
import { explainLoaderError } from "./explain-load.ts";
import { CommandProblem } from "./problem.ts";
import { placeOfError, showPlace } from "./source-place.ts";

/** Errors by name, because importing their classes would cost every command the rooms that they live in. */
const remedies: Readonly<Record<string, string | undefined>> = {
  ConfigError: "tenon config shows every value, and where it comes from",
  ContractMistakes: undefined,
  Fault: undefined,
  MigrationError: undefined,
  TelemetryStoreError: "stop the other one, let it have the telemetry of both, or say where else to keep it: --store",
  DevelopmentKeyError: undefined,
  IssuerSettingsError: undefined,
  IssuerUnreachable: "check OIDC_ISSUER and OIDC_JWKS_URL, and that the issuer can be reached from here",
};

/** The problem that an error was thrown to tell of, or `undefined` for a bug. */
export function explainError(thrown: unknown): CommandProblem | undefined {
  if (thrown instanceof CommandProblem) return thrown;
  if (!(thrown instanceof Error) || !Object.hasOwn(remedies, thrown.name)) return undefined;
  if (thrown.name === "Fault" && "code" in thrown && thrown.code === "internal") return explainBug(thrown.cause);
  const remedy = remedies[thrown.name];
  const place = thrown.name === "ContractMistakes" ? placeOfError(thrown) : undefined;
  const at = place === undefined ? "" : `\n  (${showPlace(place)})`;
  return new CommandProblem(`${thrown.message.trimEnd()}${at}`, { cause: thrown, ...(remedy === undefined ? {} : { remedy }) });
}

/** Whatever was thrown, as a problem. */
export function toProblem(thrown: unknown): CommandProblem {
  const ofLoader = thrown instanceof Error ? explainLoaderError(thrown) : undefined;
  return explainError(thrown) ?? ofLoader ?? explainBug(thrown);
}

function explainBug(thrown: unknown): CommandProblem {
  if (!(thrown instanceof Error)) return new CommandProblem(`something was thrown that is no error: ${String(thrown)}`);
  const place = placeOfError(thrown);
  const at = place === undefined ? "" : `${showPlace(place)}: `;
  return new CommandProblem(`${at}${thrown.name}: ${thrown.message}`, { excerpt: place?.excerpt ?? [], remedy: "--verbose shows the whole stack", cause: thrown });
}
