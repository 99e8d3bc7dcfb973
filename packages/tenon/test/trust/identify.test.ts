import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { boundTokenOf, Call, type CallStart, Directory, keepBoundToken } from "../../src/calls/index.ts";
import { anonymous, type Caller, contract, type Operation, query } from "../../src/contract/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { type DevelopmentIssuer, openDevelopmentIssuer } from "../../src/oidc/index.ts";
import { identify, type IdentifyOptions, systemCaller, toCaller, type TokenVerifier, type VerifiedToken, VerifiedTokens } from "../../src/trust/index.ts";
import { ManualClock } from "./manual-clock.ts";

const { open, signedIn } = contract("shop", { open: query({ access: "public" }), signedIn: query({ access: "signed-in" }) });

describe("identify", () => {
  let directory: string;
  let issuer: DevelopmentIssuer;
  let verified: number;
  let genuine: TokenVerifier;
  const clock = new ManualClock();

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-identify-"));
    issuer = await openDevelopmentIssuer({ directory, clock });
  });
  after(() => rm(directory, { recursive: true }));
  beforeEach(() => {
    verified = 0;
    genuine = {
      verify(token) {
        verified += 1;
        return issuer.verifier.verify(token);
      },
    };
  });

  function start(more: Partial<CallStart>): Call {
    return new Call({ operation: signedIn, id: "1", startedAtMs: 0, input: undefined, ...more });
  }

  function stageOf(more: Partial<IdentifyOptions> = {}, operation = signedIn as Operation) {
    const handler = identify({ verifier: genuine, clock, ...more }).compile(operation, (call) => call.caller);
    return (bearer: string | undefined) => handler(start({ credentials: { bearer } }));
  }

  test("who shows nothing is anonymous, at once", () => {
    assert.equal(stageOf()(undefined), anonymous);
    assert.equal(identify({ verifier: genuine, clock }).compile(open as Operation, (call) => call.caller)(start({})), anonymous);
  });

  test("a caller that is known already is taken as it is, whatever else was shown", () => {
    const known = toCaller({ iss: "inside", sub: "user-9" });
    const handler = identify({ verifier: genuine, clock }).compile(signedIn, (call) => call.caller);
    assert.equal(handler(start({ caller: known, credentials: { bearer: "x" } })), known);
    assert.equal(verified, 0);
  });

  test("a genuine token makes a caller, the same for every call, and costs no promise the second time", async () => {
    const show = stageOf();
    const token = await issuer.sign({ subject: "user-1", scopes: ["orders:read"], roles: ["admin"] });
    const first = await show(token);
    const second = show(token);
    assert.ok(!(second instanceof Promise));
    assert.equal(second, first);
    assert.equal(verified, 1);
    const { kind, subject, issuer: from, scopes, roles } = second as typeof anonymous;
    assert.deepEqual({ kind, subject, from, scopes: [...scopes], roles: [...roles] }, { kind: "person", subject: "user-1", from: "urn:tenon:development", scopes: ["orders:read"], roles: ["admin"] });
  });

  test("a token is refused at the instant of its expiry, also when it is known", async () => {
    const show = stageOf();
    const token = await issuer.sign({ subject: "user-1", expiresInS: 60 });
    const atMs = clock.nowMs();
    await show(token);
    clock.set(atMs + 59_999);
    assert.ok(show(token));
    clock.set(atMs + 60_000);
    assert.throws(() => show(token), { code: "unauthenticated", message: "the token has expired" });
    assert.equal(verified, 1);
  });

  test("a token that expires while it is verified is refused", async () => {
    const slow: TokenVerifier = {
      async verify(token) {
        const result = await issuer.verifier.verify(token);
        clock.set(result.expiresAtMs);
        return result;
      },
    };
    const show = stageOf({ verifier: slow });
    await assert.rejects(async () => show(await issuer.sign({ subject: "user-1", expiresInS: 60 })), { message: "the token has expired" });
  });

  test("a token is looked at again after a while, and refused when the issuer took its key back", async () => {
    let isWithdrawn = false;
    const verifier: TokenVerifier = {
      async verify(token) {
        if (isWithdrawn) throw new Fault("unauthenticated", "the token is not valid");
        return issuer.verifier.verify(token);
      },
    };
    const show = stageOf({ verifier, cacheMaxAgeMs: 300_000 });
    const token = await issuer.sign({ subject: "user-1" });
    await show(token);
    isWithdrawn = true;
    clock.advance(299_999);
    assert.ok(show(token));
    clock.advance(1);
    await assert.rejects(async () => show(token), { code: "unauthenticated" });
    assert.throws(() => show(token), { code: "unauthenticated" }, "and is not known as genuine any more");
  });

  test("calls that show one token at the same time wait for one verification", async () => {
    const show = stageOf();
    const token = await issuer.sign({ subject: "user-1" });
    const callers = await Promise.all(Array.from({ length: 50 }, () => show(token)));
    assert.equal(new Set(callers).size, 1);
    assert.equal(verified, 1);
  });

  test("a bad token is refused on public operations too", async () => {
    const show = stageOf({}, open);
    await assert.rejects(async () => show("x.y.z"), { code: "unauthenticated", message: "the token is not valid" });
    await assert.rejects(async () => show(""), { code: "unauthenticated" }, "an empty token is a bad one");
  });

  test("a flood of one bad token costs one verification in ten seconds, and each call gets a Fault of its own", async () => {
    const show = stageOf();
    const faults = new Set<unknown>();
    for (let i = 0; i < 100; i += 1) await Promise.resolve().then(() => show("x.y.z")).catch((thrown: unknown) => faults.add(thrown));
    assert.equal(verified, 1);
    assert.equal(faults.size, 100);
    for (const fault of faults) assert.ok(fault instanceof Fault && fault.facts["reason"] !== undefined);
    clock.advance(10_000);
    await assert.rejects(async () => show("x.y.z"), { code: "unauthenticated" });
    assert.equal(verified, 2);
  });

  test("an issuer that is out of reach is asked again by the next call", async () => {
    let isDown = true;
    const verifier: TokenVerifier = {
      async verify(token) {
        if (isDown) throw new Fault("unavailable", "out of reach", { retryAfterS: 2 });
        return issuer.verifier.verify(token);
      },
    };
    const show = stageOf({ verifier });
    const token = await issuer.sign({ subject: "user-1" });
    await assert.rejects(async () => show(token), { code: "unavailable", retryAfterS: 2 });
    isDown = false;
    assert.ok(await show(token));
  });

  test("a bug in a verifier is a bug, and nobody gets in by it", async () => {
    const verifier: TokenVerifier = { verify: () => Promise.reject(new TypeError("a bug")) };
    const show = stageOf({ verifier });
    await assert.rejects(async () => show("x"), TypeError);
    const nobody: TokenVerifier = { verify: () => Promise.resolve({ claims: {}, expiresAtMs: Number.NaN }) };
    await assert.rejects(async () => stageOf({ verifier: nobody })("x"), { code: "unauthenticated" });
    const never: TokenVerifier = { verify: () => Promise.resolve({ claims: { sub: "a", iss: "b" }, expiresAtMs: Number.NaN }) };
    await assert.rejects(async () => stageOf({ verifier: never })("x"), { code: "unauthenticated" });
  });

  test("a huge token is refused unread", () => {
    assert.throws(() => stageOf()("a".repeat(8_193)), { code: "unauthenticated", message: "the token is not valid" });
    assert.equal(verified, 0);
  });

  test("an app without an issuer refuses whoever shows a token", () => {
    const show = stageOf({ verifier: undefined });
    assert.equal(show(undefined), anonymous);
    assert.throws(() => show("x"), { code: "unauthenticated", message: "no tokens are accepted here" });
  });

  test("a flood of distinct tokens, bad ones and good ones, keeps memory bounded", async () => {
    const tokens = new VerifiedTokens({ verifier: issuer.verifier, clock, genuineMax: 20, maxAgeMs: 300_000, refusedMax: 10, refusedMaxAgeMs: 10_000, underwayMax: 5 });
    for (let i = 0; i < 500; i += 1) await assert.rejects(tokens.verify(`bad.${i}.x`), { code: "unauthenticated" });
    assert.ok(tokens.size <= 10, `${tokens.size}`);
    for (let i = 0; i < 100; i += 1) await tokens.verify(await issuer.sign({ subject: `user-${i}` }));
    assert.ok(tokens.size <= 30, `${tokens.size}`);
    const flood = Array.from({ length: 20 }, (_, i) => tokens.verify(`flood.${i}.x`));
    assert.ok(tokens.size <= 35, `${tokens.size}`);
    const codes = (await Promise.allSettled(flood)).map((outcome) => (outcome.status === "rejected" ? (outcome.reason as Fault).code : "in"));
    assert.deepEqual([...new Set(codes)].sort(), ["overloaded", "unauthenticated"]);
    assert.equal(codes.filter((code) => code === "unauthenticated").length, 5);
    assert.ok(await tokens.verify(await issuer.sign({ subject: "user-1" })), "and it goes on afterwards");
  });

  test("a token that is used stays known while a flood passes", async () => {
    const show = stageOf({ cacheMax: 100 });
    const token = await issuer.sign({ subject: "user-1" });
    await show(token);
    for (let i = 0; i < 500; i += 1) {
      await Promise.resolve().then(() => show(`bad.${i}.x`)).catch(() => undefined);
      if (i % 50 === 0) assert.ok(!(show(token) instanceof Promise));
    }
  });

  test("a verification that never ends is one place of the bound, and nothing else waits for it", async () => {
    const hanging: TokenVerifier = { verify: (token) => (token === "hangs" ? new Promise<VerifiedToken>(() => undefined) : issuer.verifier.verify(token)) };
    const show = stageOf({ verifier: hanging });
    void show("hangs");
    assert.ok(await show(await issuer.sign({ subject: "user-1" })));
  });

  describe("where proof is asked for", () => {
    const bound = contract("bank", { pay: query({ access: "signed-in", senderConstrained: true }) }).pay as Operation;
    const claims = { iss: "https://issuer.example", sub: "user-1" };
    const verifierOf = (more: object): TokenVerifier => ({ verify: async () => ({ claims: { ...claims, ...more }, expiresAtMs: Number.MAX_SAFE_INTEGER }) });

    function show(options: Partial<IdentifyOptions>, { operation = signedIn, ...more }: Partial<CallStart> & { readonly operation?: Operation }): { readonly call: Call; readonly answer: Promise<unknown> } {
      const call = start({ operation, credentials: { bearer: "token" }, ...more });
      const handler = identify({ clock, ...options }).compile(operation, (each) => each.caller?.subject);
      return { call, answer: Promise.resolve().then(() => handler(call)) };
    }

    test("a token that is bound to a key, and one where an operation asks for that, has to be proven; else nobody has called", async () => {
      const asked: unknown[] = [];
      const yes = { verify: async (...given: unknown[]) => void asked.push(given) };
      const no = { verify: () => Promise.reject(new Fault("unauthenticated", "no")) };
      const cnf = { jkt: "thumbprint" };
      assert.equal(await show({ verifier: verifierOf({ cnf }), possession: yes }, {}).answer, "user-1");
      assert.deepEqual(asked, [[cnf, { token: "token", scheme: "Bearer", evidence: undefined }]]);
      for (const options of [{ possession: no }, {}]) {
        const { answer, call } = show({ verifier: verifierOf({ cnf }), ...options }, {});
        await assert.rejects(answer, { code: "unauthenticated" });
        assert.equal(call.caller, undefined, "neither the log nor the audit names the owner of a stolen token");
      }
      await assert.rejects(show({ verifier: verifierOf({}), possession: no }, { operation: bound }).answer, { message: "no" });
      await assert.rejects(show({ verifier: verifierOf({}), possession: no }, { credentials: { bearer: "token", scheme: "DPoP" } }).answer, { message: "no" });
      assert.equal(await show({ verifier: verifierOf({}), possession: no }, {}).answer, "user-1", "a plain token, where a plain one is enough");
    });

    test("a token that is bound in a way that nobody knows is refused", async () => {
      for (const cnf of [{}, null, "x", [], { jwk: {} }, { jkt: 1 }]) {
        await assert.rejects(show({ verifier: verifierOf({ cnf }), possession: { verify: async () => undefined } }, {}).answer, { code: "unauthenticated", facts: { reason: "unknown_confirmation" } });
      }
    });

    describe("of a call that another service makes", () => {
      const cnf = { jkt: "thumbprint" };
      const person = (more: object = {}): Caller => ({ ...toCaller({ ...claims, team: "made up" }), ...more });
      function ask(caller: Caller | undefined, options: Partial<IdentifyOptions> = { verifier: verifierOf({ cnf, scope: "pay", roles: ["clerk"], team: "red" }) }): Promise<Caller | undefined> {
        const handler = identify({ clock, ...options }).compile(bound, (each) => each.caller);
        return Promise.resolve().then(() => handler(start({ operation: bound, caller, from: "orders" })) as Caller | undefined);
      }
      function traveled(caller: Caller, isProven = false): Caller {
        keepBoundToken(caller, { token: "token", isProven });
        return caller;
      }

      test("a caller of whom no bound token has come along is refused, and so is nobody", async () => {
        for (const caller of [person(), anonymous]) await assert.rejects(ask(caller), { code: "unauthenticated", facts: { reason: "not_bound" } });
      });

      test("one whose proof was seen in this process passes, also as a service that acts for it sees it", async () => {
        const caller = traveled(person(), true);
        assert.equal(await ask(caller, {}), caller);
        const acting = new Directory().callerFor(caller, "orders", bound);
        assert.notEqual(acting, caller);
        assert.equal(await ask(acting, {}), acting);
      });

      test("one that came from another process passes by the token that came along, and is what that says", async () => {
        const passed = await ask(traveled(person({ scopes: new Set(["pay"]), actors: ["orders"] })));
        assert.deepEqual([passed?.subject, passed?.claims["team"], [...(passed?.scopes ?? [])], passed?.roles.size, passed?.actors], ["user-1", "red", ["pay"], 0, ["orders"]]);
        assert.equal(boundTokenOf(passed as Caller)?.token, "token", "and it goes on with it");
      });

      test("a token that came along and is another's, bound to nothing, too narrow or not genuine is refused", async () => {
        const genuineOnly = { verify: () => Promise.reject(new Fault("unauthenticated", "the token has expired")) };
        const cases: readonly (readonly [Caller, Partial<IdentifyOptions>])[] = [
          [person({ subject: "user-2" }), { verifier: verifierOf({ cnf }) }],
          [person({ issuer: "https://other.example" }), { verifier: verifierOf({ cnf }) }],
          [person(), { verifier: verifierOf({}) }],
          [person(), { verifier: verifierOf({ cnf: {} }) }],
          [person({ scopes: new Set(["pay"]) }), { verifier: verifierOf({ cnf, scope: "look" }) }],
          [person({ roles: new Set(["admin"]) }), { verifier: verifierOf({ cnf, roles: ["clerk"] }) }],
          [person(), { verifier: genuineOnly }],
          [person(), {}],
        ];
        for (const [caller, options] of cases) await assert.rejects(ask(traveled(caller), options), { code: "unauthenticated" });
        const long = person();
        keepBoundToken(long, { token: "x".repeat(10_000), isProven: false });
        await assert.rejects(ask(long), { code: "unauthenticated" });
      });

      test("what acts by itself has shown nothing, and passes", async () => {
        const acting = systemCaller("orders", "nightly");
        assert.equal(await ask(acting), acting);
      });
    });

    test("a proof is asked for at every call, though the token is known", async () => {
      let proofs = 0;
      const possession = { verify: async () => void (proofs += 1) };
      const handler = identify({ clock, verifier: verifierOf({ cnf: { jkt: "x" } }), possession }).compile(signedIn, (call) => call.caller?.subject);
      for (let call = 0; call < 3; call += 1) assert.equal(await handler(start({ credentials: { bearer: "token" } })), "user-1");
      assert.equal(proofs, 3);
    });
  });

  test("what is forgotten while it is being verified stays forgotten", async () => {
    const verification = Promise.withResolvers<VerifiedToken>();
    const tokens = new VerifiedTokens({ verifier: { verify: () => verification.promise }, clock, genuineMax: 10, maxAgeMs: 5_000, refusedMax: 10, refusedMaxAgeMs: 5_000, underwayMax: 10 });
    const verifying = tokens.verify("cookie");
    tokens.forget("cookie"); // somebody signs out meanwhile
    verification.resolve({ claims: { iss: "inside", sub: "user-1" }, expiresAtMs: clock.nowMs() + 60_000 });
    assert.equal((await verifying).subject, "user-1", "that call came before");
    assert.equal(tokens.recall("cookie"), undefined);
    assert.equal(tokens.size, 0);
  });
});
