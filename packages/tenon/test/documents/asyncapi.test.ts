/** The AsyncAPI document: that others can read it, and that it says what the contracts say and what an envelope is. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe as suite, test } from "node:test";
import { Ajv, type AnySchemaObject } from "ajv";
import * as z from "zod";
import { contract, describe, event, type JsonSchema, resolvePointer } from "../../src/contract/index.ts";
import { toCloudEvent } from "../../src/events/index.ts";
import { type AsyncApiDocument, toAsyncApi } from "../../src/documents/index.ts";
import { eventShowcase, subscriptions } from "./showcase-contracts.ts";

const info = { title: "The shop", version: "1.4.0" };
const document = toAsyncApi(eventShowcase, { ...info, subscriptions });

const officialSchema = createRequire(import.meta.url)("@asyncapi/specs/schemas/3.0.0-without-$id.json") as AnySchemaObject;
const validateOfficially = new Ajv({ strict: false, validateFormats: false }).compile(officialSchema);

/** What is wrong with a document: by the official schema, and references that lead nowhere. */
function problemsOf(whole: unknown): readonly string[] {
  const isValid = validateOfficially(whole);
  const problems = isValid ? [] : (validateOfficially.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  const references = [...JSON.stringify(whole).matchAll(/"\$ref":"#([^"]*)"/g)].map(([, pointer = ""]) => pointer);
  return [...problems, ...references.filter((pointer) => resolvePointer(whole, pointer) === undefined).map((pointer) => `nothing at ${pointer}`)];
}

function changed(change: (copy: Record<string, Record<string, Record<string, unknown>>>) => void): unknown {
  const copy = structuredClone(document) as unknown as Record<string, Record<string, Record<string, unknown>>>;
  change(copy);
  return copy;
}

function at(pointer: string, whole: AsyncApiDocument = document): Record<string, unknown> {
  const found = resolvePointer(whole, pointer);
  assert.ok(typeof found === "object" && found !== null, `nothing at ${pointer}`);
  return found as Record<string, unknown>;
}

suite("the document of events is valid", () => {
  test("to the official schema of AsyncAPI 3.0.0, and every reference leads somewhere", () => {
    assert.deepEqual(problemsOf(document), []);
  });

  test("with brokers, without events, and without subscriptions", () => {
    const servers = { production: { host: "nats.example.com:4222", protocol: "nats", description: "Behind the firewall" } };
    const served = toAsyncApi(eventShowcase, { ...info, subscriptions: [], servers });
    assert.deepEqual(problemsOf(served), []);
    assert.deepEqual(served.servers, servers);
    assert.ok(!("servers" in document), "no broker is named that was not given");
    const empty = toAsyncApi([], { ...info, subscriptions: [] });
    assert.deepEqual(problemsOf(empty), []);
    assert.deepEqual([empty.channels, empty.operations, empty.info.tags], [{}, {}, []]);
  });

  test("and mistakes that are planted in it are found", () => {
    const planted: Readonly<Record<string, unknown>> = {
      "another version": changed((copy) => Object.assign(copy, { asyncapi: "2.6.0" })),
      "no title": changed((copy) => delete copy["info"]?.["title"]),
      "an action that does not exist": changed((copy) => Object.assign(copy["operations"]?.["orders.placed.emit"] ?? {}, { action: "publish" })),
      "an operation without a channel": changed((copy) => delete copy["operations"]?.["orders.placed.emit"]?.["channel"]),
      "a channel with a word of version 2": changed((copy) => Object.assign(copy["channels"]?.["orders.placed"] ?? {}, { subscribe: {} })),
      "an address that is no text": changed((copy) => Object.assign(copy["channels"]?.["orders.placed"] ?? {}, { address: 5 })),
      "a type that does not exist": JSON.parse(JSON.stringify(document).replace('"type":"integer"', '"type":"int"')),
      "a correlation that leads nowhere": JSON.parse(JSON.stringify(document).replace("$message.payload#", "$payload#")),
      "a reference that leads nowhere": JSON.parse(JSON.stringify(document).replaceAll("#/components/schemas/Money", "#/components/schemas/Nothing")),
    };
    for (const [mistake, whole] of Object.entries(planted)) assert.notDeepEqual(problemsOf(whole), [], mistake);
  });
});

suite("the document of events is the same each time", () => {
  // A difference here is a difference for everybody who reads it: look at it, and then run with --test-update-snapshots.
  test("as it was looked at", (t) => {
    t.assert.snapshot(document);
  });

  test("byte for byte, as plain data", () => {
    assert.equal(JSON.stringify(toAsyncApi(eventShowcase, { ...info, subscriptions })), JSON.stringify(document));
    assert.deepEqual(JSON.parse(JSON.stringify(document)), document);
  });
});

suite("an event", () => {
  test("has a channel by its type, one that emits, and all that subscribe", () => {
    assert.equal(at("/channels/orders.placed")["address"], "orders.placed");
    const uses = Object.entries(document.operations).filter(([, each]) => (each["channel"] as { $ref: string }).$ref === "#/channels/orders.placed");
    assert.deepEqual(uses.map(([id, { action }]) => [id, action]), [["orders.placed.emit", "send"], ["parcels.pack", "receive"], ["ledger.book-sale", "receive"]]);
    assert.deepEqual(document.info.tags.map(({ name }) => name), ["orders", "ledger", "parcels"], "catalog has nothing to do with events");
  });

  test("of another app is a channel that somebody listens to, and no more is known", () => {
    assert.equal(at("/channels/billing.captured")["description"], "Emitted by another app.");
    assert.deepEqual(at("/components/messages/billing.captured")["payload"], { $ref: "#/components/schemas/CloudEvent" });
    assert.ok(!("billing.captured.emit" in document.operations));
  });

  test("says its version, the older ones that can be read, and its key", () => {
    const message = at("/components/messages/parcels.handedOver");
    assert.deepEqual([message["x-tenon-version"], message["x-tenon-upcasts-from"], message["x-tenon-key"]], [3, [2], "parcelId"]);
    assert.match(String(message["description"]), /\n\nEvents of one `parcelId` are in order\.$/);
    const { properties } = (at("/components/schemas/ParcelsHandedOverEvent")["allOf"] as { properties: Record<string, object> }[])[1] ?? { properties: {} };
    assert.deepEqual(properties["dataversion"], { type: "integer", const: 3 });
    assert.deepEqual(at("/components/messages/orders.placed")["x-tenon-version"], 1);
    assert.ok(!("x-tenon-key" in at("/components/messages/parcels.shelved")));
  });

  test("that is deprecated says so, since when, until when, and what to use", () => {
    const message = at("/components/messages/parcels.lost");
    assert.equal(message["description"], "Deprecated since version 2.0.0. It may be gone after 2027-01-31. Use parcels.delivered instead.");
    assert.deepEqual(message["x-tenon-deprecated"], { since: "2.0.0", sunset: "2027-01-31", use: "parcels.delivered" });
    assert.equal(at("/components/schemas/ParcelsLostEvent")["deprecated"], true);
  });

  test("keeps the data classes of its fields", () => {
    assert.equal(at("/components/schemas/Order/properties/email")["x-data-class"], "personal");
    assert.equal(at("/components/schemas/ParcelsHandedOverData/properties/to")["x-data-class"], "personal");
    assert.match(JSON.stringify(at("/components/schemas/ParcelsDeliveredData/properties/signature")), /"x-data-class":"sensitive"/);
  });

  test("has data under a name of its own, though another event has the same", () => {
    const Id = z.object({ id: z.uuid() });
    const twins = toAsyncApi([describe(contract("a", { made: event({ data: Id }), gone: event({ data: Id }) }))], { ...info, subscriptions: [] });
    assert.deepEqual(Object.keys(at("/components/schemas", twins)), ["AGoneData", "AGoneEvent", "AMadeData", "AMadeEvent", "CloudEvent"]);
    assert.deepEqual(problemsOf(twins), []);
  });

  test("may have data that contains itself, or that is called like an envelope", () => {
    const Node = z.object({ name: z.string(), get next() { return Node.optional(); } });
    const Envelope = z.object({ id: z.string() }).meta({ id: "CloudEvent" });
    const odd = toAsyncApi([describe(contract("a", { linked: event({ data: Node }), wrapped: event({ data: Envelope }) }))], { ...info, subscriptions: [] });
    assert.deepEqual(problemsOf(odd), []);
    assert.equal(at("/components/schemas/CloudEvent", odd)["title"], "CloudEvent");
    assert.deepEqual(Object.keys(at("/components/schemas", odd)), ["ALinkedData", "ALinkedEvent", "AWrappedEvent", "CloudEvent", "CloudEventOutput"]);
  });
});

suite("the payload of a message", () => {
  const handedOver = {
    id: "0197f9a2-7c1e-7b43-9d3a-5a2b6f0c1d2e", source: "parcels", type: "parcels.handedOver", version: 3, key: "0197f9a2-7c1e-7b43-9d3a-5a2b6f0c1d2f",
    time: "2026-07-12T10:15:30.123Z", data: { parcelId: "0197f9a2-7c1e-7b43-9d3a-5a2b6f0c1d2f", carrier: "bike", to: "Ada", position: [1, 2] }, trace: undefined,
  };
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "https://example.com/asyncapi.json", ...document });
  const validate = ajv.compile({ $ref: "https://example.com/asyncapi.json#/components/messages/parcels.handedOver/payload" });

  test("is the envelope that is sent", () => {
    assert.ok(validate(toCloudEvent(handedOver)), JSON.stringify(validate.errors));
    assert.ok(validate(toCloudEvent({ ...handedOver, trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 vendor=1", key: "a\u0000b" })), JSON.stringify(validate.errors));
    assert.ok(validate(toCloudEvent({ ...handedOver, data: { ...handedOver.data, more: "of a later release" } })), "a subscriber has to bear fields that it does not know");
  });

  test("is no other envelope, and no envelope of other data", () => {
    const others = [{ type: "parcels.lost" }, { source: "orders" }, { version: 2 }, { data: {} }, { data: { ...handedOver.data, position: [1, 2, 3] } }, { data: { ...handedOver.data, carrier: "ship" } }];
    for (const other of others) assert.equal(validate(toCloudEvent({ ...handedOver, ...other })), false, JSON.stringify(other));
  });
});

suite("a schema of draft 2020-12 becomes one of draft 07", () => {
  /** Of data that is an object with one field, of this schema. */
  function fieldOf(field: JsonSchema): unknown {
    const data = { type: "object", properties: { field }, $defs: { Other: { type: "string" } } };
    const whole = toAsyncApi([{ tenon: 1, name: "a", version: "1.0.0", operations: [], events: [{ name: "made", id: "a.made", data }] }], { ...info, subscriptions: [] });
    assert.deepEqual(problemsOf(whole), []);
    return at("/components/schemas/AMadeData/properties", whole)["field"];
  }

  test("tuples and dependencies under their old names, wherever they stand", () => {
    const tuple = { type: "array", prefixItems: [{ type: "string" }], items: false };
    const old = { type: "array", items: [{ type: "string" }], additionalItems: false };
    assert.deepEqual(fieldOf({ properties: { prefixItems: tuple }, anyOf: [tuple], additionalProperties: tuple }), { properties: { prefixItems: old }, anyOf: [old], additionalProperties: old });
    assert.deepEqual(fieldOf({ dependentRequired: { a: ["b"] }, dependentSchemas: { c: tuple } }), { dependencies: { a: ["b"], c: old } });
    assert.deepEqual(fieldOf({ prefixItems: [{}] }), { items: [{}] });
  });

  test("what stands beside a reference is not lost, and data is left alone", () => {
    const Other = { $ref: "#/components/schemas/Other" };
    assert.deepEqual(fieldOf({ $ref: "#/$defs/Other", description: "b", allOf: [true] }), { description: "b", allOf: [Other, true] });
    assert.deepEqual(fieldOf({ $ref: "#/$defs/Other" }), Other);
    for (const same of [{ type: "array", items: { type: "string" } }, { enum: [{ prefixItems: 1 }], default: { items: 1, prefixItems: 2 } }]) assert.deepEqual(fieldOf(same), same);
  });
});
