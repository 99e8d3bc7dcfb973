/**
 * For each operation of the shop, how it is asked properly by somebody who may: `input` makes what is sent, in a shop where
 * Alice and Bob have an account, an address, something in the cart and an order that is paid.
 */
import { randomUUID } from "node:crypto";
import type { CallBy, Face, Who } from "./access-faces.ts";
import { visa } from "./access-faces.ts";

export const alice: Who = { subject: "access-alice" };
export const bob: Who = { subject: "access-bob" };
export const olga: Who = { subject: "olga", roles: ["admin"] };

/** What a customer left behind, by which it is known wherever it turns up. */
export interface Traces {
  readonly who: Who;
  readonly name: string;
  readonly addressId: string;
  readonly orderId: string;
  readonly marks: readonly string[];
}

export interface Scene {
  readonly alice: Traces;
  readonly bob: Traces;
}

export interface AccessCase {
  /** What Alice, or somebody with the right, sends. Each call of it is good for one call. */
  readonly input?: (scene: Scene, face: Face, who: Traces) => unknown;
  readonly bytes?: Uint8Array;
  /** The rows are the caller's own by what it sends, not only by who it is: Bob sends Alice's, and gets nothing. */
  readonly namesRow?: true;
  /** It can be answered with one of these too: the state of what it is about, which is not what is asked here. */
  readonly alsoServed?: readonly string[];
}

const sku = "SKU-0001";
const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const addressOf = (name: string) => ({ recipient: name, street: `${name} street`, postalCode: "10115", city: "Berlin", country: "DE" });
const product = () => ({ sku: `ACC-${randomUUID().slice(0, 8).toUpperCase()}`, name: "Teapot", description: "", category: "coffee-tea", priceCents: 1_000 });

export const cases: Readonly<Record<string, AccessCase>> = {
  "accounts.signUp": { input: () => ({ name: "Somebody", email: `${randomUUID()}@example.com` }), alsoServed: ["AlreadySignedUp"] },
  "accounts.me": { alsoServed: ["NoProfile"] },
  "accounts.updateMe": { input: () => ({}), alsoServed: ["NoProfile"] },
  "accounts.addAddress": { input: () => addressOf("Somebody"), alsoServed: ["NoProfile", "TooManyAddresses"] },
  "accounts.updateAddress": { input: (_scene, _face, { addressId, name }) => ({ id: addressId, ...addressOf(name) }), namesRow: true, alsoServed: ["NotFound"] },
  "accounts.removeAddress": { input: () => ({ id: randomUUID() }), alsoServed: ["NotFound"] },
  "accounts.receipts": { input: () => ({}) },
  "accounts.get": { input: (_scene, _face, { who }) => ({ id: who.subject }), namesRow: true },
  "accounts.list": { input: () => ({ search: "Access" }) },
  "accounts.suspend": { input: () => ({ id: "customer-7", reason: "a test" }) },
  "accounts.reinstate": { input: () => ({ id: "customer-7" }) },
  "accounts.buyer": { input: () => ({}), alsoServed: ["NoProfile"] },
  "catalog.search": { input: () => ({}) },
  "catalog.get": { input: () => ({ sku }) },
  "catalog.categories": {},
  "catalog.image": { input: () => ({ sku }), alsoServed: ["NotFound"] },
  "catalog.create": { input: product },
  "catalog.update": { input: () => ({ sku, description: "Better" }) },
  "catalog.archive": { input: () => ({ sku: "SKU-0100" }) },
  "catalog.uploadImage": { input: () => ({ sku }), bytes: png },
  "catalog.exportProducts": {},
  "catalog.quote": { input: () => ({ skus: [sku] }) },
  "inventory.availability": { input: () => ({ sku: [sku] }) },
  "inventory.reserve": { input: () => ({ orderId: randomUUID(), lines: [{ sku, quantity: 1 }] }) },
  "inventory.release": { input: () => ({ orderId: randomUUID() }) },
  "inventory.get": { input: () => ({ sku }) },
  "inventory.low": { input: () => ({}) },
  "inventory.adjust": { input: () => ({ sku, delta: 1, reason: "a delivery" }) },
  "inventory.movements": { input: () => ({ sku }) },
  "orders.cart": {},
  "orders.addToCart": { input: () => ({ sku, quantity: 1 }) },
  "orders.setInCart": { input: () => ({ sku, quantity: 1 }) },
  "orders.removeFromCart": { input: () => ({ sku: "SKU-0002" }) },
  "orders.checkout": { input: () => ({ card: visa }), alsoServed: ["CartEmpty", "NoProfile"] },
  "orders.list": { input: () => ({}) },
  "orders.get": { input: (_scene, _face, { orderId }) => ({ id: orderId }), namesRow: true },
  "orders.cancel": { input: async (_scene, face, { who }) => ({ id: await placeOrder(face, who) }), namesRow: true, alsoServed: ["NotCancelable"] },
  "orders.adminList": { input: () => ({}) },
  "orders.adminGet": { input: (_scene, _face, { orderId }) => ({ id: orderId }) },
  "orders.refund": { input: (_scene, _face, { orderId }) => ({ id: orderId, amountCents: 1, reason: "a scratch" }) },
  "orders.ship": { input: (_scene, _face, { orderId }) => ({ id: orderId, trackingCode: "T1" }), alsoServed: ["NotShippable"] },
  "orders.cartReminders": { input: () => ({}) },
  "payments.charge": { input: () => ({ orderId: randomUUID(), amountCents: 1_000, currency: "EUR", card: visa }) },
  "payments.refund": { input: (_scene, _face, { orderId }) => ({ orderId, amountCents: 1, reason: "a scratch" }) },
  "payments.settle": { input: () => ({ orderId: randomUUID() }) },
  "payments.reverse": { input: () => ({ orderId: randomUUID(), reason: "nobody knows" }) },
  "payments.get": { input: (_scene, _face, { orderId }) => ({ orderId }) },
  "subjects.export": { input: () => ({ subject: randomUUID() }) },
  "subjects.erase": { input: () => ({ subject: randomUUID() }) },
  "subjects.restrict": { input: () => ({ subject: randomUUID() }) },
  "subjects.unrestrict": { input: () => ({ subject: randomUUID() }) },
  "subjects.hold": { input: () => ({ subject: randomUUID(), reason: "a test" }) },
  "subjects.release": { input: () => ({ subject: randomUUID() }) },
  "subjects.request": { input: () => ({ id: randomUUID() }), alsoServed: ["NotFound"] },
};

