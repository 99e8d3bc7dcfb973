/**
 * Who may do what in the shop: every operation, on every face that it has, for every kind of caller. What is expected is
 * read from the contracts, by a few lines of its own that know nothing of how the platform decides; how an operation is
 * asked properly stands in `access-cases.ts`, and an operation that is missing there fails.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ContractDescription } from "tenon";
import { post, test as open } from "tenon/test";
import paymentsService from "../payments/service.ts";
import { type AccessCase, alice, bob, cases, olga, openScene, type Scene, type Traces } from "./access-cases.ts";
import { type CallBy, type Face, type Outcome, openHttp, openInside, operations, services, type Who } from "./access-faces.ts";

type Rule = ContractDescription["operations"][number]["access"];

/** Somebody who calls. */
interface Kind {
  readonly name: string;
  readonly by: CallBy;
  /** Whose rows the case names. */
  readonly rowsOf: "alice" | "bob";
  /** Only within the process: no request says which service it comes from. */
  readonly isInside?: true;
}

const editor: Who = { subject: "editor", scopes: ["catalog:write"] };
const exporter: Who = { subject: "exporter", scopes: ["catalog:read"] };

const kinds: readonly Kind[] = [
  { name: "nobody", by: {}, rowsOf: "alice" },
  { name: "a customer", by: { who: alice }, rowsOf: "alice" },
  { name: "another customer", by: { who: bob }, rowsOf: "alice" },
  { name: "an admin", by: { who: olga }, rowsOf: "alice" },
  { name: "a privacy officer", by: { who: { subject: "petra", roles: ["privacy"] } }, rowsOf: "alice" },
  { name: "an editor", by: { who: editor }, rowsOf: "alice" },
  { name: "an exporter", by: { who: exporter }, rowsOf: "alice" },
  { name: "the orders service for a customer", by: { who: alice, from: "orders" }, rowsOf: "alice", isInside: true },
  { name: "the catalog service for a customer", by: { who: alice, from: "catalog" }, rowsOf: "alice", isInside: true },
  ...services.flatMap(({ name, subscriptions, triggers, workflows }) =>
    [...subscriptions.map((each) => each.name), ...triggers.flatMap((each) => (each.kind === "webhook" ? [] : [each.name])), ...workflows.map((each) => each.name)].map(
      (reaction): Kind => ({ name: `system:${name}.${reaction}`, by: { who: `system:${name}.${reaction}`, from: name }, rowsOf: "alice", isInside: true }),
    ),
  ),
];

/** What the rule says of a kind, where the row is Alice's. */
function isAllowed(rule: Rule, { by: { from, who } }: Kind): boolean {
  if (rule === "public") return true;
  if (rule === "signed-in") return who !== undefined;
  if ("allOf" in rule) return rule.allOf.every((part) => isAllowed(part, { by: { from, who } } as Kind));
  if ("anyOf" in rule) return rule.anyOf.some((part) => isAllowed(part, { by: { from, who } } as Kind));
  if ("calledBy" in rule) return from !== undefined && rule.calledBy.includes(from);
  if ("relation" in rule || "predicate" in rule) return who === alice;
  if (typeof who !== "object") return false;
  return "scope" in rule ? who.scopes?.includes(rule.scope) === true : who.roles?.includes(rule.role) === true;
}

/** Answers that say nothing of rights, and something of the machine that the test runs on. */
const busy: ReadonlySet<string> = new Set(["deadline_exceeded", "unavailable", "overloaded"]);

/** Answers that say: not you. A row of somebody else's is not found. */
function isRefusal(code: string, { namesRow }: AccessCase): boolean {
  return code === "unauthenticated" || code === "permission_denied" || (namesRow === true && code === "NotFound");
}

test("every operation has a case, and every case an operation", () => {
  assert.deepEqual(Object.keys(cases).toSorted(), [...operations.keys()].toSorted());
});

test("rights are as they were agreed on, in access.json", async () => {
  const tenon = fileURLToPath(new URL("bin/tenon.js", new URL("../", import.meta.resolve("tenon"))));
  const { stdout } = await promisify(execFile)(process.execPath, [tenon, "access", "--check"], { cwd: fileURLToPath(new URL("../", import.meta.url)) });
  assert.match(stdout, /rights are as in access\.json/);
});

