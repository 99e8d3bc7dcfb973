/**
 * Orders: the cart, checking out, and what becomes of an order.
 *
 *     pending ─ charged ─► paid ─ ship ─► shipped
 *        │ │                │
 *        │ └──── cancel ────┴─────────► canceled     money and goods go back
 *        └─ declined, out of stock ───► failed       its lines go back into the cart
 *
 * Each arrow is an event of this contract. An order is `pending` while its checkout is under way, for a second or, where
 * the payment provider takes its time, for longer; every pending order comes to an end by itself. Refunds do not change
 * the status: `refundedCents` tells of them.
 */
import { command, contract, event, owner, personal, query, role } from "tenon";
import * as z from "zod";
import { AccountId, AddressFields } from "../accounts/contract.ts";
import { Sku } from "../catalog/contract.ts";
import { Quantity, StockLine } from "../inventory/contract.ts";
import { Cents, Currency, PositiveCents } from "../money.ts";
import { CursorText, invalidCursor, PageSize } from "../page.ts";
import { CardToken, DeclineReason } from "../payments/contract.ts";

/** The most different products in one cart. */
export const cartLinesMax = 50;

export const OrderStatus = z.enum(["pending", "paid", "shipped", "canceled", "failed"]);
export const FailureReason = z.enum([...DeclineReason.options, "out_of_stock", "not_paid"]);

/** Who or what canceled an order: nobody shipped it in time, for instance. */
export const CancelReason = z.enum(["customer", "admin", "not_shipped"]);

/** Where an order goes: a copy of the address, as it was when the order was placed. */
export const ShipTo = personal(AddressFields);

const CartLine = z.object({
  sku: Sku,
  /** `null`, like the prices, when the product is no longer sold. */
  name: z.string().nullable(),
  quantity: Quantity,
  unitPriceCents: Cents.nullable(),
  totalCents: Cents.nullable(),
  /** How many can be ordered now. */
  available: z.int(),
});
export const Cart = z.object({
  lines: z.array(CartLine),
  currency: Currency,
  subtotalCents: Cents,
  shippingCents: Cents,
  totalCents: Cents,
  /** Whether every line can be ordered as it stands. */
  isOrderable: z.boolean(),
});

export const OrderLine = z.object({ sku: Sku, name: z.string(), unitPriceCents: Cents, quantity: Quantity, totalCents: Cents });