/** Sets the scene by calls alone. */
export async function openScene(face: Face): Promise<Scene> {
  return { alice: await customer(face, alice, "Access Alice"), bob: await customer(face, bob, "Access Bob") };
}

async function customer(face: Face, who: Who, name: string): Promise<Traces> {
  await must(face, "accounts.signUp", { name, email: `${who.subject}@example.com` }, { who });
  const { id: addressId } = await must(face, "accounts.addAddress", addressOf(name), { who });
  const orderId = await placeOrder(face, who);
  for (let waited = 0; waited < 100; waited += 1) {
    await face.settle();
    const { status } = await must(face, "orders.get", { id: orderId }, { who });
    const { items } = await must(face, "accounts.receipts", {}, { who });
    if (status === "paid" && (items as readonly unknown[]).length > 0) break;
  }
  await must(face, "orders.addToCart", { sku: who === alice ? "SKU-0011" : "SKU-0022", quantity: 1 }, { who });
  return { who, name, addressId: String(addressId), orderId, marks: [name, `${who.subject}@example.com`, String(addressId), orderId, who === alice ? "SKU-0011" : "SKU-0022"] };
}

async function placeOrder(face: Face, who: Who): Promise<string> {
  await must(face, "orders.addToCart", { sku, quantity: 1 }, { who });
  const { id } = await must(face, "orders.checkout", { card: visa }, { who });
  return String(id);
}

async function must(face: Face, id: string, input: unknown, by: CallBy): Promise<Readonly<Record<string, unknown>>> {
  const { code, value } = await face.run(id, input, by);
  if (code !== "ok") throw new TypeError(`${id} answered ${code}: ${String(value)}`);
  return (typeof value === "string" ? JSON.parse(value) : value) as Readonly<Record<string, unknown>>;
}
