/** One event as AsyncAPI tells it: its channel, its message, and the envelope that it travels in. */
import { cloudEventMediaType, type EventDescription, type JsonSchema } from "../contract/index.ts";
import { descriptionOf, toSentence } from "./document-text.ts";
import { type SchemaRegistry, toPascalCase } from "./openapi-schemas.ts";

type Json = Readonly<Record<string, unknown>>;

/** Version 00 of W3C Trace Context. */
const traceparentPattern = "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$";

/** What every envelope has, whoever sends it: CloudEvents 1.0.2 in the JSON format, as `events/envelope.ts` writes it. */
export const cloudEventSchema: JsonSchema = {
  type: "object",
  title: "CloudEvent",
  description: "The envelope of an event: CloudEvents 1.0.2 in JSON, with the data inside.",
  properties: {
    specversion: { type: "string", const: "1.0" },
    id: { type: "string", format: "uuid", description: "Of this event alone: who gets it twice knows by this.", examples: ["0197f9a2-7c1e-7b43-9d3a-5a2b6f0c1d2e"] },
    source: { type: "string", format: "uri-reference", minLength: 1, description: "Who emitted it." },
    type: { type: "string", minLength: 1, description: "What happened." },
    time: { type: "string", format: "date-time", description: "When, in UTC." },
    datacontenttype: { type: "string", const: "application/json" },
    dataversion: { type: "integer", minimum: 1, maximum: 2_147_483_647, description: "Version of the data." },
    subject: { type: "string", minLength: 1, description: "What it is about: its key." },
    partitionkey: { type: "string", minLength: 1, description: "Events of one key are in order." },
    tenonkey: { type: "string", minLength: 1, description: "The key as JSON, where it has characters that an attribute must not have. It counts before `partitionkey`." },
    traceparent: { type: "string", pattern: traceparentPattern, description: "The span that emitted it (W3C Trace Context)." },
    tracestate: { type: "string", minLength: 1, description: "What vendors keep beside the trace (W3C Trace Context)." },
    data: {},
  },
  required: ["specversion", "id", "source", "type", "time", "data"],
};

/** What the messages of all events have in common. */
export const cloudEventTrait: Json = {
  contentType: cloudEventMediaType,
  headers: { type: "object", properties: { "content-type": { type: "string", const: cloudEventMediaType } }, description: "Where the transport has headers." },
  correlationId: { location: "$message.payload#/traceparent", description: "The trace that the event is part of, and the span that emitted it." },
  externalDocs: { url: "https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md" },
};

export function asyncApiChannel(id: string, event: EventDescription | undefined): Json {
  return {
    address: id,
    ...titleOf(event),
    ...(event === undefined ? { description: "Emitted by another app." } : descriptionOf(event, ...keySentence(event))),
    messages: { [id]: { $ref: `#/components/messages/${id}` } },
  };
}

export function asyncApiMessage(id: string, event: EventDescription | undefined, schemas: SchemaRegistry): Json {
  const own = event === undefined ? { payload: cloudEventRef } : {
    ...titleOf(event),
    ...descriptionOf(event, ...keySentence(event)),
    payload: envelopeOf(event, schemas),
    "x-tenon-version": event.version ?? 1,
    ...(event.upcastsFrom === undefined ? {} : { "x-tenon-upcasts-from": event.upcastsFrom }),
    ...(event.key === undefined ? {} : { "x-tenon-key": event.key }),
    ...(event.deprecated === undefined ? {} : { "x-tenon-deprecated": event.deprecated }),
  };
  return { name: id, ...own, traits: [{ $ref: "#/components/messageTraits/CloudEvent" }] };
}

const cloudEventRef = { $ref: "#/components/schemas/CloudEvent" } as const;

function titleOf(event: EventDescription | undefined): Json {
  return event === undefined ? {} : { title: event.summary ?? toSentence(event.name) };
}

function keySentence({ key }: EventDescription): readonly string[] {
  return key === undefined ? [] : [`Events of one \`${key}\` are in order.`];
}

function envelopeOf(event: EventDescription, schemas: SchemaRegistry): JsonSchema {
  const [service = ""] = event.id.split(".");
  const name = toPascalCase(event.id);
  const data = schemas.whole(event.data, { side: "output", contract: service, name: `${name}Data` });
  const keyed = event.key === undefined ? {} : { subject: keySchema(event.key), partitionkey: keySchema(event.key) };
  const own = {
    type: "object",
    properties: {
      source: { type: "string", const: `/${service}` },
      type: { type: "string", const: event.id },
      dataversion: { type: "integer", const: event.version ?? 1 },
      ...keyed,
      data,
    },
    required: ["dataversion"], // a key of no characters has no `partitionkey`
  };
  const schema = { ...(event.deprecated === undefined ? {} : { deprecated: true }), allOf: [cloudEventRef, own] };
  return schemas.add(schema, { side: "output", contract: service, name: `${name}Event` });
}

function keySchema(key: string): JsonSchema {
  return { type: "string", minLength: 1, description: `The key: \`${key}\` of the data, as text.` };
}
