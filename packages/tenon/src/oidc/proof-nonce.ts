/**
 * Nonces that a client has to put into its DPoP proofs, so that no proof can be made ahead of its time (RFC 9449
 * section 8). They are made out of the clock and a secret that all instances share, so none of them is stored.
 */
import { createHmac } from "node:crypto";
import type { Clock } from "../kernel/index.ts";
import { isSameText } from "./same-text.ts";

/** A new nonce comes as often. */
const periodMs = 60_000;
/** How many periods a nonce is good for, the one in which it was made included. */
const periodsMax = 5;

export class ProofNonces {
  readonly #secret: string;
  readonly #clock: Clock;

  constructor(secret: string, clock: Clock) {
    this.#secret = secret;
    this.#clock = clock;
  }

  get current(): string {
    return this.#of(this.#period);
  }

  accepts(nonce: unknown): boolean {
    const period = typeof nonce === "string" ? Number.parseInt(nonce.split(".", 1)[0] ?? "", 36) : Number.NaN;
    const age = this.#period - period;
    return age >= 0 && age < periodsMax && isSameText(String(nonce), this.#of(period));
  }

  get #period(): number {
    return Math.floor(this.#clock.nowMs() / periodMs);
  }

  #of(period: number): string {
    const text = period.toString(36);
    return `${text}.${createHmac("sha256", this.#secret).update(`dpop nonce ${text}`).digest("base64url")}`;
  }
}
