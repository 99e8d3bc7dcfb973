/** The order as JSON Schema, for the peers that take one. It says what `order-contract.ts` says, and the two change together. */

const money = { type: "integer", minimum: 0, maximum: 100_000_000 } as const;
const shortText = { type: "string", minLength: 1, maxLength: 200 } as const;

const line = {
  type: "object",
  additionalProperties: false,
  required: ["sku", "name", "quantity", "unitCents", "giftWrap"],
  properties: {
    sku: { type: "string", minLength: 1, maxLength: 40 },
    name: shortText,
    quantity: { type: "integer", minimum: 1, maximum: 1_000 },
    unitCents: money,
    giftWrap: { type: "boolean" },
  },
} as const;

const shippingAddress = {
  type: "object",
  additionalProperties: false,
  required: ["name", "street", "city", "postalCode", "country"],
  properties: { name: shortText, street: shortText, city: shortText, postalCode: { type: "string", minLength: 2, maxLength: 12 }, country: { type: "string", minLength: 2, maxLength: 2 } },
} as const;

const newOrderFields = {
  customerId: { type: "string", format: "uuid" },
  email: { type: "string", format: "email", maxLength: 254 },
  currency: { type: "string", enum: ["EUR", "USD", "GBP"] },
  lines: { type: "array", minItems: 1, maxItems: 100, items: line },
  shippingAddress,
  billingSameAsShipping: { type: "boolean" },
  note: { type: "string", maxLength: 1_000 },
  placedAt: { type: "string", format: "date-time" },
  priority: { type: "string", enum: ["standard", "express"] },
  channel: { type: "string", enum: ["web", "app", "store"] },
  couponCode: { type: "string", maxLength: 40 },
  tags: { type: "array", maxItems: 20, items: { type: "string", maxLength: 40 } },
} as const;

export const newOrderSchema = {
  type: "object",
  additionalProperties: false,
  required: Object.keys(newOrderFields),
  properties: newOrderFields,
};

export const placedOrderSchema = {
  type: "object",
  additionalProperties: false,
  required: ["id", "status", "totalCents", ...Object.keys(newOrderFields)],
  properties: { id: { type: "string", format: "uuid" }, status: { type: "string", enum: ["placed"] }, totalCents: money, ...newOrderFields },
};
