import assert from "node:assert/strict";
import { test } from "node:test";
import { IdPattern, isSpiffeId } from "../../src/identity/index.ts";

test("ids of workloads are told from other texts", () => {
  for (const id of ["spiffe://example.org/orders", "spiffe://example.org/ns/shop/sa/orders", "spiffe://a_b-c.d/A.b_c-1"]) assert.ok(isSpiffeId(id), id);
  const bad = [
    "spiffe://example.org", "spiffe://example.org/", "spiffe://Example.org/a", "spiffe://example.org/a/", "spiffe://example.org//a", "spiffe://example.org/a/../b",
    "spiffe://example.org/.", "spiffe://example.org:443/a", "spiffe://user@example.org/a", "spiffe://example.org/a?b", "spiffe://example.org/a#b", "spiffe://example.org/%61",
    "spiffe:///a", "https://example.org/a", " spiffe://example.org/a", "spiffe://example.org/a\n", `spiffe://example.org/${"a".repeat(2_048)}`,
  ];
  for (const id of bad) assert.ok(!isSpiffeId(id), id);
});

test("a pattern says which id belongs to which service, both ways", () => {
  const pattern = new IdPattern("spiffe://example.org/ns/shop/sa/{service}-account");
  assert.equal(pattern.trustDomain, "example.org");
  assert.equal(pattern.idOf("orders"), "spiffe://example.org/ns/shop/sa/orders-account");
  assert.equal(pattern.serviceOf("spiffe://example.org/ns/shop/sa/orders-account"), "orders");
  assert.equal(new IdPattern("spiffe://example.org/shop-{service}").serviceOf("spiffe://example.org/shop-orders"), "orders");
  for (const id of ["spiffe://example.org/ns/shop/sa/orders", "spiffe://example.org/ns/shop/sa/a/b-account", "spiffe://example.org/ns/shop/sa/-account", "spiffe://other.org/ns/shop/sa/orders-account", "spiffe://example.org/ns/shop/sa/Orders-account"]) {
    assert.equal(pattern.serviceOf(id), undefined, id);
  }
});

test("what makes no ids is no pattern", () => {
  for (const text of ["spiffe://example.org/orders", "spiffe://{service}/a", "spiffe://example.org/{service}/{service}", "https://example.org/{service}", "spiffe://example.org/a{service}b/.."]) {
    assert.throws(() => new IdPattern(text), /is no pattern of SPIFFE ids/, text);
  }
});
