import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Call, type CallStart } from "../../src/calls/index.ts";
import { type AccessRule, anonymous, type Caller, calledBy, contract, type Operation, owner, query, role, scope } from "../../src/contract/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { type AccessAsked, authorize, authorizeCaller, compileAccess, explainAccess, missingFrom } from "../../src/trust/index.ts";

function caller(kind: Caller["kind"], scopes: readonly string[] = [], roles: readonly string[] = []): Caller {
  return { kind, subject: "user-1", issuer: "https://login.example", scopes: new Set(scopes), roles: new Set(roles), claims: {} };
}

const person = caller("person");
const reader = caller("person", ["orders:read"]);
const writer = caller("program", ["orders:read", "orders:write"]);
const admin = caller("person", [], ["admin"]);
const system = caller("system");

/** How an operation with this rule answers: `in`, or the code and message of the refusal. */
function answer(rule: AccessRule, who: Caller | undefined, more: { readonly from?: string; readonly input?: unknown } = {}): string {
  const operation = { ...contract("shop", { act: query({ access: "public" }) }).act, access: rule } as Operation;
  const handler = authorizeCaller().compile(operation, authorize().compile(operation, () => "in"));
  try {
    return String(handler(new Call({ operation, id: "1", startedAtMs: 0, input: more.input, caller: who, from: more.from })));
  } catch (thrown) {
    assert.ok(thrown instanceof Fault, String(thrown));
    return `${thrown.code}: ${thrown.message}`;
  }
}

const signIn = "unauthenticated: shop.act needs a bearer token";
const own = { predicate: "own account", allows: ({ input }: { input: unknown }) => input === "own" } as AccessRule;

