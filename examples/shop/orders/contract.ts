/**
 * Orders: the cart, checking out, and what becomes of an order.
 *
 *     pending ─ charged ─► paid ─ ship ─► shipped
 *        │                  │
 *        │                  └─ cancel, money and stock go back ─► canceled
 *        └─ declined, or out of stock ─► failed
 *
 * An order is `pending` while its payment is under way, and stays so when the provider's answer is lost. `settle` finds
 * out, and moves it to `paid` or `failed`. Refunds do not change the status: `refundedCents` tells of them.
 */
import { calledBy, command, contract, personal, query, role } from "tenon";
import * as z from "zod";
import { AccountId, AddressFields } from "../accounts/contract.ts";
import { Sku } from "../catalog/contract.ts";
import { Quantity } from "../inventory/contract.ts";
import { Cents, Currency, PositiveCents } from "../money.ts";
import { CursorText, invalidCursor, PageSize } from "../page.ts";
import { CardToken, DeclineReason } from "../payments/contract.ts";

/** The most different products in one cart. */
export const cartLinesMax = 50;

export const OrderStatus = z.enum(["pending", "paid", "shipped", "canceled", "failed"]);
export const FailureReason = z.enum([...DeclineReason.options, "out_of_stock", "not_paid"]);

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
  shipTo: ShipTo,
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
const BySku = z.object({ sku: Sku });

const notFound = { status: 404, message: "there is no such order" } as const;
const paymentPending = { status: 409, message: "whether this order was paid is not known yet: settle it first", data: z.object({ orderId: z.uuid() }) } as const;
const noProduct = { status: 404, message: "there is no such product on sale" } as const;

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
      http: { route: "POST /orders", status: 201 },
      summary: "Order what is in the cart, and pay for it",
      description:
        "Takes the goods at the catalog's prices of this moment. Send an `idempotency-key`: after `unavailable` or `deadline_exceeded` the same request under the same key goes on where the first one stopped, and charges once.",
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
        PaymentDeclined: { status: 402, message: "the card was declined", data: z.object({ reason: DeclineReason, orderId: z.uuid() }) },
        PaymentPending: paymentPending,
        NoProfile: { status: 409, message: "sign up first: POST /accounts" },
        NoAddress: { status: 422, message: "the account has no such address" },
        Suspended: { status: 403, message: "the account is suspended" },
      },
      deadline: "10s",
      rateLimit: { calls: 60, per: "1m" },
      objective: { availability: 99.5, latency: { p95: "1500ms" } },
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
      access: "signed-in",
      input: ById,
      output: Order,
      errors: { NotFound: notFound },
      objective: { availability: 99.9, latency: { p99: "100ms" } },
    }),
    cancel: command({
      http: "POST /orders/{id}/cancel",
      summary: "Cancel an order that has not shipped, and get the money back",
      description: "For its owner, and for admins.",
      access: "signed-in",
      input: ById,
      output: Order,
      errors: { NotFound: notFound, PaymentPending: paymentPending, NotCancelable: { status: 409, data: z.object({ status: OrderStatus }) } },
      deadline: "10s",
    }),
    settle: command({
      http: "POST /orders/{id}/settle",
      summary: "Find out whether a pending order was paid",
      description: "Afterwards it is paid or failed; a failed order's goods are back in the cart. For its owner, and for admins.",
      access: "signed-in",
      input: ById,
      output: Order,
      errors: { NotFound: notFound },
      deadline: "10s",
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

    open: command({
      summary: "A step of checkout: the lines move from the cart into a pending order",
      description: "On its own, so that the order is on record before any money moves.",
      access: calledBy("orders"),
      input: ById.extend({ lines: z.array(OrderLine).min(1).max(cartLinesMax), shipTo: ShipTo }),
      output: Order,
      errors: { CartChanged: { status: 409 } },
      deadline: "2s",
    }),
    abandon: command({
      summary: "A step of checkout: a pending order fails, its lines move back into the cart",
      access: calledBy("orders"),
      input: ById.extend({ reason: FailureReason }),
      deadline: "2s",
    }),
  },
  { version: "1.0.0", description: "Carts, checkout and orders." },
);
