/** Changes of rows, as deliveries: what the handler takes apart, and the consumer that runs it. */
import { RowReader } from "../data/index.ts";
import { changeSubscription, type Consumer, type Delivery } from "../events/index.ts";
import type { ChangeTrigger } from "../service/index.ts";
import { ReactionContext } from "./reaction-context.ts";
import { type ConsumerParts, createConsumer } from "./subscription.ts";

type Texts = Readonly<Record<string, string | null>>;

/** As the trigger wrote it: values as PostgreSQL prints them, and the types to read them by. */
interface TextualChange {
  readonly operation: "insert" | "update" | "delete";
  readonly types: Readonly<Record<string, number>>;
  readonly key: Texts;
  readonly before?: Texts | null;
  readonly after?: Texts | null;
  readonly isCut: boolean;
}

type Row = Readonly<Record<string, unknown>>;

interface Change {
  readonly operation: TextualChange["operation"];
  readonly key: Row;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
  readonly isCut: boolean;
}

class ChangeContext extends ReactionContext {
  get operation(): string {
    return this.#change.operation;
  }

  get key(): Row {
    return this.#change.key;
  }

  get before(): Row | undefined {
    return this.#change.before;
  }

  get after(): Row | undefined {
    return this.#change.after;
  }

  get isCut(): boolean {
    return this.#change.isCut;
  }

  get #change(): Change {
    return this.data as Change;
  }
}

export function createChangeConsumer({ handler, name, options: { columns: _columns, ...options } }: ChangeTrigger, parts: ConsumerParts): Consumer {
  return createConsumer(
    {
      kind: "change",
      name: changeSubscription(name),
      span: { name: `change ${name}`, kind: "consumer", attributes: { "tenon.change": name } },
      options,
      arrivals: "side by side", // by the transactions that make the changes
      read: readChange,
      handler: handler as (context: ReactionContext) => unknown,
      contextOf: (call, environment) => new ChangeContext(call, environment),
    },
    parts,
  );
}

function readChange({ event }: Delivery): Change {
  const { after, before, isCut, key, operation, types } = event.data as TextualChange;
  const read = (texts: Texts | null | undefined): Row | undefined => (texts === null || texts === undefined ? undefined : readRow(texts, types));
  return { operation, key: readRow(key, types), before: read(before), after: read(after), isCut };
}

function readRow(texts: Texts, types: TextualChange["types"]): Row {
  const names = Object.keys(texts);
  const reader = new RowReader(names.map((name) => ({ name, dataTypeID: types[name] as number })));
  return reader.read(names.map((name) => texts[name] as string | null));
}
