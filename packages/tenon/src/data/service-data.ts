/** The rows of one service, put together: what its calls, its handlers and the app's parts need of them. */
import type { AnswerStore, Call, Stage } from "../calls/index.ts";
import type { Clock, Random } from "../kernel/index.ts";
import { DatabaseAnswers } from "./answers.ts";
import { type FieldVault, SealError } from "./field-vault.ts";
import type { Database } from "./ports.ts";
import type { RelationReader } from "../trust/index.ts";
import { Reader, type ServiceParts } from "./reader.ts";
import { relationReader } from "./relations.ts";
import { classifiedColumns, hasSealedColumns } from "./sealed-tables.ts";
import type { ServiceKysely } from "./service-kysely.ts";
import { SessionSource } from "./session-source.ts";
import { StatementSpans } from "./statement-spans.ts";
import type { AnyDb, Tables } from "./tables.ts";
import { transaction } from "./transaction.ts";
import { Work } from "./work.ts";

export interface ServiceDataOptions {
  readonly database: Database;
  /** The service's name. */
  readonly service: string;
  /** What it declares: `Db<typeof tables>`, which of its columns are encrypted, and what relations of access rules may name. */
  readonly tables?: Tables;
  /** Keeps encrypted columns; needed where the tables have any. */
  readonly vault?: FieldVault | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** How long first answers are kept for repeats, in ms. Default 24 hours. */
  readonly answersKeepMs?: number;
  /** The longest wait for a free session, in ms. Default 5 000; a call with less time left waits less. */
  readonly sessionWaitMaxMs?: number;
}

export interface ServiceData {
  readonly service: string;
  readonly database: Database;
  /** Makes a command one transaction. */
  readonly transaction: Stage;
  /** First answers to commands; to be used inside of `transaction`. */
  readonly answers: AnswerStore;
  /** The service's rows as last committed; the database refuses to write. */
  reader(call: Call): AnyDb;
  /** Calls `listener` whenever a command of the service has committed. */
  onKept(listener: () => void): void;
  /** The same, for statements of the platform's own. */
  readerOf(call: Call): Reader;
  /** Whether callers stand in the service's rows. */
  readonly relations: RelationReader;
  /** The unit of work of a command under way. @throws {RangeError} outside of the `transaction` stage. */
  workOf(call: Call): Work;
}

/**
 * Opens no session: one is taken when a call first needs it. What it waits for is Kysely, hundreds of modules that a
 * process without tables would load for nothing.
 */
export async function openServiceData(options: ServiceDataOptions): Promise<ServiceData> {
  const { clock, database, random, service } = options;
  const waitMaxMs = options.sessionWaitMaxMs ?? 5_000;
  const parts: ServiceParts = {
    kysely: await createKysely(options),
    sessions: new SessionSource({ database, service, clock, waitMaxMs }),
    spans: new StatementSpans(service),
  };

  const listeners: (() => void)[] = [];
  const onKept = (): void => {
    for (const listener of listeners) listener();
  };
  function readerOf(call: Call): Reader {
    if (call.work instanceof Work) return call.work.reader;
    if (!(call.work instanceof Reader)) call.work = new Reader(call, parts);
    return call.work as Reader;
  }

  return {
    service,
    database,
    transaction: transaction({ ...parts, clock, random, onKept }),
    answers: new DatabaseAnswers({ ...parts, keepMs: options.answersKeepMs ?? 86_400_000, vault: options.vault }),

    reader: (call) => readerOf(call).db,
    readerOf,
    relations: relationReader(options.tables ?? {}, readerOf),

    onKept(listener) {
      listeners.push(listener);
    },

    workOf(call) {
      if (!(call.work instanceof Work)) throw new RangeError(`${call.operation.id} has no transaction: it is no command, or its pipeline has no \`transaction\` stage`);
      return call.work;
    },
  };
}

/**
 * Kysely for the rows of a service.
 *
 * @throws {SealError} its tables have encrypted columns, and there is nothing to encrypt them with.
 */
export async function createKysely({ service, tables = {}, vault }: Pick<ServiceDataOptions, "service" | "tables" | "vault">): Promise<ServiceKysely> {
  const { ServiceKysely } = await import("./service-kysely.ts");
  if (!Object.values(tables).some((each) => classifiedColumns(each).length > 0)) return new ServiceKysely();
  const { ClassifiedRows } = await import("./classified-rows.ts");
  const classified = new ClassifiedRows(service, tables);
  if (!hasSealedColumns(tables)) return new ServiceKysely({ classified });
  if (vault === undefined) throw new SealError(`${service} has encrypted columns, and was opened without the keys to them`);
  const { createSealing } = await import("./sealing.ts");
  return new ServiceKysely({ classified, sealing: createSealing({ service, tables, vault }) });
}
