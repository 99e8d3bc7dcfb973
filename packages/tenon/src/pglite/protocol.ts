/**
 * Statements to PGlite in the wire protocol that it speaks underneath. A batch goes in as one message, so that it
 * behaves as it does over a network: one failure, and the rest is skipped.
 */
import type { PGlite } from "@electric-sql/pglite";
import { affectedBy, DatabaseError, type Field, MessageWriter, needsType, RowReader, type Rows, type Statement, toParameters } from "../data/index.ts";

type Message = Awaited<ReturnType<PGlite["execProtocol"]>>["messages"][number];

const nothing: Rows = Object.freeze({ rows: Object.freeze([]), affected: 0, tag: "" });

/** Statements whose types are remembered: more than an app has. */
const typesMax = 1_000;
/** What leaves tables and types as they are, by the first word of what the database says was done. */
const keepsTypes = /^(?:SELECT|INSERT|UPDATE|DELETE|MERGE|BEGIN|START|COMMIT|SET|RESET|SHOW|EXPLAIN|FETCH|LOCK)\b/;

export class Protocol {
  readonly #pglite: PGlite;
  /** Types of parameters, by the rights under which a statement was read and its text. */
  readonly #types = new Map<string, readonly number[]>();

  constructor(pglite: PGlite) {
    this.#pglite = pglite;
  }

  /**
   * @param rights  Whose they are: names in a statement mean something else under others.
   * @throws {DatabaseError}
   */
  async run(statements: readonly Statement[], rights = ""): Promise<Rows> {
    const writer = new MessageWriter();
    for (const { parameters, text } of statements) {
      const types = parameters.some(needsType) ? await this.#typesOf(text, rights) : undefined;
      sending(() => writer.parse("", text).bind("", toParameters(parameters, types)).describePortal().execute());
    }
    return readRows(await this.#exchange(writer.sync()), statements);
  }

  /** @throws {DatabaseError} */
  async script(text: string): Promise<void> {
    readRows(await this.#exchange(sending(() => new MessageWriter().query(text))), [{ text, parameters: [] }]);
  }

  async #typesOf(text: string, rights: string): Promise<readonly number[]> {
    const key = `${rights}\n${text}`;
    const known = this.#types.get(key);
    if (known !== undefined) return known;
    const types = await this.#describe(text);
    if (this.#types.size >= typesMax) this.#types.clear();
    this.#types.set(key, types);
    return types;
  }

  async #describe(text: string): Promise<readonly number[]> {
    for (const message of await this.#exchange(sending(() => new MessageWriter().parse("", text).describeStatement("").sync()))) {
      if (message.name === "error") throw toDatabaseError(message, text);
      if (message.name === "parameterDescription") return (message as unknown as { readonly dataTypeIDs: readonly number[] }).dataTypeIDs;
    }
    return [];
  }

  async #exchange(writer: MessageWriter): Promise<readonly Message[]> {
    const { messages } = await this.#pglite.execProtocol(writer.finish(), { throwOnError: false });
    // An error too: what a transaction that is undone has made is gone, and a statement that came after may have been read with it.
    if (this.#types.size > 0 && messages.some(changesTypes)) this.#types.clear();
    return messages;
  }
}

function changesTypes(message: Message): boolean {
  if (message.name === "error") return true;
  return message.name === "commandComplete" && !keepsTypes.test((message as unknown as { readonly text: string }).text);
}

/** What cannot be sent fails like what the engine refuses. */
function sending(write: () => MessageWriter): MessageWriter {
  try {
    return write();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DatabaseError(`a statement cannot be sent: ${reason}`, "22023", { cause: error });
  }
}

/** What the last statement gave. @throws {DatabaseError} the first failure. */
function readRows(messages: readonly Message[], statements: readonly Statement[]): Rows {
  let at = 0;
  let result = nothing;
  let reader: RowReader | undefined;
  let rows: Record<string, unknown>[] = [];
  for (const message of messages) {
    switch (message.name) {
      case "rowDescription":
        reader = new RowReader((message as unknown as { readonly fields: readonly Field[] }).fields);
        break;
      case "dataRow":
        if (reader !== undefined) rows.push(reader.read((message as unknown as { readonly fields: readonly (string | null)[] }).fields));
        break;
      case "commandComplete": {
        const tag = (message as unknown as { readonly text: string }).text;
        result = { rows, affected: affectedBy(tag), tag };
        rows = [];
        reader = undefined;
        at++;
        break;
      }
      case "error":
        throw toDatabaseError(message, statements[at]?.text);
      default:
    }
  }
  return result;
}

interface ErrorMessage {
  readonly message: string;
  readonly code: string | undefined;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  readonly position: string | undefined;
  readonly constraint: string | undefined;
  readonly table: string | undefined;
}

function toDatabaseError(message: Message, statement: string | undefined): DatabaseError {
  const { code = "XX000", constraint, detail, hint, message: text, position, table } = message as unknown as ErrorMessage;
  const error = new DatabaseError(text, code, { constraint, detail, hint, table, position: position === undefined ? undefined : Number(position) });
  error.statement = statement;
  return error;
}
