/** Changes of rows, as deliveries: what the handler takes apart, and the consumer that runs it. */
import { createRowOpener, type FieldVault, RowReader, runStatement, type Tables } from "../data/index.ts";
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

export function createChangeConsumer({ handler, name, options: { columns: _columns, ...options }, table: tableName }: ChangeTrigger, parts: ConsumerParts & { readonly tables: Tables; readonly vault: FieldVault | undefined }): Consumer {
  const { data, environment, tables, vault } = parts;
  const table = tables[tableName];
  const opener = table === undefined || vault === undefined ? undefined : createRowOpener({ service: environment.service, name: tableName, table, vault });
  return createConsumer(
    {
      kind: "change",
      name: changeSubscription(name),
      span: { name: `change ${name}`, kind: "consumer", attributes: { "tenon.change": name } },
      options,
      arrivals: "side by side", // by the transactions that make the changes
      read: (delivery, met) => (opener === undefined ? readChange(delivery) : openChange(readChange(delivery), (row) => opener(row, (statement) => runStatement(data.database, { service: environment.service, mode: "read", ...statement }), met))),
      handler: handler as (context: ReactionContext) => unknown,
      contextOf: (call, environment) => new ChangeContext(call, environment),
    },
    parts,
  );
}

/** Rows with encrypted columns come out of the trigger as they are stored. */
async function openChange(change: Change, open: (row: Row) => Promise<Row>): Promise<Change> {
  const opened = async (row: Row | undefined): Promise<Row | undefined> => (row === undefined ? undefined : open(row));
  return { ...change, before: await opened(change.before), after: await opened(change.after) };
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
