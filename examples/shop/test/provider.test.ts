/** The payment provider: books that add up, whatever is sent twice, and moods that can be set. */
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { standardWebhook } from "tenon/webhooks";
import { Ledger } from "../provider/ledger.ts";
import { Provider } from "../provider/server.ts";
import type { Delivery } from "../provider/webhooks.ts";

describe("the payment provider", () => {
  let provider: Provider;
  let url: string;
  before(async () => {
    provider = new Provider({ key: "sk_test" });
    url = `http://127.0.0.1:${await provider.listen(0)}`;
  });
  after(() => provider.close());

  async function post(path: string, body: object, key: string = randomUUID(), bearer = "sk_test") {
    const headers = { authorization: `Bearer ${bearer}`, "idempotency-key": key };
    const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  function charge(reference: string, card = "tok_visa", amountCents = 1_000) {
    return { reference, amountCents, currency: "EUR", card };
  }

  test("charges a reference once, and answers a repeated key with its first answer", async () => {
    const reference = randomUUID();
    const first = await post("/v1/charges", charge(reference), "key-1");
    assert.equal(first.status, 201);
    assert.deepEqual(await post("/v1/charges", charge(reference), "key-1"), first);
    assert.deepEqual(await post("/v1/charges", charge(reference, "tok_amex"), "key-1"), { status: 409, body: { error: "key_reused" } });
    assert.deepEqual(await post("/v1/charges", charge(reference), "key-2"), { status: 409, body: { error: "already_charged" } });
    assert.equal(provider.ledger.charges.filter((each) => each.reference === reference).length, 1);
  });

  test("refunds no more than was charged", async () => {
    const { body } = await post("/v1/charges", charge(randomUUID()));
    const refunds = `/v1/charges/${String(body["id"])}/refunds`;
    assert.equal((await post(refunds, { amountCents: 600 })).body["refundedCents"], 600);
    assert.deepEqual((await post(refunds, { amountCents: 401 })).body, { error: "exceeds_charge", remainingCents: 400 });
    assert.equal((await post(refunds, { amountCents: 400 })).body["refundedCents"], 1_000);
    assert.equal((await post("/v1/charges/ch_none/refunds", { amountCents: 1 })).status, 404);
  });

  test("settles a reference: it was charged, or never will be", async () => {
    const [paid, open] = [randomUUID(), randomUUID()];
    const { body } = await post("/v1/charges", charge(paid));
    assert.deepEqual((await post(`/v1/references/${paid}/settle`, {})).body, { charge: body });
    assert.deepEqual((await post(`/v1/references/${open}/settle`, {})).body, { charge: null });
    assert.deepEqual(await post("/v1/charges", charge(open)), { status: 402, body: { error: "order_closed" } });
  });

  test("knows its test cards, its key and its own requests", async () => {
    assert.equal((await post("/v1/charges", charge(randomUUID(), "tok_declined"))).body["error"], "card_declined");
    assert.equal((await post("/v1/charges", charge(randomUUID(), "tok_insufficient_funds"))).body["error"], "insufficient_funds");
    assert.equal((await post("/v1/charges", charge(randomUUID()), "k", "sk_wrong")).status, 401);
    for (const body of [{}, charge("r", "tok_visa", 0), charge("r", "tok_visa", 1.5), []]) assert.equal((await post("/v1/charges", body)).status, 400);
    assert.equal((await post("/v1/charges/x/y/z", {})).status, 400);
  });

  test("is slow, fails and hangs as it is told", async () => {
    const control = (trouble: object) => fetch(`${url}/control`, { method: "PUT", body: JSON.stringify(trouble) });
    await control({ failureRate: 1 });
    assert.equal((await post("/v1/charges", charge("failed"))).status, 500);
    assert.ok(!provider.ledger.charges.some((each) => each.reference === "failed"));
    await control({ lossRate: 1 });
    await assert.rejects(post("/v1/charges", charge("lost")));
    assert.ok(provider.ledger.charges.some((each) => each.reference === "lost"));
    await control({ hang: true });
    await assert.rejects(fetch(`${url}/v1/charges`, { method: "POST", headers: { authorization: "Bearer sk_test", "idempotency-key": "h" }, body: JSON.stringify(charge("hung")), signal: AbortSignal.timeout(100) }));
    assert.ok(provider.ledger.charges.some((each) => each.reference === "hung"));
    await control({});
    assert.equal((await post("/v1/charges", charge(randomUUID()))).status, 201);
  });
});

test("the payment provider signs what it tells, and tells it until somebody listens", async () => {
  const secret = `whsec_${randomBytes(32).toString("base64")}`;
  const signature = standardWebhook({ secret });
  const deliveries: Delivery[] = [];
  const heard = Promise.withResolvers<void>();
  const provider = new Provider({
    key: "sk_test",
    lateMs: 1,
    webhooks: {
      secret,
      async deliver(delivery) {
        deliveries.push(delivery);
        if (deliveries.length === 1) return 503;
        heard.resolve();
        return 202;
      },
    },
  });
  try {
    const url = `http://127.0.0.1:${await provider.listen(0)}`;
    const body = JSON.stringify({ reference: "late", amountCents: 700, currency: "EUR", card: "tok_late" });
    const response = await fetch(`${url}/v1/charges`, { method: "POST", headers: { authorization: "Bearer sk_test", "idempotency-key": "k" }, body });
    assert.equal(response.status, 202);
    await heard.promise;
    assert.equal(new Set(deliveries.map(({ id }) => id)).size, 1);
    for (const { body: sent, headers } of deliveries) {
      const verdict = signature.verify({ header: (name) => headers[name], body: Buffer.from(sent) }, Date.now());
      assert.ok(verdict.ok);
      const told = JSON.parse(sent) as { readonly type: string; readonly data: { readonly reference: string } };
      assert.deepEqual([told.type, told.data.reference], ["charge.captured", "late"]);
    }
    assert.deepEqual(provider.ledger.charges.map(({ reference }) => reference), ["late"]);
  } finally {
    await provider.close();
  }
});

test("a ledger with a file remembers what it was told before, half a line excepted", async () => {
  const directory = await mkdtemp(join(tmpdir(), "ledger-"));
  try {
    const file = join(directory, "ledger.jsonl");
    const before = new Ledger(file);
    const answer = before.once("key", "request", () => before.charge({ reference: "r", amountCents: 5, currency: "EUR", card: "tok_visa" }));
    before.charge({ reference: "late", amountCents: 5, currency: "EUR", card: "tok_late" });
    before.settle("closed");
    await appendFile(file, '{"kind":"charge","cha');
    const after = new Ledger(file);
    assert.deepEqual(after.charges, before.charges);
    assert.deepEqual(after.once("key", "request", () => assert.fail("it was done before")), answer);
    assert.equal(after.charge({ reference: "closed", amountCents: 5, currency: "EUR", card: "tok_visa" }).status, 402);
    const [late = assert.fail("the late charge is forgotten")] = after.processing;
    assert.equal(after.finish(late)?.charge.reference, "late");
    assert.equal(after.finish(late), undefined);
    after.charge({ reference: "later", amountCents: 5, currency: "EUR", card: "tok_visa" });
    assert.deepEqual(new Ledger(file).charges, after.charges);
  } finally {
    await rm(directory, { recursive: true });
  }
});