for (const [name, openFace] of [["a call inside of the process", openInside], ["HTTP", openHttp]] as const) {
  describe(`by ${name}`, () => {
    let face: Face;
    let scene: Scene;
    before(async () => {
      face = await openFace();
      scene = await openScene(face);
    });
    after(() => face.close());

    async function send(id: string, by: CallBy, rows: Traces): Promise<Outcome> {
      const { bytes, input } = cases[id] as AccessCase;
      const ask = async (): Promise<Outcome> => face.run(id, await input?.(scene, face, rows), { ...by, bytes });
      const outcome = await ask();
      return busy.has(outcome.code) ? ask() : outcome;
    }

    test("two customers never see each other's rows, and each sees its own", async () => {
      const seen = new Map<string, boolean>();
      for (const [id, { access, kind }] of operations) {
        if (kind !== "query" || access === "public" || !face.reaches(id) || !isAllowed(access, { by: { who: alice } } as Kind)) continue;
        const [hers, his] = [await send(id, { who: alice }, scene.alice), await send(id, { who: bob }, scene.bob)];
        assertNothingOf(scene.bob, hers.value, id);
        assertNothingOf(scene.alice, his.value, id);
        seen.set(id, shows(scene.alice, hers.value) && shows(scene.bob, his.value));
      }
      const own = ["accounts.me", "accounts.receipts", "accounts.get", "orders.cart", "orders.list", "orders.get"];
      assert.deepEqual([...seen].filter(([, isOwn]) => isOwn).map(([id]) => id).toSorted(), own.toSorted(), "the operations whose answers hold rows of a customer");
    });

    for (const [id, { access, kind: operationKind }] of operations) {
      test(`${id} serves who has the right, and refuses everybody else`, async (t) => {
        if (!face.reaches(id)) return t.diagnostic(`${name} does not reach it`);
        const found: Record<string, string> = {};
        const expected: Record<string, string> = {};
        const own = cases[id] as AccessCase;
        // Who is refused comes first: what is asked may change what is there.
        const asked = kinds.filter(({ isInside }) => isInside !== true || name !== "HTTP").toSorted((a, b) => Number(isAllowed(access, a)) - Number(isAllowed(access, b)));
        for (const kind of asked) {
          const { code, value } = await send(id, kind.by, scene[kind.rowsOf]);
          const isOthers = own.namesRow === true && kind.by.who !== alice; // an address is asked for by its owner alone, whatever the rule says
          found[kind.name] = isRefusal(code, own) ? "refused" : code === "ok" || own.alsoServed?.includes(code) === true ? "served" : code;
          expected[kind.name] = isAllowed(access, kind) && !(isOthers && access === "signed-in") ? "served" : "refused";
          if (operationKind === "query" && found[kind.name] === "refused") assertNothingOf(scene.alice, value);
        }
        assert.deepEqual(found, expected);
      });
    }

    test("nothing of what one customer tried on the other's rows has changed them", async () => {
      for (const id of ["orders.cancel", "accounts.updateAddress"]) {
        const input = id === "orders.cancel" ? { id: scene.alice.orderId } : { id: scene.alice.addressId, recipient: "Mallory", street: "1", postalCode: "10115", city: "X", country: "DE" };
        assert.equal((await face.run(id, input, { who: bob })).code, "NotFound");
        assert.equal((await face.run("accounts.removeAddress", { id: scene.alice.addressId }, { who: bob })).code, "NotFound");
      }
      const me = JSON.stringify((await face.run("accounts.me", undefined, { who: alice })).value);
      assert.ok(me.includes(scene.alice.addressId) && !me.includes("Mallory"));
      assert.ok(!JSON.stringify((await face.run("orders.get", { id: scene.alice.orderId }, { who: alice })).value).includes("canceled"));
    });
  });
}

function shows({ marks }: Traces, value: unknown): boolean {
  const text = JSON.stringify(value) ?? "";
  return marks.some((mark) => text.includes(mark));
}

function assertNothingOf({ marks, name }: Traces, value: unknown, id = ""): void {
  const text = JSON.stringify(value) ?? "";
  for (const mark of marks) assert.ok(!text.includes(mark), `${id} shows ${mark} of ${name} to somebody else`);
}

describe("by webhook", () => {
  const env = { PAYMENTS_WEBHOOK_SECRET: "whsec_dGhlLXNlY3JldC1vZi10aGUtdGVzdHMtYWxvbmU=" };
  const body = { type: "charge.captured", data: { id: "ch_1", reference: crypto.randomUUID(), amountCents: 100 } };

  test("whoever has the secret is heard, and nobody else", async () => {
    const paths = services.flatMap(({ triggers }) => triggers.flatMap((each) => (each.kind === "webhook" ? [each.path] : [])));
    assert.deepEqual(paths, ["/webhooks/payments"], "a new webhook needs a case here");
    await using payments = open(paymentsService, { env, as: "anonymous" });
    assert.equal((await post(payments, "/webhooks/payments", { body })).status, 401);
    assert.equal((await post(payments, "/webhooks/payments", { body, secret: `whsec_${Buffer.alloc(32).toString("base64")}` })).status, 401);
    assert.equal((await post(payments, "/webhooks/payments", { body, secret: env.PAYMENTS_WEBHOOK_SECRET })).status, 202);
  });
});