export const Order = z.object({
  id: z.uuid(),
  status: OrderStatus,
  lines: z.array(OrderLine),
  currency: Currency,
  subtotalCents: Cents,
  shippingCents: Cents,
  totalCents: Cents,
  refundedCents: Cents,
  /** `null` once the customer was erased. */
  shipTo: ShipTo.nullable(),
  failureReason: FailureReason.nullable(),
  trackingCode: z.string().nullable(),
  placedAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
const Refund = z.object({ id: z.uuid(), amountCents: PositiveCents, reason: z.string(), refundedBy: z.string(), refundedAt: z.iso.datetime() });
/** An order as the shop's people see it. */
export const CustomerOrder = Order.extend({ accountId: AccountId, refunds: z.array(Refund) });

const OrderPage = z.object({
  search: z.string().trim().min(1).max(100).optional(),
  status: OrderStatus.optional(),
  limit: PageSize.default(25),
  cursor: CursorText.optional(),
});
const ById = z.object({ id: z.uuid() });
/** What every event of an order tells. */
const OrderRef = z.object({ orderId: z.uuid(), accountId: AccountId });
const BySku = z.object({ sku: Sku });

const notFound = { status: 404, message: "there is no such order" } as const;
const noProduct = { status: 404, message: "there is no such product on sale" } as const;

/** The order is the caller's own; for everybody else it is not there. */
const theirs = owner({ table: "orders", key: "id", subject: "accountId" });

export const orders = contract(
  "orders",
  {
    cart: query({
      http: "GET /cart",
      summary: "The caller's cart, at today's prices",
      access: "signed-in",
      output: Cart,
      deadline: "3s",
      objective: { availability: 99.9, latency: { p99: "200ms" } },
    }),
    addToCart: command({
      http: "POST /cart/lines",
      summary: "Put more of a product into the cart",
      access: "signed-in",
      input: z.object({ sku: Sku, quantity: Quantity.default(1) }),
      output: z.object({ sku: Sku, quantity: Quantity }),
      errors: { NoProduct: noProduct, TooMany: { status: 422, message: `a cart holds ${cartLinesMax} products, and 999 of each` } },
      deadline: "3s",
    }),
    setInCart: command({
      http: "PUT /cart/lines/{sku}",
      summary: "Set how many of a product are in the cart",
      access: "signed-in",
      input: BySku.extend({ quantity: Quantity }),
      output: z.object({ sku: Sku, quantity: Quantity }),
      errors: { NoProduct: noProduct, TooMany: { status: 422, message: `a cart holds ${cartLinesMax} products` } },
      deadline: "3s",
    }),
    removeFromCart: command({
      http: "DELETE /cart/lines/{sku}",
      summary: "Take a product out of the cart",
      description: "No mistake when it is not in there.",
      access: "signed-in",
      input: BySku,
    }),

    checkout: command({
      http: { route: "POST /orders", status: 202 },
      summary: "Order what is in the cart, and pay for it",
      description:
        "Answers with a `pending` order as soon as it is on record, at the catalog's prices of this moment. What follows goes on by itself, whatever breaks: `GET /orders/{id}` tells when it is `paid`, or `failed` and why. Send an `idempotency-key`: the same request under the same key is the same order, and charged once.",
      access: "signed-in",
      input: z.object({
        /** One of the caller's own; left out: the oldest. */
        addressId: z.uuid().optional(),
        card: CardToken,
      }),
      output: Order,
      errors: {
        CartEmpty: { status: 409, message: "there is nothing in the cart" },
        CartChanged: { status: 409, message: "the cart changed meanwhile: look at it again" },
        NoProduct: { status: 409, message: "a product in the cart is no longer sold", data: BySku },
        OutOfStock: { status: 409, message: "there is not enough of a product", data: z.object({ sku: Sku, available: z.int() }) },
        NoProfile: { status: 409, message: "sign up first: POST /accounts" },
        NoAddress: { status: 422, message: "the account has no such address" },
        Suspended: { status: 403, message: "the account is suspended" },
      },
      deadline: "5s",
      rateLimit: { calls: 60, per: "1m" },
      objective: { availability: 99.9, latency: { p95: "250ms" } },
      priority: "high",
    }),
    list: query({
      http: "GET /orders",
      summary: "The caller's orders, the newest first",
      access: "signed-in",
      input: z.object({ limit: PageSize.default(25), cursor: CursorText.optional() }),
      output: z.object({ items: z.array(Order), nextCursor: z.string().nullable() }),
      errors: { InvalidCursor: invalidCursor },
    }),
    get: query({
      http: "GET /orders/{id}",
      summary: "One of the caller's orders",
      description: "Somebody else's order is not found.",
      access: theirs,
      input: ById,
      output: Order,
      errors: { NotFound: notFound },
      objective: { availability: 99.9, latency: { p99: "100ms" } },
    }),
    cancel: command({
      http: "POST /orders/{id}/cancel",
      summary: "Cancel an order that has not shipped, and get the money back",
      description: "Final at once; the money and the goods follow by themselves. For its owner, and for admins.",
      access: { anyOf: [role("admin"), theirs] },
      input: ById,
      output: Order,
      errors: { NotFound: notFound, NotCancelable: { status: 409, data: z.object({ status: OrderStatus }) } },
    }),

    adminList: query({
      http: "GET /admin/orders",
      summary: "All orders, the newest first",
      description: "`search` is the start of an order's id, or part of an account's.",
      access: role("admin"),
      input: OrderPage,
      output: z.object({ items: z.array(CustomerOrder), nextCursor: z.string().nullable() }),
      errors: { InvalidCursor: invalidCursor },
    }),
    adminGet: query({
      http: "GET /admin/orders/{id}",
      summary: "Any order",
      access: role("admin"),
      input: ById,
      output: CustomerOrder,
      errors: { NotFound: notFound },
    }),
    refund: command({
      http: { route: "POST /admin/orders/{id}/refunds", status: 201 },
      summary: "Give money back for an order",
      access: role("admin"),
      input: ById.extend({
        /** Left out: all that has not been given back. */
        amountCents: PositiveCents.optional(),
        reason: z.string().trim().min(1).max(300),
      }),
      output: CustomerOrder,
      errors: {
        NotFound: notFound,
        NotRefundable: { status: 409, message: "only an order that was paid can be refunded", data: z.object({ status: OrderStatus }) },
        ExceedsPayment: { status: 409, message: "more than is left of the payment", data: z.object({ remainingCents: Cents }) },
      },
      deadline: "10s",
    }),
    ship: command({
      http: "POST /admin/orders/{id}/ship",
      summary: "The parcel has left",
      access: role("admin"),
      input: ById.extend({ trackingCode: z.string().trim().min(1).max(80) }),
      output: CustomerOrder,
      errors: { NotFound: notFound, NotShippable: { status: 409, message: "only an order that is paid, and not refunded, ships", data: z.object({ status: OrderStatus }) } },
    }),

    cartReminders: query({
      http: "GET /admin/cart-reminders",
      summary: "Who was reminded of a cart that they left, the latest first",
      access: role("admin"),
      input: z.object({ limit: PageSize.default(50) }),
      output: z.object({ items: z.array(z.object({ accountId: AccountId, touchedAt: z.iso.datetime(), remindedAt: z.iso.datetime() })) }),
    }),

    cartAbandoned: event({
      description: "Nobody has touched a cart for a while. Told once for a cart as it was left.",
      data: z.object({ accountId: AccountId, lines: z.array(StockLine) }),
      key: "accountId",
    }),
    placed: event({ description: "An order is on record, and its checkout has begun.", data: OrderRef.extend({ totalCents: Cents, currency: Currency }), key: "orderId" }),
    paid: event({
      description: "The money is there and the goods are held: the parcel can be packed.",
      data: OrderRef.extend({ lines: z.array(OrderLine), shippingCents: Cents, totalCents: Cents, currency: Currency }),
      key: "orderId",
    }),
    failed: event({ description: "The order was not paid, and holds nothing any more.", data: OrderRef.extend({ reason: FailureReason }), key: "orderId" }),
    canceled: event({ description: "The order will not ship. Its money and goods are on their way back.", data: OrderRef.extend({ reason: CancelReason }), key: "orderId" }),
    shipped: event({ description: "The parcel has left.", data: OrderRef.extend({ trackingCode: z.string() }), key: "orderId" }),
  },
  { version: "1.0.0", description: "Carts, checkout and orders." },
);
