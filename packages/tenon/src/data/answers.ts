/**
 * First answers to commands, in the schema of the service that gave them. An answer is written by the command's own
 * transaction and travels with its COMMIT, so it exists if and only if the effects do.
 *
 * Two repeats at once in two processes may both run; the second one's COMMIT meets the first one's key, is undone, and
 * its next attempt finds the answer.
 *
 * An answer that is a stream of bytes is not kept. Its command is still not done twice: a repeat is told so.
 */
import { type AnswerStore, answerKeyOf, type Call, type StoredAnswer } from "../calls/index.ts";
import { type Bytes, dataClassesOf, isBytesOutput, isStreamOutput, toJsonSchema } from "../contract/index.ts";
import { Fault } from "../kernel/index.ts";
import type { FieldVault, RunStatement, SealedPlace } from "./field-vault.ts";
import type { DatabaseError } from "./ports.ts";
import { Reader, type ServiceParts } from "./reader.ts";
import type { Sweep } from "./sweeper.ts";
import { Work } from "./work.ts";

export interface AnswersOptions extends ServiceParts {
  /** How long an answer is kept, in ms. */
  readonly keepMs: number;
  /** Seals answers in which anything is classified, where anything of the app is encrypted. */
  readonly vault?: FieldVault | undefined;
}


const findText = "select fingerprint, value, value is null as is_void, expires_at <= now() as is_expired from tenon_answers where key = $1";
const saveText =
  "insert into tenon_answers (key, operation, fingerprint, value, expires_at) values ($1, $2, $3, $4, now() + $5 * interval '1 ms')";
const forgetText = "delete from tenon_answers where key = $1 and expires_at <= now()";

/** Whether an attempt failed because a repeat of the same command was kept first. */
export function isAnswerRace(error: DatabaseError): boolean {
  return error.sqlState === "23505" && error.constraint === "tenon_answers_pkey";
}

export class DatabaseAnswers implements AnswerStore {
  readonly #options: AnswersOptions;
  /** Calls whose key has an answer that is too old, still in the way of the new one. */
  readonly #inTheWay = new WeakSet<Call>();

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  async find(call: Call): Promise<StoredAnswer | undefined> {
    const reader = call.work instanceof Work ? call.work.reader : new Reader(call, this.#options);
    const { rows } = await reader.run({ text: findText, parameters: [answerKeyOf(call)] });
    const row = rows[0] as AnswerRow | undefined;
    if (row === undefined) return undefined;
    if (row.is_expired) {
      this.#inTheWay.add(call);
      return undefined;
    }
    if (row.is_void) return { fingerprint: row.fingerprint, value: undefined };
    const value = await this.#open(call, row.value, (statement) => reader.run(statement));
    return { fingerprint: row.fingerprint, value: fromStored(call, value) };
  }

  /** Says what COMMIT is to take along. A key that is taken shows there, not here. */
  async save(call: Call, answer: StoredAnswer): Promise<void> {
    if (!(call.work instanceof Work)) {
      throw new RangeError("an answer is kept in the transaction of its command, and this call has none: put `replay` inside of `transaction`");
    }
    const key = answerKeyOf(call);
    if (this.#inTheWay.has(call)) call.work.atCommit({ text: forgetText, parameters: [key] });
    const value = answer.value === undefined ? null : await this.#seal(call, toStored(call, answer.value));
    call.work.atCommit({ text: saveText, parameters: [key, call.operation.id, answer.fingerprint, value, this.#options.keepMs] });
  }

  /** JSON: sealed whole for whoever called, where its operation answers with anything classified. */
  async #seal(call: Call, value: unknown): Promise<string> {
    const { vault } = this.#options;
    if (vault === undefined || !isClassified(call.operation)) return JSON.stringify(value);
    const subject = call.caller?.subject ?? "";
    const [sealed] = await vault.seal([{ ...placeOf(call), subject: subject === "" ? "nobody" : subject, value: JSON.stringify(value) }], (statement) => (call.work as Work).run(statement));
    return JSON.stringify(sealed);
  }

  async #open(call: Call, value: unknown, run: RunStatement): Promise<unknown> {
    const { vault } = this.#options;
    if (vault === undefined || typeof value !== "string" || !isClassified(call.operation) || !vault.isSealed(value)) return value;
    const [opened] = await vault.open([{ ...placeOf(call), sealed: value }], run);
    if (opened === null) throw new Fault("gone", "this command was done already, and its answer was erased with the data of the person who called");
    return JSON.parse(opened as string) as unknown;
  }
}

function placeOf(call: Call): SealedPlace {
  return { column: `${call.operation.service}/tenon_answers.value`, key: [answerKeyOf(call)] };
}

const classified = new WeakMap<object, boolean>();

/** Whether an operation's answer may hold anything classified. Bytes may hold anything, and are not looked into. */
function isClassified({ output }: Call["operation"]): boolean {
  if (output === undefined || isBytesOutput(output) || isStreamOutput(output)) return false;
  let is = classified.get(output);
  if (is === undefined) {
    is = dataClassesOf(toJsonSchema(output, "output")).size > 0;
    classified.set(output, is);
  }
  return is;
}

interface AnswerRow {
  readonly fingerprint: string;
  readonly value: unknown;
  readonly is_void: boolean;
  readonly is_expired: boolean;
}

/** First answers whose time is over. */
export const answerSweep: Sweep = {
  text: "delete from tenon_answers where key = any(array(select key from tenon_answers where expires_at <= now() - $1 * interval '1 ms' order by expires_at limit $2))",
  keepMs: 0,
  portionMax: 1_000,
};

/** Bytes have no form in JSON: base64, where they are all there. */
interface StoredBytes {
  readonly mediaType: string;
  readonly fileName?: string | undefined;
  /** `null` for a stream, which is read once, by the first caller. */
  readonly base64: string | null;
}

function toStored(call: Call, value: unknown): unknown {
  if (!isBytesOutput(call.operation.output)) return value;
  const { content, fileName, mediaType } = value as Bytes;
  const base64 = content instanceof Uint8Array ? Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString("base64") : null;
  return { mediaType, fileName, base64 } satisfies StoredBytes;
}

function fromStored(call: Call, value: unknown): unknown {
  if (!isBytesOutput(call.operation.output)) return value;
  const { base64, fileName, mediaType } = value as StoredBytes;
  if (base64 === null) throw new Fault("conflict", "this command was done already, and its answer was a stream that is not kept");
  const content = new Uint8Array(Buffer.from(base64, "base64"));
  return { mediaType, fileName, content, length: content.byteLength } satisfies Bytes;
}
