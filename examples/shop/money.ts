/**
 * Money is whole cents and a currency, never a fraction. The shop sells in one currency; a second one would need a rate
 * at which a mixed cart is added up, which is a decision for people and not for a schema.
 */
import * as z from "zod";

export const Currency = z.literal("EUR");
export type Currency = z.output<typeof Currency>;
export const currency: Currency = "EUR";

/** One million euros: what no cart reaches, and a slip of the keyboard does. */
const centsMax = 100_000_000;

export const Cents = z.int().min(0).max(centsMax);
/** An amount that moves: there is no charge and no refund of nothing. */
export const PositiveCents = z.int().min(1).max(centsMax);

/** Standard shipping, and the goods' total from which on it is free. */
const shippingFlatCents = 490;
const shippingFreeFromCents = 5_000;

/** What shipping costs, in cents. */
export function shippingCentsFor(subtotalCents: number): number {
  return subtotalCents >= shippingFreeFromCents ? 0 : shippingFlatCents;
}