describe("authorize", () => {
  const needs = (what: string) => `permission_denied: shop.act needs ${what}`;
  const matrix: readonly [string, AccessRule, Readonly<Record<"nobody" | "person" | "reader" | "writer" | "admin" | "system", string>>][] = [
    ["public", "public", { nobody: "in", person: "in", reader: "in", writer: "in", admin: "in", system: "in" }],
    ["signed-in", "signed-in", { nobody: signIn, person: "in", reader: "in", writer: "in", admin: "in", system: "in" }],
    ["scope", scope("orders:write"), { nobody: signIn, person: needs("the scope orders:write"), reader: needs("the scope orders:write"), writer: "in", admin: needs("the scope orders:write"), system: needs("the scope orders:write") }],
    ["role", role("admin"), { nobody: signIn, person: needs("the role admin"), reader: needs("the role admin"), writer: needs("the role admin"), admin: "in", system: needs("the role admin") }],
    ["calledBy", calledBy("orders"), Object.fromEntries(["nobody", "person", "reader", "writer", "admin", "system"].map((who) => [who, needs("a call from another service")])) as never],
    ["predicate", own, { nobody: signIn, person: needs('"own account"'), reader: needs('"own account"'), writer: needs('"own account"'), admin: needs('"own account"'), system: needs('"own account"') }],
    ["allOf", { allOf: [scope("orders:read"), role("admin")] }, { nobody: signIn, person: needs("the scope orders:read and the role admin"), reader: needs("the role admin"), writer: needs("the role admin"), admin: needs("the scope orders:read"), system: needs("the scope orders:read and the role admin") }],
    ["anyOf", { anyOf: [scope("orders:write"), role("admin")] }, { nobody: signIn, person: needs("the scope orders:write or the role admin"), reader: needs("the scope orders:write or the role admin"), writer: "in", admin: "in", system: needs("the scope orders:write or the role admin") }],
    ["nested", { allOf: ["signed-in", { anyOf: [role("admin"), { allOf: [scope("orders:write"), own] }] }] }, { nobody: signIn, person: needs('the role admin or the scope orders:write'), reader: needs('the role admin or the scope orders:write'), writer: needs('the role admin or "own account"'), admin: "in", system: needs('the role admin or the scope orders:write') }],
  ];
  test("a list of what is missing can be read in one way only", () => {
    const inner: AccessRule = { anyOf: [role("admin"), scope("orders:write")] };
    assert.equal(answer({ allOf: [scope("orders:read"), inner] }, person), needs("the scope orders:read and (the role admin or the scope orders:write)"));
    assert.equal(answer({ anyOf: [{ allOf: [role("clerk"), scope("orders:read")] }, inner] }, person), needs("(the role clerk and the scope orders:read) or (the role admin or the scope orders:write)"));
    assert.equal(answer({ allOf: [scope("orders:read"), { allOf: [role("admin")] }] }, person), needs("the scope orders:read and the role admin"));
  });

  test("a caller without the right is refused before the input is read; only a predicate waits for it", () => {
    const read = (rule: AccessRule, who: Caller): boolean => {
      const operation = { ...contract("shop", { act: query({ access: "public" }) }).act, access: rule } as Operation;
      let isRead = false;
      const handler = authorizeCaller().compile(operation, () => (isRead = true));
      try {
        handler(new Call({ operation, id: "1", startedAtMs: 0, input: undefined, caller: who }));
      } catch (thrown) {
        assert.ok(thrown instanceof Fault);
      }
      return isRead;
    };
    assert.equal(read(scope("orders:write"), person), false);
    assert.equal(read("signed-in", anonymous), false);
    assert.equal(read({ allOf: [role("admin"), own] }, person), false);
    assert.equal(read({ anyOf: [role("admin"), own] }, person), true);
    assert.equal(read(own, anonymous), true);
  });

  for (const [name, rule, expected] of matrix) {
    test(`${name} lets in exactly whom it says, and tells the others what is missing`, () => {
      const found = { nobody: answer(rule, anonymous), person: answer(rule, person), reader: answer(rule, reader), writer: answer(rule, writer), admin: answer(rule, admin), system: answer(rule, system) };
      assert.deepEqual(found, expected);
    });
  }

  test("a call tells what let it in, when it is asked", () => {
    const grantedBy = (rule: AccessRule, who: Caller, more: Partial<CallStart> = {}): string => {
      const operation = { ...contract("shop", { act: query({ access: "public" }) }).act, access: rule } as Operation;
      const call = new Call({ operation, id: "1", startedAtMs: 0, input: undefined, caller: who, ...more });
      authorizeCaller().compile(operation, authorize().compile(operation, () => "in"))(call);
      return call.grantedBy;
    };
    assert.equal(grantedBy("public", anonymous), "public");
    assert.equal(grantedBy({ anyOf: [scope("orders:write"), role("admin")] }, admin), "the role admin");
    assert.equal(grantedBy({ allOf: ["signed-in", scope("orders:read")] }, reader), "signed-in and the scope orders:read");
    assert.equal(grantedBy(own, person, { input: "own" }), "own account");
    assert.equal(grantedBy(calledBy("orders"), person, { from: "orders" }), "the calling service");
    assert.equal(new Call({ operation: contract("shop", { act: query({ access: "public" }) }).act, id: "1", startedAtMs: 0, input: undefined }).grantedBy, "", "nobody has decided");
  });

  test("a probe is let in by the contract that asks for it, and lets in nothing that it calls", () => {
    const operation = { ...contract("shop", { act: query({ access: "public" }) }).act, access: role("admin") } as Operation;
    const handler = authorizeCaller().compile(operation, authorize().compile(operation, () => "in"));
    const probe = new Call({ operation, id: "1", startedAtMs: 0, input: undefined, caller: system, isProbe: true });
    assert.equal(handler(probe), "in");
    assert.equal(probe.grantedBy, "the contract's probe");
    assert.throws(() => handler(new Call({ operation, id: "2", startedAtMs: 0, input: undefined, caller: system, parent: probe, from: "shop" })), { code: "permission_denied" });
  });

  test("an operation that asks for a relation needs rows to look it up in", () => {
    const operation = { ...contract("shop", { act: query({ access: "public" }) }).act, access: owner({ table: "orders", key: "id", subject: "accountId" }) } as Operation;
    assert.throws(() => authorize().compile(operation, () => "in"), /shop\.act asks for a relation, and the service "shop" has no tables/);
  });

  test("a relation is looked up only where it can change the decision, and once", async () => {
    const mine = owner({ table: "orders", key: "id", subject: "accountId" });
    const asked: string[] = [];
    const relations = { compile: () => async (call: Call) => (asked.push(call.id), call.input === "mine") };
    const decide = async (rule: AccessRule, who: Caller, input: string): Promise<string> => {
      const operation = { ...contract("shop", { act: query({ access: "public" }) }).act, access: rule } as Operation;
      const call = new Call({ operation, id: "1", startedAtMs: 0, input, caller: who });
      try {
        return `${String(await authorizeCaller().compile(operation, authorize({ relations }).compile(operation, () => "in"))(call))} by ${call.grantedBy}`;
      } catch (thrown) {
        return (thrown as Fault).code;
      }
    };
    assert.equal(await decide({ anyOf: [role("admin"), mine] }, admin, "others"), "in by the role admin");
    assert.equal(await decide({ allOf: [role("admin"), mine] }, person, "mine"), "permission_denied");
    assert.equal(await decide(mine, anonymous, "mine"), "unauthenticated");
    assert.deepEqual(asked, []);
    assert.equal(await decide({ anyOf: [role("admin"), mine] }, person, "mine"), "in by owner");
    assert.equal(await decide({ anyOf: [role("admin"), mine] }, person, "others"), "not_found");
    assert.equal(asked.length, 2);
  });

  test("a call that nobody has identified is anonymous", () => {
    assert.equal(answer("signed-in", undefined), signIn);
    assert.equal(answer("public", undefined), "in");
    assert.equal(answer(scope("orders:read"), undefined), signIn);
  });

  test("calledBy asks who makes the call, and for whom does not matter, not even for the platform", () => {
    const rule = calledBy("orders", "payments");
    assert.equal(answer(rule, anonymous, { from: "orders" }), "in");
    assert.equal(answer(rule, person, { from: "payments" }), "in");
    assert.equal(answer(rule, system, { from: "catalog" }), needs("a call from another service"));
    assert.equal(answer(rule, admin, { from: "order" }), needs("a call from another service"));
    assert.equal(answer(rule, anonymous), needs("a call from another service"), "403, since signing in would not help");
  });

  test("a call from a service carries its caller's rights and no others", () => {
    assert.equal(answer(scope("orders:write"), reader, { from: "orders" }), needs("the scope orders:write"));
    assert.equal(answer(scope("orders:write"), writer, { from: "orders" }), "in");
    assert.equal(answer({ allOf: [calledBy("orders"), scope("orders:write")] }, writer, { from: "orders" }), "in");
    assert.equal(answer({ allOf: [calledBy("orders"), scope("orders:write")] }, writer), needs("a call from another service"));
    assert.equal(answer({ allOf: [calledBy("orders"), scope("orders:write")] }, anonymous, { from: "orders" }), signIn);
    assert.equal(answer({ anyOf: [calledBy("orders"), scope("orders:write")] }, anonymous), signIn);
  });

  test("a predicate sees caller and input, and its refusal tells nothing of the input", () => {
    const seen: unknown[] = [];
    const rule = { predicate: "own account", allows: (question: unknown) => (seen.push(question), false) } as AccessRule;
    assert.equal(answer(rule, person, { input: { email: "ada@example.com" } }), needs('"own account"'));
    assert.deepEqual(seen[0], { caller: person, input: { email: "ada@example.com" } });
    assert.equal(answer(own, person, { input: "own" }), "in");
    assert.equal(answer(own, anonymous, { input: "own" }), "in", "a predicate may let anybody in");
  });

  test("a predicate that throws, or does not answer yes or no, is a bug and lets nobody in", () => {
    const throwing = { predicate: "broken", allows: () => { throw new TypeError("ada@example.com"); } } as AccessRule;
    const refusing = { predicate: "broken", allows: () => { throw new Fault("not_found", "there is no such order"); } } as AccessRule;
    const answers = [Promise.resolve(true), 1, "yes", {}, undefined, null].map((value) => ({ predicate: "odd", allows: () => value }) as unknown as AccessRule);
    for (const rule of [throwing, refusing, ...answers]) {
      assert.equal(answer(rule, person), "internal: internal error");
      assert.equal(answer({ anyOf: [rule, "signed-in"] }, person), "internal: internal error");
      assert.equal(answer({ anyOf: ["signed-in", rule] }, person), "in", "it is not asked where it cannot change the answer");
      assert.equal(answer({ allOf: [role("admin"), rule] }, person), needs("the role admin"));
    }
  });

  test("a predicate may rely on the parts before it, also when the refusal is explained", () => {
    const relies = { predicate: "own tenant", allows: ({ caller: who }: { caller: Caller }) => (who.claims["tenant"] as { id: string }).id === "t1" } as AccessRule;
    assert.equal(answer({ allOf: ["signed-in", role("admin"), relies] }, anonymous), signIn);
    assert.equal(answer({ allOf: [role("admin"), { anyOf: [scope("orders:write"), relies] }] }, person), needs("the role admin"));
  });

  test("a rule of no known form, or an empty one, is refused when it is compiled", () => {
    for (const rule of [undefined, null, "everybody", {}, { scopes: ["a:b"] }, { allOf: [] }, { anyOf: [] }, { allOf: [{}] }, { anyOf: ["public", "root"] }, 1, true]) {
      assert.throws(() => compileAccess(rule as AccessRule), TypeError, JSON.stringify(rule));
    }
  });

  test("a public operation does not pass through the stage at all", () => {
    const next = () => "in";
    assert.equal(authorize().compile({ access: "public" } as Operation, next), next);
  });
});

