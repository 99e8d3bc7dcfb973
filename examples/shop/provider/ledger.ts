/**
 * The payment provider's books: charges by reference, refunds, and the first answer to every idempotency key.
 *
 * A reference is charged at most once. `settle` closes a reference that was not charged: whoever asked knows from then
 * on that no money will move, even if a charge is still on its way.
 *
 * In memory; a ledger with a file also writes each entry to it, one JSON value a line, and starts with what it finds.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, truncateSync } from "node:fs";

export interface Charge {
  readonly id: string;
  readonly reference: string;
  readonly amountCents: number;
  readonly currency: string;
  readonly refundedCents: number;
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a card token means, as far as it is not "yes". Every other `tok_…` is a card that always pays. */
const declines: Readonly<Record<string, string>> = {
  tok_declined: "card_declined",
  tok_insufficient_funds: "insufficient_funds",
};

type Entry =
  | { readonly kind: "charge"; readonly charge: Charge }
  | { readonly kind: "closed"; readonly reference: string }
  | { readonly kind: "answer"; readonly key: string; readonly request: string; readonly answer: Answer };

export class Ledger {
  readonly #charges = new Map<string, Charge>();
  readonly #chargeIdByReference = new Map<string, string>();
  readonly #closed = new Set<string>();
  readonly #answers = new Map<string, { readonly request: string; readonly answer: Answer }>();
  readonly #file: string | undefined;

  constructor(file?: string) {
    if (file !== undefined && existsSync(file)) {
      const lines = readFileSync(file, "utf8").split("\n");
      const torn = lines.pop(); // a process that was killed while it wrote leaves half a line, and nobody was told of what it says
      for (const line of lines) this.#apply(JSON.parse(line) as Entry);
      if (torn !== undefined && torn !== "") truncateSync(file, Buffer.byteLength(lines.map((line) => `${line}\n`).join("")));
    }
    this.#file = file;
  }

  get charges(): readonly Charge[] {
    return [...this.#charges.values()];
  }

  /** Does something once per key: a key that is known gets its first answer, if it asks the same. */
  once(key: string, request: string, work: () => Answer): Answer {
    const known = this.#answers.get(key);
    if (known !== undefined) return known.request === request ? known.answer : { status: 409, body: { error: "key_reused" } };
    const answer = work();
    this.#write({ kind: "answer", key, request, answer });
    return answer;
  }

  charge(request: { readonly reference: string; readonly amountCents: number; readonly currency: string; readonly card: string }): Answer {
    const { card, reference, amountCents, currency } = request;
    if (this.#closed.has(reference)) return { status: 402, body: { error: "order_closed" } };
    if (this.#chargeIdByReference.has(reference)) return { status: 409, body: { error: "already_charged" } };
    const decline = declines[card];
    if (decline !== undefined) return { status: 402, body: { error: decline } };
    const charge = { id: newId("ch"), reference, amountCents, currency, refundedCents: 0 };
    this.#write({ kind: "charge", charge });
    return { status: 201, body: { ...charge } };
  }

  refund(chargeId: string, amountCents: number): Answer {
    const charge = this.#charges.get(chargeId);
    if (charge === undefined) return { status: 404, body: { error: "no_such_charge" } };
    const remainingCents = charge.amountCents - charge.refundedCents;
    if (amountCents > remainingCents) return { status: 409, body: { error: "exceeds_charge", remainingCents } };
    const after = { ...charge, refundedCents: charge.refundedCents + amountCents };
    this.#write({ kind: "charge", charge: after });
    return { status: 201, body: { id: newId("re"), amountCents, refundedCents: after.refundedCents } };
  }

  settle(reference: string): Answer {
    const charge = this.#charges.get(this.#chargeIdByReference.get(reference) ?? "");
    if (charge === undefined) this.#write({ kind: "closed", reference });
    return { status: 200, body: { charge: charge ?? null } };
  }

  #write(entry: Entry): void {
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify(entry)}\n`);
    this.#apply(entry);
  }

  #apply(entry: Entry): void {
    if (entry.kind === "closed") this.#closed.add(entry.reference);
    else if (entry.kind === "answer") this.#answers.set(entry.key, { request: entry.request, answer: entry.answer });
    else {
      this.#charges.set(entry.charge.id, entry.charge);
      this.#chargeIdByReference.set(entry.charge.reference, entry.charge.id);
    }
  }
}

function newId(kind: string): string {
  return `${kind}_${randomBytes(12).toString("base64url")}`;
}
