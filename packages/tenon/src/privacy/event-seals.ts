/**
 * Events at rest: what a contract classifies in their data is sealed where the event is emitted and opened where it is
 * delivered. So outboxes, histories, inboxes, dead letters and the streams of brokers hold nothing plain, and when a
 * subject's key is destroyed, none of them can tell any more.
 *
 * Fields of an event that names its `subject` are sealed under the key of that person, those of others under the key of the
 * service, which no erasure destroys. A field whose key was destroyed reads `[erased]`.
 */
import { type ContractEvent, dataClassesOf, type JsonSchema, replaceClassified, toJsonSchema } from "../contract/index.ts";
import { type Database, type RunStatement, runStatement, SealError, toKeyText } from "../data/index.ts";
import { isSealed, sealedKeyId } from "./envelope.ts";
import type { Vault } from "./vault.ts";

/** In place of what was erased. */
export const erasedMark = "[erased]";

export interface KeptEvent {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}

/** Is told whose values were opened. */
export interface MetSubjects {
  meetSubject(subject: string): void;
}

export class EventSeals {
  readonly #vault: Vault;
  readonly #database: Database;
  /** Schemas of events by identifier; `undefined` for those that hold nothing classified. */
  readonly #schemas = new Map<string, JsonSchema | undefined>();

  constructor({ database, vault }: { readonly database: Database; readonly vault: Vault }) {
    this.#database = database;
    this.#vault = vault;
  }

  /** The event as it is kept. */
  async seal<E extends KeptEvent>(event: ContractEvent, record: E, run: RunStatement): Promise<E> {
    const schema = this.#schemaOf(event);
    if (schema === undefined) return record;
    const named = event.subject === undefined ? undefined : (record.data as Readonly<Record<string, unknown>>)[event.subject];
    const owner = named === undefined || named === null ? ({ purpose: "service", subject: event.service } as const) : ({ purpose: "subject", subject: toKeyText(named) } as const);
    const key = await this.#vault.keyOf(owner, run);
    const data = replaceClassified(schema, record.data, (value, { pointer }) => (value === undefined || value === null ? value : this.#vault.sealWith(key, value, boundOf(record, pointer))));
    return { ...record, data };
  }

  /** The data of an event that is delivered to a service. Other apps' events and those from before are plain, and stay as they are. */
  async open(service: string, record: KeptEvent, met?: MetSubjects): Promise<unknown> {
    const found: { readonly text: string; readonly pointer: string }[] = [];
    visit(record.data, "", (text, pointer) => void (isSealed(text) && found.push({ text, pointer })));
    if (found.length === 0) return record.data;
    const keys = await this.#vault.keysById(found.map(({ text }) => sealedKeyId(text)), (statement) => runStatement(this.#database, { service, mode: "read", ...statement }));
    return visit(record.data, "", (text, pointer) => {
      if (!isSealed(text)) return text;
      const key = keys.get(sealedKeyId(text));
      // Somebody wrote a text that looks like one of ours, and nobody sealed it.
      if (key === undefined) return text;
      if (key === "destroyed") return erasedMark;
      if (key.purpose === "subject") met?.meetSubject(key.subject);
      return this.#vault.openWith(key, text, boundOf(record, pointer));
    });
  }

  #schemaOf(event: ContractEvent): JsonSchema | undefined {
    if (!this.#schemas.has(event.id)) {
      const json = toJsonSchema(event.data, "output");
      this.#schemas.set(event.id, dataClassesOf(json).size === 0 ? undefined : json);
    }
    return this.#schemas.get(event.id);
  }
}

function boundOf({ id, type }: KeptEvent, pointer: string): readonly string[] {
  return [`event ${type}`, id, pointer];
}

/** Events are no deeper than contracts let data be; this is for those of others. */
const depthMax = 100;

/** A copy with every text replaced. */
function visit(value: unknown, pointer: string, replace: (text: string, pointer: string) => unknown, depth = 0): unknown {
  if (typeof value === "string") return replace(value, pointer);
  if (value === null || typeof value !== "object") return value;
  if (depth > depthMax) throw new SealError("the data of an event is too deep");
  if (Array.isArray(value)) return value.map((item, index) => visit(item, `${pointer}/${index}`, replace, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, visit(member, `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, replace, depth + 1)]));
}
