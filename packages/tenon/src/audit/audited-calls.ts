/**
 * Calls on record, by two stages. What a service does by itself, its reactions, passes the same two: where it met the
 * data of a person, it is on record under its own name.
 *
 *     deadline ─► audit outcome ─► identify … validate … ─► transaction ─► replay ─► audit command ─► handle
 *                  refusals, reads, what failed                            in the same COMMIT
 *
 * A command's record is part of its transaction: where it cannot be written, the command is not done. Reads and refusals
 * are noted and written together shortly after; where there is no room for more, reads are refused.
 *
 * Whose data it was, and which rows, is what was sealed and opened for the call: nothing is declared for it.
 */
import { type Call, type Handler, isPromise, type Stage } from "../calls/index.ts";
import { anonymous, type Caller, isStreamOutput, type Operation } from "../contract/index.ts";
import type { Work } from "../data/index.ts";
import { Fault, type FaultCode } from "../kernel/index.ts";
import type { AuditActor, AuditEntry } from "./entry.ts";
import type { AuditTrail } from "./trail.ts";
import { whyAllowed } from "./why-allowed.ts";

/** What of an operation is put on record besides refusals, which always are. */
export interface AuditedOperation {
  readonly isAudited: boolean;
  /** Fields of the input that say which record was meant, and are not classified: those in the path of its route. */
  readonly keys: readonly string[];
  /** Default `always`. */
  readonly when?: "always" | "data of persons was met";
  /** The field of the input that names the person, where the operation is about one. */
  readonly subjectField?: string;
  /** Why it is allowed, where that is no rule of the contract. */
  readonly allowedBy?: string;
}

export interface AuditedCallsOptions {
  readonly trail: AuditTrail;
  readonly auditOf: (operation: Operation) => AuditedOperation;
  /** The transaction of a call. */
  readonly workOf: (call: Call) => Work;
  /** Told once for each refusal for which there was no room. */
  readonly onLost: () => void;
}

const refusals: ReadonlySet<FaultCode> = new Set(["unauthenticated", "permission_denied"]);
/** Came to nothing before anybody had decided on it, and where there are many there is no time to lose. */
const notReached: ReadonlySet<FaultCode> = new Set(["overloaded", "rate_limited"]);
/** Persons, and rows, that one record names. */
const namedMax = 20;
/** The longest text of one field that is taken for a key. */
const keyMaxChars = 200;

/** The outer stage. @throws {Fault} (in a call) `unavailable`: a read that has to be on record cannot be. */
export function auditOutcome({ auditOf, onLost, trail }: AuditedCallsOptions): Stage {
  return {
    name: "audit outcome",
    compile(operation: Operation, next: Handler): Handler {
      const audited = auditOf(operation);
      const isStream = operation.output !== undefined && isStreamOutput(operation.output);

      function failed(call: Call, thrown: unknown): void {
        const fault = Fault.from(thrown);
        const isRefused = refusals.has(fault.code);
        if (!isRefused && (!isDue(call, audited) || notReached.has(fault.code))) return;
        const { missing, subject: restricted } = fault.facts;
        try {
          trail.note({
            ...entryOf(call, audited),
            ...(isRefused && restricted !== undefined ? { subject: String(restricted), subjects: undefined, subjectsBeyond: undefined } : {}),
            outcome: isRefused ? "refused" : "failed",
            code: fault.publicCode,
            ...(isRefused ? { allowedBy: missing === undefined ? undefined : `needs ${missing}` } : {}),
          });
        } catch {
          onLost(); // it was refused anyway
        }
      }

      function note(call: Call): void {
        trail.note({ ...entryOf(call, audited), outcome: "done", allowedBy: allowedBy(call, audited) });
      }

      function read(call: Call, value: unknown): unknown {
        if (operation.kind !== "query" || !isDue(call, audited)) return value;
        note(call);
        if (!isStream) return value;
        // The answer has begun, and rows are still to come: who else is met on the way is on record at its end.
        const before = metCount(call);
        return followed(value as AsyncIterable<unknown>, () => {
          if (metCount(call) === before) return;
          try {
            note(call);
          } catch {
            onLost(); // it was read, and the answer is out
          }
        });
      }

      return (call) => {
        let result: unknown;
        try {
          result = next(call);
        } catch (thrown) {
          failed(call, thrown);
          throw thrown;
        }
        if (!isPromise(result)) return read(call, result);
        return result.then(
          (value) => read(call, value),
          (thrown: unknown) => {
            failed(call, thrown);
            throw thrown;
          },
        );
      };
    },
  };
}

