import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ContractMistakes } from "../../src/contract/index.ts";
import { hmacSignature, type HmacSignatureOptions, signStandardWebhook, standardWebhook, type WebhookRequest, type WebhookVerdict } from "../../src/events/index.ts";

type Headers = Readonly<Record<string, string>>;

function request(headers: Headers, body: string | Uint8Array): WebhookRequest {
  return { header: (name) => headers[name], body: typeof body === "string" ? new TextEncoder().encode(body) : body };
}

function reasonOf(verdict: WebhookVerdict): string {
  assert.equal(verdict.ok, false);
  return verdict.ok ? "" : verdict.reason;
}

function mistakesOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    assert.ok(error instanceof ContractMistakes);
    return error.message;
  }
  return "";
}

/** One byte of some bytes, changed. */
function changed(bytes: Uint8Array, index: number, by: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[index % bytes.length] = ((copy[index % bytes.length] ?? 0) + by) % 256;
  return copy;
}

const doesNotFit = "no signature fits: the secret is not the sender's, or the body was changed on its way";

describe("a standard webhook", () => {
  // The vector of the specification's own libraries: libraries/javascript/src/webhook.test.ts, "sign function works".
  const secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
  const body = '{"test": 2432232314}';
  const nowMs = 1_614_265_330_000;
  const headers = { "webhook-id": id, "webhook-timestamp": "1614265330", "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" };
  const webhook = standardWebhook({ secret });
  const other = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";

  test("is signed and taken as the published vector has it", () => {
    assert.deepEqual(signStandardWebhook({ id, sentAtMs: nowMs, body, secret }), headers);
    assert.deepEqual(webhook.verify(request(headers, body), nowMs), { ok: true, id, sentAtMs: nowMs });
  });

  test("is taken with whsec_ before the secret and without", () => {
    assert.deepEqual(standardWebhook({ secret: `whsec_${secret}` }).verify(request(headers, body), nowMs), { ok: true, id, sentAtMs: nowMs });
  });

  test("is taken when any of its signatures fits, of whatever version the others are", () => {
    const signature = [other, "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", headers["webhook-signature"], "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="].join(" ");
    assert.equal(webhook.verify(request({ ...headers, "webhook-signature": signature }, body), nowMs).ok, true);
  });

  test("is taken when any of the secrets signed it, as while one is replaced by the next", () => {
    const old = Buffer.alloc(32, 7).toString("base64");
    const both = standardWebhook({ secret: [old, secret] });
    assert.equal(both.verify(request(headers, body), nowMs).ok, true);
    const signedByBoth = signStandardWebhook({ id, sentAtMs: nowMs, body, secret: [old, `whsec_${secret}`] });
    for (const one of [old, secret]) assert.equal(standardWebhook({ secret: one }).verify(request(signedByBoth, body), nowMs).ok, true);
    assert.equal(standardWebhook({ secret: Buffer.alloc(24).toString("base64") }).verify(request(signedByBoth, body), nowMs).ok, false);
  });

  test("is taken five minutes after it was sent and before, to the second, and not later", () => {
    for (const offsetMs of [300_000, 300_999, -300_000]) assert.equal(webhook.verify(request(headers, body), nowMs + offsetMs).ok, true, String(offsetMs));
    assert.equal(reasonOf(webhook.verify(request(headers, body), nowMs + 301_000)), "it was sent 5 minutes ago, more than 5 minutes: an old request sent again, or one of two clocks is wrong");
    assert.equal(reasonOf(webhook.verify(request(headers, body), nowMs + 3 * 86_400_000)), "it was sent 3 days ago, more than 5 minutes: an old request sent again, or one of two clocks is wrong");
    assert.equal(reasonOf(webhook.verify(request(headers, body), nowMs - 7_300_000)), "it was sent 2 hours in the future, more than 5 minutes: one of two clocks is wrong");
    assert.equal(webhook.verify(request(headers, body), Number.NaN).ok, false);
  });

  test("without one of its headers is refused by the header's name", () => {
    for (const name of Object.keys(headers)) {
      const { [name]: _, ...rest } = headers as Headers;
      assert.equal(reasonOf(webhook.verify(request(rest, body), nowMs)), `the header ${name} is missing`);
    }
  });

  test("with headers of another shape is refused, and nothing of them is repeated", () => {
    const time = "its time of sending is missing, or is not in whole seconds since 1970";
    for (const timestamp of ["", "hello", "1614265330.5", "-1614265330", " 1614265330", "1e9", "0x60", "1614265330000000"]) {
      assert.equal(reasonOf(webhook.verify(request({ ...headers, "webhook-timestamp": timestamp }, body), nowMs)), time);
    }
    for (const wrong of ["", "msg.1", "a b", "ü", "x".repeat(257)]) {
      assert.equal(reasonOf(webhook.verify(request({ ...headers, "webhook-id": wrong }, body), nowMs)), "the header webhook-id is not an id of visible characters, without a full stop, up to 256");
    }
    for (const signature of ["", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v2,abc", "V1,abc"]) {
      assert.equal(reasonOf(webhook.verify(request({ ...headers, "webhook-signature": signature }, body), nowMs)), "the header webhook-signature holds no signature of version v1");
    }
    for (const signature of ["v1,", "v1,g0hM9", `${headers["webhook-signature"]}=`, headers["webhook-signature"].slice(0, -1), other]) {
      assert.equal(reasonOf(webhook.verify(request({ ...headers, "webhook-signature": signature }, body), nowMs)), doesNotFit);
    }
  });

  test("cannot be cut anew at its full stops", () => {
    // The same bytes are signed: id `a`, time, body `1.2.x` and id `a.<time>`, time `1`, body `2.x`.
    const signed = signStandardWebhook({ id: "a", sentAtMs: nowMs, body: "1614265330.x", secret });
    assert.equal(webhook.verify(request({ ...signed, "webhook-id": "a.1614265330" }, "x"), nowMs).ok, false);
  });

  test("whatever was signed is taken, and with any one byte changed is refused", () => {
    const key = fc.uint8Array({ minLength: 24, maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString("base64"));
    const change = fc.record({ index: fc.nat(), by: fc.integer({ min: 1, max: 255 }) });
    const ids = fc.stringMatching(/^[\w-]{1,64}$/);
    fc.assert(
      fc.property(key, ids, fc.uint8Array({ minLength: 1, maxLength: 200 }), change, (secret, id, body, { index, by }) => {
        const sentAtMs = nowMs + (index % 1_000);
        const signed: Headers = signStandardWebhook({ id, sentAtMs, body, secret });
        const webhook = standardWebhook({ secret });
        assert.deepEqual(webhook.verify(request(signed, body), nowMs), { ok: true, id, sentAtMs: Math.floor(sentAtMs / 1_000) * 1_000 });
        assert.equal(webhook.verify(request(signed, changed(body, index, by)), nowMs).ok, false);
        assert.equal(webhook.verify(request(signed, body.slice(1)), nowMs).ok, false);
        for (const [name, value] of Object.entries(signed)) {
          const wrong = Buffer.from(changed(Buffer.from(value, "latin1"), index, by)).toString("latin1");
          assert.equal(webhook.verify(request({ ...signed, [name]: wrong }, body), nowMs).ok, false, name);
        }
        const otherSecret = Buffer.from(changed(Buffer.from(secret, "base64"), index, by)).toString("base64");
        assert.equal(standardWebhook({ secret: otherSecret }).verify(request(signed, body), nowMs).ok, false);
      }),
    );
  });

  test("with a secret that is none is a mistake, which does not show the secret", () => {
    const wrong = ["", "whsec_", "tooshort", "not base64 at all, but long enough to be one", `${secret}-_`, "A".repeat(100), undefined as unknown as string];
    for (const one of wrong) {
      const message = mistakesOf(() => standardWebhook({ secret: one }));
      assert.match(message, /secret: it is not base64 of 24 to 64 bytes/);
      if (one !== undefined && one.length > 6) assert.ok(!message.includes(one));
    }
    assert.match(mistakesOf(() => standardWebhook({ secret: [secret, "x"] })), /secret 2 of 2: /);
    assert.match(mistakesOf(() => standardWebhook({ secret: [] })), /secret: there is none/);
    assert.match(mistakesOf(() => signStandardWebhook({ id: "a.b", sentAtMs: -1, body, secret })), /2 mistakes/);
  });
});

describe("a signature by HMAC, as GitHub has it", () => {
  const options: HmacSignatureOptions = {
    header: "X-Hub-Signature-256", prefix: "sha256=", algorithm: "sha256", encoding: "hex", id: "X-GitHub-Delivery", secret: "It's a Secret to Everybody",
  };
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
  const digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  const headers = { "x-hub-signature-256": `sha256=${digest}`, "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958" };
  const github = hmacSignature(options);

  test("is taken as the documented example has it", () => {
    assert.deepEqual(github.verify(request(headers, "Hello, World!"), 0), { ok: true, id: "72d3162e-cc78-11e3-81ab-4c9367dc0958" });
  });

  test("says what is missing", () => {
    assert.equal(reasonOf(github.verify(request({}, "Hello, World!"), 0)), "the header x-hub-signature-256 is missing");
    for (const value of ["", digest, `sha1=${digest}`, "sha256=", `sha256=${digest}0`, `sha256=${digest.slice(1)}g`]) {
      assert.equal(reasonOf(github.verify(request({ ...headers, "x-hub-signature-256": value }, "Hello, World!"), 0)), 'the header x-hub-signature-256 holds no signature after "sha256=" of SHA-256 in hex');
    }
    const { "x-github-delivery": _, ...unnamed } = headers;
    assert.equal(reasonOf(github.verify(request(unnamed, "Hello, World!"), 0)), "the header x-github-delivery, which is to hold the delivery's id, is missing or is not up to 256 visible characters");
  });

  test("with any one byte of the body or digit of the signature changed is refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (body, index, by) => {
        const digest = createHmac("sha256", options.secret as string).update(body).digest("hex");
        const signed = { ...headers, "x-hub-signature-256": `sha256=${digest}` };
        assert.equal(github.verify(request(signed, body), 0).ok, true);
        assert.equal(github.verify(request(signed, changed(body, index, by)), 0).ok, false);
        const at = index % digest.length;
        const otherDigit = ((Number.parseInt(digest[at] ?? "", 16) + 1 + (by % 15)) % 16).toString(16);
        const wrong = digest.slice(0, at) + otherDigit + digest.slice(at + 1);
        assert.equal(github.verify(request({ ...headers, "x-hub-signature-256": `sha256=${wrong}` }, body), 0).ok, false);
        assert.equal(github.verify(request({ ...headers, "x-hub-signature-256": `sha256=${digest.toUpperCase()}` }, body), 0).ok, true);
      }),
    );
  });

  test("may come in base64 and without a prefix, as Shopify has it, and then in one spelling only", () => {
    const shopify = hmacSignature({ header: "x-shopify-hmac-sha256", algorithm: "sha256", encoding: "base64", id: "x-shopify-webhook-id", secret: "shop-secret" });
    const signature = "plW8VGqq0nDMIEhDqaNNW99asdUCy7EIqLZVcQwtAZ0=";
    const verify = (signature: string): boolean => shopify.verify(request({ "x-shopify-hmac-sha256": signature, "x-shopify-webhook-id": "1" }, '{"id":1}'), 0).ok;
    assert.equal(createHmac("sha256", "shop-secret").update('{"id":1}').digest("base64"), signature);
    assert.equal(verify(signature), true);
    assert.equal(verify(signature.replace("Z0=", "Z1=")), false, "other bits that are thrown away when it is read");
    assert.equal(verify(signature.slice(0, -1)), false);
  });
});

