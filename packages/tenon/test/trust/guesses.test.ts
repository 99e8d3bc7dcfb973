import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Call, type Credentials, type Handler } from "../../src/calls/index.ts";
import { contract, type Operation, query } from "../../src/contract/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { Guesses, identify, slowGuesses, type VerifiedToken } from "../../src/trust/index.ts";
import { ManualClock } from "./manual-clock.ts";

const operation = contract("shop", { act: query({ access: "public" }) }).act as Operation;

function opened(answer: () => unknown = () => "in") {
  const clock = new ManualClock();
  const verifier = {
    async verify(token: string): Promise<VerifiedToken> {
      if (token === "old") throw new Fault("unauthenticated", "the token has expired", { facts: { reason: "expired" } });
      if (!token.startsWith("good")) throw new Fault("unauthenticated", "the token is not valid", { facts: { reason: "signature" } });
      return { claims: { sub: token, iss: "https://login.example" }, expiresAtMs: clock.nowMs() + 3_600_000 };
    },
  };
  const handler: Handler = slowGuesses({ clock }).compile(operation, identify({ verifier, clock, refusedMaxAgeMs: 1 }).compile(operation, answer));
  const sessions = { verify: () => Promise.reject(new Fault("unauthenticated", "the session is over")) };
  const withSessions: Handler = slowGuesses({ clock }).compile(operation, identify({ verifier, sessions, clock, refusedMaxAgeMs: 1 }).compile(operation, answer));
  return {
    clock,
    show: async (credentials: Credentials): Promise<unknown> => {
      try {
        return await withSessions(new Call({ operation, id: "1", startedAtMs: 0, input: undefined, address: "192.0.2.1", credentials }));
      } catch (thrown) {
        return thrown instanceof Fault ? thrown.code : thrown;
      }
    },
    call: async (token: string | undefined, address = "192.0.2.1"): Promise<string> => {
      try {
        return String(await handler(new Call({ operation, id: "1", startedAtMs: 0, input: undefined, address, credentials: token === undefined ? undefined : { bearer: token } })));
      } catch (thrown) {
        assert.ok(thrown instanceof Fault, String(thrown));
        return thrown.code === "rate_limited" ? `later: ${thrown.retryAfterS}` : thrown.code;
      }
    },
  };
}

describe("guessing", () => {
  test("is free ten times, and then takes twice as long each time, up to five minutes", async () => {
    const { call, clock } = opened();
    for (let i = 0; i < 10; i += 1) assert.equal(await call(`bad${i}`), "unauthenticated");
    const waits: number[] = [];
    for (let i = 0; i < 12; i += 1) {
      const waitS = Number(/^later: (\d+)$/.exec(await call("another"))?.[1]);
      waits.push(waitS);
      clock.advance(waitS * 1_000);
      assert.equal(await call(`worse${i}`), "unauthenticated", "one try after each wait");
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    clock.advance(1_000_000);
    for (let i = 0; i < 9; i += 1) assert.equal(await call(`calm${i}`), "unauthenticated", "forgotten after a quarter of an hour of calm");
  });

  test("keeps nobody out who is known, and nobody elsewhere", async () => {
    const { call } = opened();
    assert.equal(await call("good-ada"), "in");
    for (let i = 0; i < 12; i += 1) await call(`bad${i}`);
    assert.match(await call("good-new"), /^later/);
    assert.equal(await call("good-ada"), "in");
    assert.equal(await call(undefined), "in", "who shows nothing guesses nothing");
    assert.equal(await call("good-new", "192.0.2.2"), "in");
  });

  test("keeps nobody out whose first call failed for another reason than its token", async () => {
    let isFirst = true;
    const { call } = opened(() => {
      if (!isFirst) return "in";
      isFirst = false;
      throw new Fault("not_found", "there is none");
    });
    assert.equal(await call("good-ada"), "not_found");
    for (let i = 0; i < 12; i += 1) await call(`bad${i}`);
    assert.equal(await call("good-ada"), "in");
  });

  test("is not made free by showing a guess as a cookie before", async () => {
    const { show } = opened();
    for (let i = 0; i < 40; i += 1) assert.equal(await show({ session: `bad${i}` }), "in", "whose session is over is nobody");
    const answers = [];
    for (let i = 0; i < 40; i += 1) answers.push(await show({ bearer: `bad${i}` }));
    assert.equal(answers.filter((each) => each === "unauthenticated").length, 10);
  });

  test("is not what a client does that goes on with a token that has ended", async () => {
    const { call } = opened();
    for (let i = 0; i < 30; i += 1) assert.equal(await call("old"), "unauthenticated");
    assert.equal(await call("good"), "in");
  });

  test("is counted per /64 in IPv6", async () => {
    const { call } = opened();
    for (let i = 0; i < 12; i += 1) await call(`bad${i}`, `2001:db8::${i + 1}`);
    assert.match(await call("bad", "2001:db8::ffff"), /^later/);
    assert.equal(await call("bad", "2001:db8:0:1::1"), "unauthenticated");
  });

  test("is remembered in bounded memory, and forgotten for an account by a success", () => {
    const guesses = new Guesses({ clock: new ManualClock(), freeFailures: 2, keysMax: 10 });
    for (let i = 0; i < 1_000; i += 1) guesses.failed(`key${i}`);
    guesses.failed("ada");
    guesses.failed("ada");
    assert.equal(guesses.waitMs("ada"), 1_000);
    guesses.succeeded("ada");
    assert.equal(guesses.waitMs("ada"), 0);
  });
});
