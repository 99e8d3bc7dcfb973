/**
 * What a call promises: a value, or one of the failures that its contract declares. A promise alone carries no type
 * for how it fails; {@link CallPromise} does, and {@link outcome} turns it into a value to be switched on.
 */
import { DeclaredFault } from "../kernel/index.ts";
import type { ErrorSpecs, NoErrors } from "./operation.ts";
import type { OutputOf, Schema } from "./schema.ts";

declare const declaredErrors: unique symbol;

/** A promise that remembers which failures its operation declares. The memory is the compiler's alone. */
export type CallPromise<T, E extends ErrorSpecs = NoErrors> = Promise<T> & { readonly [declaredErrors]?: E };

/** The failures that an operation declares, each with its name and the type of its data. */
export type DeclaredFaults<E extends ErrorSpecs> = {
  readonly [Name in keyof E & string]: DeclaredFault<Name, E[Name] extends { readonly data: infer D extends Schema } ? OutputOf<D> : undefined>;
}[keyof E & string];

/** How a call ended, as far as the contract foresees. Narrow by `ok`, then by `fault.reason`. */
export type Outcome<T, E extends ErrorSpecs> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: DeclaredFaults<E> };

/**
 * Waits for a call and makes its declared failures part of the value:
 *
 *     const placed = await outcome(call(orders.place, { items }));
 *     if (!placed.ok) switch (placed.fault.reason) { case "OutOfStock": return placed.fault.data.sku; }
 *
 * @throws {Fault} for everything that the contract does not declare: a missing right, an overload, a network down.
 */
export async function outcome<T, E extends ErrorSpecs>(call: CallPromise<T, E>): Promise<Outcome<T, E>> {
  try {
    return { ok: true, value: await call };
  } catch (thrown) {
    // Whoever makes a CallPromise lets no other declared fault out of it, so the cast tells the truth.
    if (thrown instanceof DeclaredFault) return { ok: false, fault: thrown as DeclaredFaults<E> };
    throw thrown;
  }
}
