/** What whoever starts an app has to say about it, besides its configuration. */
import type { Clock } from "../kernel/index.ts";
import type { TelemetrySink } from "../telemetry/index.ts";
import type { ConfigLayer } from "./config.ts";
import type { MigrateWhen } from "./open-data.ts";

export interface StartOptions {
  readonly layers: readonly ConfigLayer[];
  /** Where the log goes, and whether that is a terminal that shows colors. `fd`: a file descriptor, default 1, standard output. */
  readonly output?: { readonly isTerminal: boolean; readonly hasColors: boolean; readonly fd?: number };
  /** Default: `always` in development, `never` in production, where `tenon migrate` runs first. */
  readonly migrate?: MigrateWhen;
  /** Fill empty databases with the services' seeds. */
  readonly seed?: "yes" | "no";
  /** What objectives and incidents go by, where it is another clock than the system's: a drill lets hours pass in minutes. */
  readonly objectivesClock?: Clock;
  /** Who takes spans and what the log says, besides those that the configuration names. */
  readonly telemetry?: TelemetrySink | readonly TelemetrySink[];
}
