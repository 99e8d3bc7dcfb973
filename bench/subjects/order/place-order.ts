/** The work of the `order` scenario, the same for every subject: what differs between them is everything around it. */
import { randomUUID } from "node:crypto";

export interface OrderLine {
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  readonly unitCents: number;
  readonly giftWrap: boolean;
}

export interface NewOrder {
  readonly customerId: string;
  readonly email: string;
  readonly currency: string;
  readonly lines: readonly OrderLine[];
  readonly shippingAddress: {
    readonly name: string;
    readonly street: string;
    readonly city: string;
    readonly postalCode: string;
    readonly country: string;
  };
  readonly billingSameAsShipping: boolean;
  readonly note: string;
  readonly placedAt: string;
  readonly priority: "standard" | "express";
  readonly channel: "web" | "app" | "store";
  readonly couponCode: string;
  readonly tags: readonly string[];
}

export interface PlacedOrder extends NewOrder {
  readonly id: string;
  readonly status: "placed";
  readonly totalCents: number;
}

export function totalCentsOf(order: Pick<NewOrder, "lines">): number {
  let total = 0;
  for (const line of order.lines) total += line.quantity * line.unitCents;
  return total;
}

export function placeOrder<Order extends NewOrder>(order: Order): Order & Pick<PlacedOrder, "id" | "status" | "totalCents"> {
  return { ...order, id: randomUUID(), status: "placed", totalCents: totalCentsOf(order) };
}
