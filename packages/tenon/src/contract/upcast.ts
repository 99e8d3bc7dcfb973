/**
 * Old versions of events, read as the present one. An event is kept for as long as its subscribers may need it, longer
 * than its shape lives: each upcast leads from the data of one version to that of the next, and a chain of them from
 * any version that can still be read to the present one.
 *
 * A version moves  present → old, with an upcast → discarded, without.  Nothing validates what comes out: whoever
 * delivers it parses it by the schema of the event, as it does with data of the present version.
 */
import type { MistakesAt } from "./mistakes.ts";
import type { ContractEvent, EventSpec, OldData, Upcast } from "./operation.ts";
import { createParser } from "./parser.ts";
import type { OutputOf, Schema } from "./schema.ts";

/** The largest integer that a CloudEvents attribute can hold. */
const maxVersion = 2_147_483_647;

/**
 * An upcast that knows the type of the old data, which is parsed by `from` before `change` sees it:
 *
 *     upcasts: { 1: upcast(Captured1, (old) => ({ ...old, currency: "EUR" })) }
 *
 * What comes out is held to the next version by the compiler where `change` says what it returns:
 * `(old): z.input<typeof Captured> => ...`. It throws for old data that `from` refuses; {@link upcastData} reports that.
 */
export function upcast<From extends Schema>(from: From, change: (old: OutputOf<From>) => object): Upcast {
  const parser = createParser(from);
  return (old) => {
    const parsed = parser.parse(old);
    if (parsed instanceof Promise) {
      ignore(parsed);
      throw new OldDataError("the schema of the old data waits for something, which an upcast cannot");
    }
    if (!parsed.ok) {
      throw new OldDataError(`the old data is not what it should be: ${parsed.details.map(({ path, message }) => `${path} ${message}`.trim()).join("; ")}`);
    }
    return change(parsed.value);
  };
}

/** Data of an old version that is not of the shape which that version had. */
class OldDataError extends Error {
  override readonly name = "OldDataError";
}

/**
 * How an attempt to read an event ended. `discarded`: its version is older than any that can be read. `future`: its
 * version is newer than the contract here, whose process has to be brought up to date first. `failed`: an upcast threw,
 * or gave back no data.
 */
export type Upcasted =
  | { readonly ok: true; readonly data: unknown }
  | { readonly ok: false; readonly reason: "discarded" | "future" | "failed"; readonly message: string; readonly cause?: unknown };

/**
 * Brings the data of an event from the version in which it was emitted to the present one. Never throws. Messages name
 * event and versions and repeat nothing of the data; a `cause` may.
 */
export function upcastData(event: ContractEvent, version: number, data: unknown): Upcasted {
  const { id, upcasts, version: present } = event;
  if (!isVersion(version)) return { ok: false, reason: "failed", message: `an event ${id} has a version that is no whole number from 1` };
  if (version > present) {
    return { ok: false, reason: "future", message: `${id} version ${version} is newer than version ${present}, the newest that is known here` };
  }
  let current = data;
  for (let from = version; from < present; from += 1) {
    const change = Object.hasOwn(upcasts, from) ? upcasts[from] : undefined;
    if (change === undefined) return { ok: false, reason: "discarded", message: discardedMessage(event, version) };
    const step = `the upcast of ${id} from version ${from} to ${from + 1}`;
    if (!isData(current)) return { ok: false, reason: "failed", message: `${step} was given no object` };
    try {
      current = change(current);
    } catch (cause) {
      return { ok: false, reason: "failed", message: `${step} threw`, cause };
    }
    if (isData(current)) continue;
    const isPromise = current instanceof Promise;
    if (isPromise) ignore(current as Promise<unknown>);
    return { ok: false, reason: "failed", message: `${step} gave back ${isPromise ? "a promise, and an upcast cannot wait" : "no object"}` };
  }
  return { ok: true, data: current };
}

function discardedMessage(event: ContractEvent, version: number): string {
  const oldest = upcastsFrom(event)[0] ?? event.version;
  return `${event.id} version ${version} is discarded: the oldest version that can still be read is ${oldest}`;
}

function isData(value: unknown): value is OldData {
  return value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Promise);
}

/** Nobody waits for it, and a rejection that nobody hears ends the process. */
function ignore(promise: Promise<unknown>): void {
  promise.catch(() => undefined);
}

function isVersion(version: unknown): version is number {
  return Number.isInteger(version) && (version as number) >= 1 && (version as number) <= maxVersion;
}

/** The old versions that can still be read, oldest first. */
export function upcastsFrom({ upcasts }: EventSpec): readonly number[] {
  return Object.keys(upcasts ?? {}).map(Number).sort((a, b) => a - b);
}

/** Adds what is wrong with the version of an event and with its upcasts. */
export function checkVersions(spec: EventSpec, mistakes: MistakesAt): void {
  const { upcasts, version } = spec;
  if (!isVersion(version)) {
    mistakes.add(`the version ${String(version)} is not a whole number from 1`, "count the shapes that the data has had: 1, 2, 3");
    return;
  }
  if (upcasts === null || typeof upcasts !== "object" || Array.isArray(upcasts)) {
    mistakes.add("the upcasts are not functions by version", 'write { 1: (old) => ({ ...old, currency: "EUR" }) }');
    return;
  }
  const old = Object.entries(upcasts).filter(([from, change]) => checkUpcast(from, change, version, mistakes)).map(([from]) => Number(from));
  checkChain(old, version, mistakes);
}

/** @returns whether it is an upcast of an old version, be it a function or not. */
function checkUpcast(key: string, change: unknown, version: number, mistakes: MistakesAt): boolean {
  const from = /^[1-9]\d*$/.test(key) ? Number(key) : undefined;
  if (from === undefined) {
    mistakes.add(`has an upcast for "${key}", which is no version`, "name it by the version that it starts from: 1, 2, 3");
    return false;
  }
  if (from >= version) {
    const which = from === version ? "present" : "future";
    mistakes.add(`has an upcast for version ${from}, the ${which} one`, `raise the version to ${from + 1}, or take the upcast away: it leads from an old version to the next`);
    return false;
  }
  if (typeof change !== "function") {
    mistakes.add(`the upcast for version ${from} is not a function`, `write ${from}: (old) => ({ ...old, ... })`);
  }
  return true;
}

function checkChain(old: readonly number[], version: number, mistakes: MistakesAt): void {
  const known = new Set(old);
  const oldest = Math.min(...known);
  for (let from = oldest + 1; from < version; from += 1) { // without an upcast, `oldest` is infinite
    if (known.has(from)) continue;
    mistakes.add(
      `has an upcast for version ${oldest} but none for version ${from}`,
      `add an upcast for ${from}, or take those before it away: events of their versions can then not be delivered any more`,
    );
    return; // one gap is enough to say so: a version in the millions would fill pages
  }
}