describe("explainAccess", () => {
  const leaf: fc.Arbitrary<AccessRule> = fc.oneof(
    fc.constantFrom<AccessRule>("public", "signed-in", role("admin"), role("clerk"), scope("orders:read"), scope("orders:write"), calledBy("orders"), calledBy("payments", "catalog")),
    fc.boolean().map((answers) => ({ predicate: `answers ${answers}`, allows: () => answers })),
  );
  const { rule } = fc.letrec<{ rule: AccessRule }>((tie) => ({
    rule: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.array(tie("rule"), { minLength: 1, maxLength: 4 }).map((allOf) => ({ allOf })),
      fc.array(tie("rule"), { minLength: 1, maxLength: 4 }).map((anyOf) => ({ anyOf })),
    ),
  }));
  const asked: fc.Arbitrary<AccessAsked> = fc.record({
    caller: fc.oneof(
      fc.constant(anonymous),
      fc.record({ kind: fc.constantFrom("person" as const, "program" as const, "system" as const), scopes: fc.subarray(["orders:read", "orders:write"]), roles: fc.subarray(["admin", "clerk"]) })
        .map(({ kind, scopes, roles }) => caller(kind, scopes, roles)),
    ),
    input: fc.constant(undefined),
    from: fc.constantFrom(undefined, "orders", "catalog", "other"),
  });

  test("it agrees with the decision, whatever the rule, and a denial always names something", () => {
    fc.assert(
      fc.property(rule, asked, (each, question) => {
        const isGranted = compileAccess(each)(question);
        const explanation = explainAccess(each, question);
        assert.equal(explanation.outcome, isGranted ? "granted" : "denied");
        assert.equal(missingFrom(explanation) === "", isGranted);
      }),
      { numRuns: 2_000 },
    );
  });

  test("it asks exactly the predicates that the decision asked", () => {
    fc.assert(
      fc.property(rule, asked, (each, question) => {
        const log: string[] = [];
        const logging = withLog(each, log);
        compileAccess(logging)(question);
        const asked1 = log.splice(0);
        explainAccess(logging, question);
        assert.deepEqual(log, asked1);
      }),
      { numRuns: 2_000 },
    );
  });

  test("each part of the rule says what it answered", () => {
    const explanation = explainAccess({ allOf: ["signed-in", scope("orders:write"), own] }, { caller: reader, input: "own" });
    assert.deepEqual(explanation, {
      kind: "allOf",
      name: "",
      outcome: "denied",
      parts: [
        { kind: "signed-in", name: "", outcome: "granted", parts: [] },
        { kind: "scope", name: "orders:write", outcome: "denied", parts: [] },
        { kind: "predicate", name: "own account", outcome: "not asked", parts: [] },
      ],
    });
  });
});

function withLog(rule: AccessRule, log: string[], place = "0"): AccessRule {
  if (typeof rule === "string") return rule;
  if ("predicate" in rule) return { predicate: rule.predicate, allows: (question) => (log.push(place), rule.allows(question)) };
  if ("allOf" in rule) return { allOf: rule.allOf.map((part, i) => withLog(part, log, `${place}.${i}`)) };
  if ("anyOf" in rule) return { anyOf: rule.anyOf.map((part, i) => withLog(part, log, `${place}.${i}`)) };
  return rule;
}