/** The inner stage, within the transaction: leaves itself out of what is no audited command. */
export function auditCommand({ auditOf, trail, workOf }: AuditedCallsOptions): Stage {
  return {
    name: "audit command",
    compile(operation: Operation, next: Handler): Handler {
      const audited = auditOf(operation);
      if (operation.kind !== "command" || !audited.isAudited) return next;
      return async (call) => {
        const value = await next(call);
        if (isDue(call, audited)) trail.append(workOf(call), [{ ...entryOf(call, audited), outcome: "done", allowedBy: allowedBy(call, audited) }]);
        return value;
      };
    },
  };
}

/** The caller, as the trail names it. */
export function actorOf({ issuer, kind, subject }: Caller): AuditActor {
  return { kind, subject, issuer: issuer === "" ? undefined : issuer };
}

function isDue({ touched }: Call, { isAudited, when = "always" }: AuditedOperation): boolean {
  return isAudited && (when === "always" || (touched !== undefined && !touched.isEmpty));
}

function entryOf(call: Call, { keys, subjectField }: AuditedOperation): Omit<AuditEntry, "outcome"> {
  return {
    actor: actorOf(call.caller ?? anonymous),
    via: call.from,
    action: call.operation.id,
    ...namedBy(call, subjectField),
    address: addressOf(call),
    traceId: call.trace?.id,
    details: keysOf(call.input, keys),
  };
}

/** Whose data, and which rows. */
function namedBy({ input, touched }: Call, subjectField: string | undefined): Pick<AuditEntry, "subject" | "subjects" | "subjectsBeyond" | "record" | "records" | "recordsBeyond"> {
  if (subjectField !== undefined) {
    const subject = (input as Readonly<Record<string, unknown>> | undefined)?.[subjectField];
    return typeof subject === "string" ? { subject: subject.slice(0, keyMaxChars) } : {};
  }
  if (touched === undefined) return {};
  const { rowCount, subjectCount } = touched;
  const subjects = touched.subjects(namedMax);
  const rows = touched.rows(namedMax);
  return {
    ...(subjectCount === 1 ? { subject: subjects[0] } : subjectCount === 0 ? {} : { subjects, subjectsBeyond: beyond(subjectCount) }),
    ...(rowCount === 1 ? { record: rows[0] } : rowCount === 0 ? {} : { records: rows, recordsBeyond: beyond(rowCount) }),
  };
}

function beyond(count: number): number | undefined {
  return count > namedMax ? count - namedMax : undefined;
}

function metCount({ touched }: Call): number {
  return touched === undefined ? 0 : touched.subjectCount + touched.rowCount;
}

/** The items as they come, and `onEnd` once when nobody reads on. Not a generator: one that was never started would not tell the handler. */
function followed(items: AsyncIterable<unknown>, onEnd: () => void): AsyncIterable<unknown> {
  const source = items[Symbol.asyncIterator]();
  let isOver = false;
  function end(): void {
    if (!isOver) onEnd();
    isOver = true;
  }
  const iterator: AsyncIterator<unknown> = {
    async next() {
      try {
        const at = await source.next();
        if (at.done === true) end();
        return at;
      } catch (thrown) {
        end();
        throw thrown;
      }
    },
    async return() {
      end();
      await source.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** That of the first call: one that a service makes comes from where the one that it is part of came from. */
function addressOf(call: Call): string | undefined {
  let first = call;
  while (first.address === undefined && first.parent !== undefined) first = first.parent;
  return first.address;
}

function allowedBy(call: Call, { allowedBy: said }: AuditedOperation): string {
  return said ?? whyAllowed(call.operation.access, { caller: call.caller ?? anonymous, input: call.input, from: call.from });
}

function keysOf(input: unknown, keys: readonly string[]): AuditEntry["details"] {
  if (keys.length === 0 || input === null || typeof input !== "object") return undefined;
  const fields = input as Readonly<Record<string, unknown>>;
  const found: Record<string, string | number | boolean> = {};
  for (const key of keys) {
    const value = fields[key];
    if (typeof value === "string") found[key] = value.slice(0, keyMaxChars);
    else if (typeof value === "number" || typeof value === "boolean") found[key] = value;
  }
  return found;
}
