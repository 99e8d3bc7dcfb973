/** What handlers are given besides the call itself: the same for every call of a service. */
import type { Call, CallGraph, Directory } from "../calls/index.ts";
import type { ServiceData, Work } from "../data/index.ts";
import type { Emitter } from "../events/index.ts";
import type { Clock, DeclaredFault, IdSource } from "../kernel/index.ts";
import type { EventSeals, SubjectRequests } from "../privacy/index.ts";
import type { AnyWorkflow, StartOptions } from "../service/index.ts";
import type { LogWriter, Metrics, Privacy } from "../telemetry/index.ts";
import type { Grants } from "../trust/index.ts";
import type { RunStore } from "../workflows/index.ts";

/** What a service's handlers are given besides the call. */
export interface ServiceEnvironment {
  readonly service: string;
  readonly data: ServiceData | undefined;
  /** Where there is a database to keep events in. */
  readonly emitter?: Emitter | undefined;
  /** Where the service has workflows. */
  readonly runs?: RunsAtHand | undefined;
  /** Rights of what acts by itself in the app. Default: none. */
  readonly grants?: Grants | undefined;
  /** Opens what is sealed in events, where anything of the app is encrypted. */
  readonly seals?: EventSeals | undefined;
  /** Where the app has operations for the rights of persons. */
  readonly subjectRequests?: SubjectRequests | undefined;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: LogWriter;
  /** Where it is counted which operation needs what; left out where nothing is promised. */
  readonly graph?: CallGraph | undefined;
  /** Where handlers count. */
  readonly metrics: Metrics;
  /** What lines and failures of the service may not show. */
  readonly privacy: Pick<Privacy, "hidingOf" | "clean">;
  readonly config: unknown;
}

/** Where the asking call reads. */
export type Query = RunStore["read"];

/** `start` and `runs` of handlers. What is written is written in the transaction of whoever asks. */
export interface RunsAtHand {
  start(call: Call, work: Work, start: { readonly workflow: AnyWorkflow; readonly input: unknown; readonly options?: StartOptions | undefined }): Promise<{ readonly id: string }>;
  get(query: Query, workflow: AnyWorkflow, id: string): Promise<unknown>;
  cancel(work: Work, run: { readonly workflow: AnyWorkflow; readonly id: string; readonly reason: string }): void;
  /** @throws {Fault} `not_found`, `conflict` or `invalid_argument` */
  answer(work: Work, answered: { readonly query: Query; readonly workflow: AnyWorkflow; readonly id: string; readonly question: string; readonly answer: unknown }): Promise<void>;
}

export type FailFunctions = Readonly<Record<string, (...parameters: readonly unknown[]) => DeclaredFault>>;
