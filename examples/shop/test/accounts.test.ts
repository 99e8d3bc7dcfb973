/** Accounts: everybody has one, sees it, and sees nobody else's. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { test as open } from "tenon/test";
import { addressesMax } from "../accounts/contract.ts";
import accounts from "../accounts/service.ts";
import { codeOf } from "./fault-code.ts";

const admin = { as: { subject: "olga", roles: ["admin"] } };
const address = { recipient: "Zoe Zeller", street: "1 Mill Lane", postalCode: "10115", city: "Berlin", country: "DE" };

function openAccounts() {
  return open(accounts, { seed: "yes", as: "anonymous" });
}

describe("accounts", () => {
  let service: ReturnType<typeof openAccounts>;
  before(async () => {
    service = openAccounts();
    await service.me(undefined, { as: { subject: "alice" } });
  });
  after(() => service[Symbol.asyncDispose]());

  test("are made by whoever signs in, once, with an address nobody else has", async () => {
    const as = { subject: "zoe" };
    assert.equal(await codeOf(service.me(undefined, { as })), "NoProfile");
    const made = await service.signUp({ name: " Zoe Zeller ", email: "zoe@example.com" }, { as });
    assert.deepEqual([made.id, made.name, made.status, made.addresses], ["zoe", "Zoe Zeller", "active", []]);
    assert.equal(await codeOf(service.signUp({ name: "Zoe", email: "zoe2@example.com" }, { as })), "AlreadySignedUp");
    assert.equal(await codeOf(service.signUp({ name: "Zed", email: "ZOE@example.com" }, { as: { subject: "zed" } })), "EmailTaken");
    assert.equal(await codeOf(service.updateMe({ email: "alice@example.com" }, { as })), "EmailTaken");
    assert.equal((await service.updateMe({ name: "Zoe Z." }, { as })).name, "Zoe Z.");
    assert.equal(await codeOf(service.signUp({ name: "N", email: "n@example.com" })), "unauthenticated");
  });

  test("keep a few addresses, each its owner's alone", async () => {
    const as = { subject: "customer-1" };
    const kept = await service.addAddress(address, { as });
    const others = { as: { subject: "customer-2" } };
    assert.equal(await codeOf(service.updateAddress({ ...address, id: kept.id, city: "Paris" }, others)), "NotFound");
    assert.equal(await codeOf(service.removeAddress({ id: kept.id }, others)), "NotFound");
    assert.equal((await service.updateAddress({ ...address, id: kept.id, city: "Hamburg" }, { as })).city, "Hamburg");
    const { addresses } = await service.me(undefined, { as });
    for (let i = addresses.length; i < addressesMax; i += 1) await service.addAddress(address, { as });
    assert.equal(await codeOf(service.addAddress(address, { as })), "TooManyAddresses");
    await service.removeAddress({ id: kept.id }, { as });
    assert.equal(await codeOf(service.addAddress(address, { as })), "none");
  });

  test("are shown to their owner and to admins", async () => {
    assert.equal((await service.get({ id: "bob" }, { as: { subject: "bob" } })).email, "bob@example.com");
    assert.equal((await service.get({ id: "bob" }, admin)).email, "bob@example.com");
    assert.equal(await codeOf(service.get({ id: "bob" }, { as: { subject: "alice" } })), "permission_denied");
    assert.equal(await codeOf(service.get({ id: "bob" })), "unauthenticated");
    assert.equal(await codeOf(service.get({ id: "no-such" }, admin)), "NotFound");
    assert.equal(await codeOf(service.list({}, { as: { subject: "alice" } })), "permission_denied");
  });

  test("are listed page by page, and found by part of a name", async () => {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await service.list({ limit: 20, ...(cursor === undefined ? {} : { cursor }) }, admin);
      ids.push(...page.items.map((account) => account.id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.length >= 63);
    assert.deepEqual((await service.list({ search: "ice arch" }, admin)).items.map((account) => account.id), ["alice"]);
    assert.deepEqual((await service.list({ search: "100%" }, admin)).items, []);
    assert.equal(await codeOf(service.list({ cursor: "nope" }, admin)), "InvalidCursor");
  });

  test("that are suspended may not buy, until they are reinstated", async () => {
    const orders = { as: { subject: "bob" }, from: "orders" };
    assert.equal((await service.buyer({}, orders)).accountId, "bob");
    await service.suspend({ id: "bob", reason: "a charge-back" }, admin);
    assert.equal(await codeOf(service.buyer({}, orders)), "Suspended");
    await service.reinstate({ id: "bob" }, admin);
    assert.equal(await codeOf(service.buyer({}, orders)), "none");
    assert.equal(await codeOf(service.suspend({ id: "bob", reason: "x" }, { as: { subject: "bob" } })), "permission_denied");
  });
});
