/**
 * What telemetry may not show of a service, and how it is hidden: fields by their names, and in texts the values
 * themselves, as far as a call has seen them. Nothing is gathered or looked for until a line or a failure is written.
 */
import type { FieldClasses } from "../contract/index.ts";
import { Fault, type FaultDetail } from "../kernel/index.ts";
import { KnownValues } from "./known-values.ts";
import { type Hiding, openly, toShown, withoutJson } from "./shown-value.ts";

/** Somebody who has seen values: a call. */
export interface Knower {
  /** Input, rows, answers of others: looked through by the names of their fields. */
  readonly known: readonly unknown[];
  readonly caller?: { readonly subject: string; readonly claims: Readonly<Record<string, unknown>> } | undefined;
  readonly credentials?: { readonly bearer?: string | undefined; readonly session?: string | undefined } | undefined;
}

export interface PrivacyOptions {
  /** Asked once, when something is first written: making them out of schemas costs milliseconds. */
  readonly classes: () => FieldClasses;
  /** Values that no text may hold, such as keys in the settings of the service. Asked once, likewise. */
  readonly secrets?: () => readonly string[];
}

/** What tokens tell of a person: https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */
const personalClaims = new Set("name given_name family_name middle_name nickname preferred_username profile picture website email gender birthdate phone_number address upn unique_name".split(" "));
const claims = { of: (name: string) => (personalClaims.has(name) ? ("personal" as const) : undefined) };

export class Privacy {
  readonly #options: PrivacyOptions;
  #classes: FieldClasses | undefined = undefined;
  #secrets: readonly string[] | undefined = undefined;

  constructor(options: PrivacyOptions) {
    this.#options = options;
  }

  /** What is to be hidden in something that is said by, or about, somebody who knows. */
  hidingOf(knower: Knower): Hiding {
    const classes = (this.#classes ??= this.#options.classes());
    const values = new KnownValues();
    this.#secrets ??= this.#options.secrets?.() ?? [];
    for (const secret of this.#secrets) values.add(secret, "secret");
    const { bearer, session } = knower.credentials ?? {};
    if (bearer !== undefined) values.add(bearer, "secret");
    if (session !== undefined) values.add(session, "secret");
    values.gather(knower.caller?.claims, claims);
    // A subject is a pseudonym, and whoever looks after the service needs one; an issuer may use addresses, though.
    if (knower.caller?.subject.includes("@") === true) values.add(knower.caller.subject, "personal");
    if (!classes.isEmpty) for (const value of knower.known) values.gather(value, classes);
    return { classes, mask: values.toMask() };
  }

  /**
   * Takes what is classified out of a failure: out of the messages, stacks and details of it and of all causes behind
   * it. The error stays the same object wherever it can be written to, since whoever catches it may look for it.
   */
  clean<T>(thrown: T, knower: Knower): T {
    return cleaned(thrown, this.hidingOf(knower), 0) as T;
  }
}

/** Where nothing is classified. */
export const noPrivacy: Pick<Privacy, "hidingOf" | "clean"> = Object.freeze({ hidingOf: () => openly, clean: <T>(thrown: T) => thrown });

/** In place of an error that cannot be written to, and says what it may not. */
class HiddenError extends Error {
  override readonly name = "HiddenError";
}

const depthMax = 16;

function cleaned(thrown: unknown, hiding: Hiding, depth: number): unknown {
  if (depth > depthMax) return "[a cause further down than is shown]";
  if (!(thrown instanceof Error)) return thrown === undefined ? undefined : toShown(thrown, hiding);
  try {
    rewrite(thrown, hiding, depth);
    return thrown;
  } catch {
    return new HiddenError(`a ${thrown.name} that cannot be shown, since it cannot be changed`);
  }
}

interface Writable {
  message: string;
  stack?: string;
  cause?: unknown;
  errors?: unknown[];
  details?: readonly FaultDetail[];
  facts?: Readonly<Record<string, string | number>>;
}

function rewrite(error: Writable, hiding: Hiding, depth: number): void {
  const hide = (text: string): string => hiding.mask(withoutJson(text));
  const message = hide(error.message);
  const isChanged = message !== error.message;
  if (isChanged) error.message = message;
  // The stack begins with the message as it was when the error was made. A Fault's is its own, and reading it costs.
  if ((isChanged || !(error instanceof Fault)) && typeof error.stack === "string") {
    const stack = hide(error.stack);
    if (stack !== error.stack) error.stack = stack;
  }
  if (error.cause !== undefined) {
    const cause = cleaned(error.cause, hiding, depth + 1);
    if (cause !== error.cause) error.cause = cause;
  }
  if (error instanceof AggregateError) error.errors = error.errors.map((each) => cleaned(each, hiding, depth + 1));
  if (!(error instanceof Fault)) return;
  const fault = error as Fault & Writable;
  if (fault.details.length > 0) fault.details = fault.details.map((detail) => ({ path: hide(detail.path), message: hide(detail.message) }));
  if (Object.keys(fault.facts).length > 0) fault.facts = Object.fromEntries(Object.entries(fault.facts).map(([name, value]) => [name, typeof value === "string" ? hide(value) : value]));
}
