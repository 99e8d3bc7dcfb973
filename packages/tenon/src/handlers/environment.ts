/** What handlers are given besides the call itself: the same for every call of a service. */
import type { Directory } from "../calls/index.ts";
import type { ServiceData } from "../data/index.ts";
import type { Emitter } from "../events/index.ts";
import type { Clock, DeclaredFault, IdSource } from "../kernel/index.ts";
import type { LogWriter } from "../telemetry/index.ts";
import type { ServiceRuns } from "./service-runs.ts";

/** What a service's handlers are given besides the call. */
export interface ServiceEnvironment {
  readonly service: string;
  readonly data: ServiceData | undefined;
  /** Where there is a database to keep events in. */
  readonly emitter?: Emitter | undefined;
  /** Where the service has workflows. */
  readonly runs?: ServiceRuns | undefined;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: LogWriter;
  readonly config: unknown;
}

export type FailFunctions = Readonly<Record<string, (...parameters: readonly unknown[]) => DeclaredFault>>;
