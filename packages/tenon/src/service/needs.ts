/** What code of a service counts on, for the compiler: its tables and settings, the errors it declares, its events. */
import type { ContractEvent, ErrorSpecs, InputOf, OutputOf, Schema, Table } from "../contract/index.ts";
import type { DeclaredFault } from "../kernel/index.ts";

/** The tables of a service by name; `orderLines` here is `order_lines` in SQL. */
export type Tables = Readonly<Record<string, Table>>;
export type NoTables = {};
/** The settings of a service that has none. */
export type NoConfig = Schema<undefined, undefined>;

/** `fail.X(...)` for each error X that the operation declares. Give it to `throw`. */
export type Fail<E extends ErrorSpecs> = {
  readonly [N in keyof E & string]: E[N] extends { readonly data: infer D extends Schema }
    ? (data: InputOf<D>, message?: string) => DeclaredFault<N, OutputOf<D>>
    : (message?: string) => DeclaredFault<N, undefined>;
};

/**
 * `dependency("payment provider", () => fetch(url))`: does something outside of the app, so that it can be seen. It gets a span and
 * its failures and durations are counted, by the name alone. What the task gives or throws comes through as it is.
 */
export type Dependency = <R>(name: string, task: () => R | Promise<R>) => Promise<R>;

/** `emit(orders.placed, order)`: tells of something, if and only if the command commits. Resolves to the event's id. */
export type Emit = <D extends Schema>(event: ContractEvent<D>, data: InputOf<D>) => Promise<string>;
