/**
 * The payment provider's books: charges by reference, refunds, and the first answer to every idempotency key.
 *
 *     processing ─► captured      the money has moved; most charges begin here
 *          └──────► declined      it never will
 *
 * A reference is charged at most once. `settle` closes a reference that was not charged, or not yet: whoever asked knows
 * from then on that no money will move, even if a charge is still on its way.
 *
 * In memory; a ledger with a file also writes each entry to it, one JSON value a line, and starts with what it finds.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, truncateSync } from "node:fs";

export interface Charge {
  readonly id: string;
  readonly status: "processing" | "captured" | "declined";
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

/** Cards whose charges take a while, and how those end. */
const lateCards: Readonly<Record<string, LateEnd>> = {
  tok_late: { status: "captured" },
  tok_late_declined: { status: "declined", reason: "insufficient_funds" },
};

/** How a charge that takes a while will end. */
export interface LateEnd {
  readonly status: "captured" | "declined";
  readonly reason?: string;
}

type Entry =
  | { readonly kind: "charge"; readonly charge: Charge; readonly end?: LateEnd | undefined }
  | { readonly kind: "closed"; readonly reference: string }
  | { readonly kind: "answer"; readonly key: string; readonly request: string; readonly answer: Answer };

export class Ledger {
  readonly #charges = new Map<string, Charge>();
  /** Of charges that are processing, by id. */
  readonly #lateEnds = new Map<string, LateEnd>();
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

  /** Those that moved money. */
  get charges(): readonly Charge[] {
    return [...this.#charges.values()].filter(({ status }) => status === "captured");
  }

  /** Ids of the charges that have not ended. */
  get processing(): readonly string[] {
    return [...this.#lateEnds.keys()];
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
    const end = lateCards[card];
    const charge = { id: newId("ch"), status: end === undefined ? "captured" : "processing", reference, amountCents, currency, refundedCents: 0 } as const;
    this.#write({ kind: "charge", charge, end });
    return { status: end === undefined ? 201 : 202, body: { ...charge } };
  }

  /** Ends a charge that took a while. `undefined` when it has ended already. */
  finish(chargeId: string): { readonly charge: Charge; readonly end: LateEnd } | undefined {
    const charge = this.#charges.get(chargeId);
    const end = this.#lateEnds.get(chargeId);
    if (charge === undefined || end === undefined) return undefined;
    const after = { ...charge, status: end.status };
    this.#write({ kind: "charge", charge: after });
    return { charge: after, end };
  }

  refund(chargeId: string, amountCents: number): Answer {
    const charge = this.#charges.get(chargeId);
    if (charge?.status !== "captured") return { status: 404, body: { error: "no_such_charge" } };
    const remainingCents = charge.amountCents - charge.refundedCents;
    if (amountCents > remainingCents) return { status: 409, body: { error: "exceeds_charge", remainingCents } };
    const after = { ...charge, refundedCents: charge.refundedCents + amountCents };
    this.#write({ kind: "charge", charge: after });
    return { status: 201, body: { id: newId("re"), reference: charge.reference, amountCents, refundedCents: after.refundedCents } };
  }

  settle(reference: string): Answer {
    const charge = this.#charges.get(this.#chargeIdByReference.get(reference) ?? "");
    if (charge?.status === "captured") return { status: 200, body: { charge } };
    if (charge?.status === "processing") this.#write({ kind: "charge", charge: { ...charge, status: "declined" } });
    this.#write({ kind: "closed", reference });
    return { status: 200, body: { charge: null } };
  }

  #write(entry: Entry): void {
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify(entry)}\n`);
    this.#apply(entry);
  }

  #apply(entry: Entry): void {
    if (entry.kind === "closed") this.#closed.add(entry.reference);
    else if (entry.kind === "answer") this.#answers.set(entry.key, { request: entry.request, answer: entry.answer });
    else {
      // Files from before charges could take a while do not say how they stand: they had all moved money.
      this.#charges.set(entry.charge.id, { ...entry.charge, status: entry.charge.status ?? "captured" });
      if (entry.end === undefined) this.#lateEnds.delete(entry.charge.id);
      else this.#lateEnds.set(entry.charge.id, entry.end);
      this.#chargeIdByReference.set(entry.charge.reference, entry.charge.id);
    }
  }
}

function newId(kind: string): string {
  return `${kind}_${randomBytes(12).toString("base64url")}`;
}
