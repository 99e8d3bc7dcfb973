/**
 * `POST /orders`: twelve fields, five lines, a token per caller. Sixteen different orders are sent in turn, so that no
 * subject can do well by remembering one.
 */
import { isDeepStrictEqual } from "node:util";
import { toRequestBytes } from "../load/http-connection.ts";
import { type NewOrder, type PlacedOrder, totalCentsOf } from "../subjects/order/place-order.ts";
import type { Workload } from "./workload.ts";

const orderCount = 16;
const lineCount = 5;

export const orders: readonly NewOrder[] = Array.from({ length: orderCount }, (_, index) => createOrder(index));
const bodies = orders.map((order) => JSON.stringify(order));

export const order: Workload = {
  name: "order",
  status: 201,

  requests(target, token) {
    const headers = {
      accept: "application/json",
      "content-type": "application/json",
      "user-agent": "bench/1.0",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    return bodies.map((body) => toRequestBytes({ method: "POST", path: "/orders", target, headers, body }));
  },

  problemOf(body, index) {
    const sent = orders[index] as NewOrder;
    const { id, ...rest } = JSON.parse(body) as PlacedOrder;
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return `no id in ${body.slice(0, 200)}`;
    const expected = { ...sent, status: "placed", totalCents: totalCentsOf(sent) };
    return isDeepStrictEqual(rest, expected) ? undefined : `not the order that was sent: ${body}`;
  },
};

/** The same order for the same number, in every process. */
function createOrder(index: number): NewOrder {
  const digits = String(index).padStart(2, "0");
  return {
    customerId: `6f1c2a9e-4b7d-4c${digits}-9a51-0c8f3e7d2b${digits}`,
    email: `customer-${digits}@example.com`,
    currency: index % 3 === 0 ? "USD" : "EUR",
    lines: Array.from({ length: lineCount }, (_, line) => ({
      sku: `SKU-${digits}${line}-${(index * 37 + line * 101) % 997}`,
      name: `Enamel mug, ${["white", "blue", "green", "red", "grey"][line]}, 350 ml`,
      quantity: 1 + ((index + line) % 4),
      unitCents: 1_290 + index * 15 + line * 100,
      giftWrap: line === 2,
    })),
    shippingAddress: {
      name: `Ada Example ${digits}`,
      street: `${10 + index} Harbour Street`,
      city: "Rotterdam",
      postalCode: `30${digits} AB`,
      country: "NL",
    },
    billingSameAsShipping: index % 2 === 0,
    note: "Please ring twice; the dog is friendly. Leave it with the neighbor at number 12 if nobody answers.",
    placedAt: `2026-05-${String(10 + index).padStart(2, "0")}T09:30:00.000Z`,
    priority: index % 5 === 0 ? "express" : "standard",
    channel: "web",
    couponCode: `SPRING${digits}`,
    tags: ["returning", "newsletter"],
  };
}
