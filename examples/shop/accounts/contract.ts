/** Accounts: who the customers are, where they live, and whether they may buy. */
import { calledBy, command, contract, personal, query, role } from "tenon";
import * as z from "zod";
import { Sku } from "../catalog/contract.ts";
import { Cents, Currency } from "../money.ts";
import { CursorText, invalidCursor, PageSize } from "../page.ts";

/** The `sub` of the customer's token: whoever signs in is the account. */
export const AccountId = z.string().min(1).max(255);

const PersonName = personal(z.string().trim().min(1).max(120));
const Email = personal(z.email().max(254));

export const AddressFields = z.object({
  recipient: PersonName,
  street: personal(z.string().trim().min(1).max(160)),
  postalCode: personal(z.string().trim().min(2).max(16)),
  city: personal(z.string().trim().min(1).max(80)),
  /** ISO 3166-1 alpha-2. */
  country: z.string().regex(/^[A-Z]{2}$/),
});
export const Address = AddressFields.extend({ id: z.uuid() });

export const AccountStatus = z.enum(["active", "suspended"]);

export const Account = z.object({
  id: AccountId,
  name: PersonName,
  email: Email,
  status: AccountStatus,
  createdAt: z.iso.datetime(),
});
export const Profile = Account.extend({ addresses: z.array(Address) });

/** What was paid, as it was paid: it stays what it is, whatever becomes of the order. */
export const Receipt = z.object({
  orderId: z.uuid(),
  lines: z.array(z.object({ sku: Sku, name: z.string(), quantity: z.int(), totalCents: Cents })),
  shippingCents: Cents,
  totalCents: Cents,
  currency: Currency,
  paidAt: z.iso.datetime(),
});

/** The most addresses that one account keeps. */
export const addressesMax = 10;

const noProfile = { status: 404, message: "sign up first: POST /accounts" } as const;
const ById = z.object({ id: AccountId });

export const accounts = contract(
  "accounts",
  {
    signUp: command({
      http: { route: "POST /accounts", status: 201 },
      summary: "Create the caller's own account",
      access: "signed-in",
      input: z.object({ name: PersonName, email: Email }),
      output: Profile,
      errors: {
        AlreadySignedUp: { status: 409, message: "this caller has an account" },
        EmailTaken: { status: 409, message: "another account has this e-mail address" },
      },
      rateLimit: { calls: 20, per: "1m" },
    }),
    me: query({
      http: "GET /me",
      summary: "The caller's own account",
      access: "signed-in",
      output: Profile,
      errors: { NoProfile: noProfile },
      objective: { availability: 99.9, latency: { p99: "100ms" } },
    }),
    updateMe: command({
      http: "PATCH /me",
      summary: "Change the caller's name or e-mail address",
      access: "signed-in",
      input: z.object({ name: PersonName.optional(), email: Email.optional() }),
      output: Profile,
      errors: { NoProfile: noProfile, EmailTaken: { status: 409, message: "another account has this e-mail address" } },
    }),
    addAddress: command({
      http: { route: "POST /me/addresses", status: 201 },
      summary: "Add an address to ship to",
      access: "signed-in",
      input: AddressFields,
      output: Address,
      errors: { NoProfile: noProfile, TooManyAddresses: { status: 422, message: `${addressesMax} addresses are enough: remove one first` } },
    }),
    updateAddress: command({
      http: "PUT /me/addresses/{id}",
      summary: "Replace an address",
      description: "Orders keep the address that they were placed with.",
      access: "signed-in",
      input: AddressFields.extend({ id: z.uuid() }),
      output: Address,
      errors: { NotFound: { status: 404 } },
    }),
    removeAddress: command({
      http: "DELETE /me/addresses/{id}",
      summary: "Remove an address",
      access: "signed-in",
      input: z.object({ id: z.uuid() }),
      errors: { NotFound: { status: 404 } },
    }),

    receipts: query({
      http: "GET /me/receipts",
      summary: "The caller's receipts, the newest first",
      description: "One for each order that was paid, a moment after it was.",
      access: "signed-in",
      input: z.object({ limit: PageSize.default(25), cursor: CursorText.optional() }),
      output: z.object({ items: z.array(Receipt), nextCursor: z.string().nullable() }),
      errors: { InvalidCursor: invalidCursor },
    }),

    get: query({
      http: "GET /accounts/{id}",
      summary: "One account, for its owner and for admins",
      input: ById,
      access: { anyOf: [role("admin"), { allOf: ["signed-in", { predicate: "own account", allows: ({ caller, input }) => caller.subject === input.id }] }] },
      output: Profile,
      errors: { NotFound: { status: 404 } },
    }),
    list: query({
      http: "GET /accounts",
      summary: "Accounts, the newest first",
      access: role("admin"),
      input: z.object({
        /** Part of a name or of an e-mail address. */
        search: z.string().trim().min(1).max(100).optional(),
        status: AccountStatus.optional(),
        limit: PageSize.default(25),
        cursor: CursorText.optional(),
      }),
      output: z.object({ items: z.array(Account), nextCursor: z.string().nullable() }),
      errors: { InvalidCursor: invalidCursor },
    }),
    suspend: command({
      http: "POST /accounts/{id}/suspend",
      summary: "Keep an account from buying",
      access: role("admin"),
      input: ById.extend({ reason: z.string().trim().min(1).max(300) }),
      output: Account,
      errors: { NotFound: { status: 404 } },
    }),
    reinstate: command({
      http: "POST /accounts/{id}/reinstate",
      summary: "Let a suspended account buy again",
      access: role("admin"),
      input: ById,
      output: Account,
      errors: { NotFound: { status: 404 } },
    }),

    buyer: query({
      summary: "The caller as a buyer: may it buy, and where does it go?",
      access: calledBy("orders"),
      input: z.object({
        /** Left out: the account's oldest address. */
        addressId: z.uuid().optional(),
      }),
      output: z.object({ accountId: AccountId, address: Address }),
      errors: {
        NoProfile: noProfile,
        NoAddress: { status: 422, message: "the account has no such address" },
        Suspended: { status: 403, message: "the account is suspended" },
      },
      deadline: "2s",
    }),
  },
  { version: "1.0.0", description: "Customers, their addresses, and whether they may buy." },
);