describe("a signature by HMAC over time and body", () => {
  const stripeOptions: HmacSignatureOptions = {
    header: "stripe-signature", prefix: "v1=", algorithm: "sha256", encoding: "hex", id: { field: "id" }, secret: "whsec_test",
    timestamp: { header: "stripe-signature", prefix: "t=", signed: "{timestamp}.{body}" },
  };
  const stripe = hmacSignature(stripeOptions);
  const nowMs = 1_700_000_000_000;
  const body = '{"id":"evt_1","object":"event"}';
  const sign = (text: string, secret = "whsec_test"): string => createHmac("sha256", secret).update(text).digest("hex");
  const good = sign(`1700000000.${body}`);

  test("is taken as Stripe writes it: time and signatures in one header, the id in the body", () => {
    const old = sign(`1700000000.${body}`, "whsec_old");
    for (const header of [`t=1700000000,v1=${good}`, `t=1700000000,v1=${old},v1=${good},v0=${old}`, `v1=${good}, t=1700000000`]) {
      assert.deepEqual(stripe.verify(request({ "stripe-signature": header }, body), nowMs), { ok: true, id: "evt_1", sentAtMs: nowMs });
    }
    const rotating = hmacSignature({ ...stripeOptions, secret: ["whsec_new", "whsec_test"] });
    assert.equal(rotating.verify(request({ "stripe-signature": `t=1700000000,v1=${good}` }, body), nowMs).ok, true);
  });

  test("is refused with another time, without one, with two, or too late", () => {
    for (const header of [`t=1700000001,v1=${good}`, `v1=${good}`, `t=1700000000,t=1700000000,v1=${good}`, `t=,v1=${good}`, `t=1700000000,v0=${good}`]) {
      assert.equal(stripe.verify(request({ "stripe-signature": header }, body), nowMs).ok, false, header);
    }
    assert.match(reasonOf(stripe.verify(request({ "stripe-signature": `t=1700000000,v1=${good}` }, body), nowMs + 720_000)), /^it was sent 12 minutes ago/);
  });

  test("is refused when the body does not have the id that it is to have", () => {
    for (const body of ["not json", "[]", "null", '{"id":7}', '{"other":"evt_1"}', '{"id":"a\\u0000b"}', '{"id":""}', '{"__proto__":{"id":"evt_1"}}']) {
      const header = `t=1700000000,v1=${sign(`1700000000.${body}`)}`;
      assert.match(reasonOf(stripe.verify(request({ "stripe-signature": header }, body), nowMs)), /^the field id of the body, which is to hold/);
    }
  });

  test("is taken as Slack's documented example has it", () => {
    // https://docs.slack.dev/authentication/verifying-requests-from-slack
    const slack = hmacSignature({
      header: "x-slack-signature", prefix: "v0=", algorithm: "sha256", encoding: "hex", secret: "8f742231b10e8888abcd99yyyzzz85a5",
      timestamp: { header: "X-Slack-Request-Timestamp", signed: "v0:{timestamp}:{body}" },
    });
    const headers = { "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", "x-slack-request-timestamp": "1531420618" };
    const body =
      "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const verdict = slack.verify(request(headers, body), 1_531_420_618_000);
    assert.equal(verdict.ok, true);
    assert.match(verdict.ok ? verdict.id : "", /^sha256:[0-9a-f]{64}$/);
    assert.equal(slack.verify(request({ ...headers, "x-slack-request-timestamp": "1531420619" }, body), 1_531_420_618_000).ok, false);
  });

  test("without a place for its id has one made of what was signed: equal for a request sent again, else another", () => {
    const { id: _, ...unnamed } = stripeOptions;
    const webhook = hmacSignature(unnamed);
    const idOf = (timestamp: string, body: string): string => {
      const verdict = webhook.verify(request({ "stripe-signature": `t=${timestamp},v1=${sign(`${timestamp}.${body}`)}` }, body), nowMs);
      return verdict.ok ? verdict.id : assert.fail(verdict.reason);
    };
    assert.equal(idOf("1700000000", "ping"), idOf("1700000000", "ping"));
    assert.equal(new Set([idOf("1700000000", "ping"), idOf("1700000001", "ping"), idOf("1700000000", "pong")]).size, 3);
  });

  test("options that are wrong are mistakes, all in one go, and do not show the secret", () => {
    const wrong = { header: " ", prefix: "a,b", algorithm: "md5", encoding: "utf8", secret: ["geheim", ""], timestamp: { header: "t", signed: "{body}.{timestamp}" } };
    const message = mistakesOf(() => hmacSignature(wrong as unknown as HmacSignatureOptions));
    for (const part of ["6 mistakes", "header: ", "prefix: ", 'algorithm: "md5"', 'encoding: "utf8"', "timestamp.signed: ", "secret 2 of 2: "]) assert.ok(message.includes(part), part);
    assert.ok(!message.includes("geheim"));
    assert.match(mistakesOf(() => hmacSignature({ ...stripeOptions, secret: [] })), /secret: there is none/);
    assert.match(mistakesOf(() => hmacSignature({ ...stripeOptions, secret: undefined as unknown as string })), /secret: it is empty/);
  });
});
