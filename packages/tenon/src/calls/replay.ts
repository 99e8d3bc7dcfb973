/**
 * Repeats are answered, not repeated: a command that comes again under the same idempotency key gets its first answer.
 * The same key with another input is a `conflict`.
 *
 * The answer is stored in the command's own transaction. A command that failed stored nothing, and its repeat runs.
 * Two repeats at once in this process run one after the other; in two processes both may run, and the one that
 * commits second is undone and answered with the first one's answer.
 *
 * An answer belongs to its caller. Callers who have shown nothing are one caller here, and only their keys tell them apart:
 * somebody who has another one's key, and sends the same input, gets the other one's answer. So these keys are to be made by
 * chance, and short ones, which meet by accident, are refused.
 *
 * The fingerprint covers the fields, not a body of bytes: that one is streamed and never held whole.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
import { hash } from "node:crypto";
import type { Operation } from "../contract/index.ts";
import { Fault } from "../kernel/index.ts";
import type { Call } from "./call.ts";
import type { AnswerStore, StoredAnswer } from "./ports.ts";
import type { Handler, Stage } from "./stage.ts";

/** Keys are chosen by callers; longer than this is not a key but a payload. */
const keyMaxChars = 255;
/** The shortest key of an anonymous caller: numbers, names and dates are shorter, and identifiers made by chance are longer. */
const anonymousKeyMinChars = 16;

export function replay(options: { readonly answers: AnswerStore }): Stage {
  const { answers } = options;
  /** Calls under way by key: the tail of each queue. */
  const underway = new Map<string, Promise<void>>();

  async function answer(call: Call, next: Handler): Promise<unknown> {
    call.fingerprint = hash("sha256", JSON.stringify(call.input) ?? "", "base64url");
    const stored = await answers.find(call);
    if (stored !== undefined) return replayed(call, stored);
    const value = await next(call);
    await answers.save(call, { fingerprint: call.fingerprint, value });
    return value;
  }

  return {
    name: "replay",
    compile(operation: Operation, next: Handler): Handler {
      if (operation.kind !== "command") return next;
      return (call) => {
        if (call.idempotencyKey === undefined) return next(call);
        assertKey(call, call.idempotencyKey);
        return inTurn(underway, answerKeyOf(call), () => answer(call, next));
      };
    },
  };
}

/** @throws {Fault} `invalid_argument` */
function assertKey({ caller, from }: Call, key: string): void {
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > keyMaxChars) throw new Fault("invalid_argument", `the idempotency key is not 1 to ${keyMaxChars} visible ASCII characters`);
  // A service chooses its keys by itself, and derives them where it acts for somebody.
  const isStranger = from === undefined && (caller === undefined || caller.kind === "anonymous");
  if (isStranger && key.length < anonymousKeyMinChars) {
    throw new Fault("invalid_argument", `the idempotency key of a caller who is not signed in is ${anonymousKeyMinChars} characters at least, and made by chance (a UUID, say): nothing else tells such callers apart`);
  }
}

/** What a first answer is stored under: an answer to one caller is never replayed to another. */
export function answerKeyOf(call: Call): string {
  const { issuer = "", subject = "" } = call.caller ?? {};
  return hash("sha256", JSON.stringify([call.operation.id, issuer, subject, call.idempotencyKey]), "base64url");
}

function replayed(call: Call, stored: StoredAnswer): unknown {
  if (stored.fingerprint !== call.fingerprint) {
    throw new Fault("conflict", "this idempotency key was already used with another input");
  }
  call.isReplay = true;
  return stored.value;
}

/** Runs tasks of one key one after the other, in the order of their arrival. */
async function inTurn(underway: Map<string, Promise<void>>, key: string, task: () => Promise<unknown>): Promise<unknown> {
  const before = underway.get(key);
  const done = Promise.withResolvers<void>();
  underway.set(key, done.promise);
  try {
    if (before !== undefined) await before;
    return await task();
  } finally {
    done.resolve();
    if (underway.get(key) === done.promise) underway.delete(key);
  }
}

/**
 * First answers in this process only, for services without a database: a restart forgets them. Bounded; the oldest
 * goes first.
 */
export class MemoryAnswers implements AnswerStore {
  readonly #answers = new Map<string, { readonly answer: StoredAnswer; readonly expiresAtMs: number }>();
  readonly #keepMs: number;
  readonly #max: number;
  readonly #nowMs: () => number;

  constructor(options: { readonly keepMs: number; readonly max: number; readonly nowMs: () => number }) {
    this.#keepMs = options.keepMs;
    this.#max = options.max;
    this.#nowMs = options.nowMs;
  }

  async find(call: Call): Promise<StoredAnswer | undefined> {
    const kept = this.#answers.get(answerKeyOf(call));
    return kept !== undefined && kept.expiresAtMs > this.#nowMs() ? kept.answer : undefined;
  }

  async save(call: Call, answer: StoredAnswer): Promise<void> {
    for (const [key, kept] of this.#answers) {
      if (this.#answers.size < this.#max && kept.expiresAtMs > this.#nowMs()) break; // in order of age: the rest is younger
      this.#answers.delete(key);
    }
    this.#answers.set(answerKeyOf(call), { answer, expiresAtMs: this.#nowMs() + this.#keepMs });
  }
}
