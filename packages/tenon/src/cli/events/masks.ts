/** What of events and rows may be shown: without `--reveal`, the class stands in place of what is classified. */
import { type ContractEvent, createMask, eventsOf, type JsonSchema, type Mask, maskAll, toJsonSchema } from "../../contract/index.ts";
import { type Row, toSnakeCase } from "../../data/index.ts";
import type { EventRecord } from "../../events/index.ts";
import type { App, Service } from "../../service/index.ts";

const asItIs: Mask = (value) => value;

export class Masks {
  readonly #isRevealed: boolean;
  readonly #events: ReadonlyMap<string, ContractEvent>;
  readonly #masks = new Map<object, Mask>();

  constructor(app: App, options: { readonly reveal?: true }) {
    this.#isRevealed = options.reveal === true;
    this.#events = new Map(app.services.flatMap((service) => eventsOf(service.contract)).map((event) => [event.id, event]));
  }

  /**
   * The event with its data and key as they may be shown. Data of a type or version that the app has no schema of is not
   * shown at all: nobody knows what is in it.
   */
  event(record: EventRecord): EventRecord {
    const contract = this.#events.get(record.type);
    if (this.#isRevealed) return record;
    if (contract === undefined) return { ...record, key: record.key === undefined ? undefined : String(maskAll(record.key)), data: maskAll(record.data) };
    const mask = this.#maskOf(contract, () => toJsonSchema(contract.data, "output"));
    const { key } = record;
    const shownKey = key === undefined || contract.key === undefined ? key : String((mask({ [contract.key]: key }) as Readonly<Record<string, unknown>>)[contract.key]);
    return { ...record, key: shownKey, data: record.version === contract.version ? mask(record.data) : maskAll(record.data) };
  }

  /** A row of a service. Columns that its tables do not declare are not shown. */
  row(service: Service, table: string, row: Row): Row {
    if (this.#isRevealed) return row;
    const declared = Object.entries(service.tables).find(([name]) => toSnakeCase(name) === table)?.[1];
    const columns = new Map(Object.entries(declared?.columns ?? {}).map(([name, schema]) => [toSnakeCase(name), schema]));
    return Object.fromEntries(
      Object.entries(row).map(([name, value]) => {
        const schema = columns.get(name);
        return [name, schema === undefined ? maskAll(value) : this.#maskOf(schema, () => toJsonSchema(schema, "output"))(value)];
      }),
    );
  }

  /** What is sent to an operation. */
  input(schema: ContractEvent["data"] | undefined, value: unknown): unknown {
    if (this.#isRevealed || schema === undefined) return value;
    return this.#maskOf(schema, () => toJsonSchema(schema, "input"))(value);
  }

  #maskOf(owner: object, describe: () => JsonSchema): Mask {
    let mask = this.#isRevealed ? asItIs : this.#masks.get(owner);
    if (mask === undefined) {
      mask = createMask(describe());
      this.#masks.set(owner, mask);
    }
    return mask;
  }
}

export const revealOption = { flags: "--reveal", about: "show personal, sensitive and secret values too" } as const;
