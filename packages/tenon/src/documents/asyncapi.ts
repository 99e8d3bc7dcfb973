/**
 * The AsyncAPI 3 document of an app, made from the descriptions of its contracts and the names of its subscriptions,
 * and from nothing else. The same descriptions give the same document, byte for byte.
 *
 * It names no broker: what is promised is the envelope and its data, on whatever carries them. What AsyncAPI has no
 * word for stands under `x-tenon-…`: version and key of an event, the older versions that can be read, its deprecation.
 *
 * @see https://www.asyncapi.com/docs/reference/specification/v3.0.0
 */
import { cloudEventMediaType, type ContractDescription, type EventDescription } from "../contract/index.ts";
import { asyncApiChannel, asyncApiMessage, cloudEventSchema, cloudEventTrait } from "./asyncapi-event.ts";
import { toDraft07 } from "./asyncapi-schemas.ts";
import { SchemaRegistry } from "./openapi-schemas.ts";

/** Who wants to know of an event. */
export interface SubscriptionDescription {
  /** The service that subscribes. */
  readonly service: string;
  /** The subscription's name, unique in its service. */
  readonly name: string;
  /** Identifier of the event: `orders.placed`. */
  readonly event: string;
}

/** A broker that the events travel through. */
export interface AsyncApiServer {
  /** `nats.example.com:4222` */
  readonly host: string;
  /** `nats`, `kafka`. */
  readonly protocol: string;
  readonly description?: string;
}

export interface AsyncApiInfo {
  readonly title: string;
  readonly version: string;
  readonly subscriptions: readonly SubscriptionDescription[];
  /** By name. Left out, the document has none. */
  readonly servers?: Readonly<Record<string, AsyncApiServer>>;
}

type Named = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A plain object, ready for `JSON.stringify`. */
export interface AsyncApiDocument {
  readonly asyncapi: "3.0.0";
  readonly info: { readonly title: string; readonly version: string; readonly tags: readonly { readonly name: string; readonly description?: string }[] };
  readonly servers?: Readonly<Record<string, AsyncApiServer>>;
  readonly defaultContentType: string;
  readonly channels: Named;
  readonly operations: Named;
  readonly components: Readonly<Record<string, Named>>;
}

/** Services without an event are left out, unless they subscribe to one. */
export function toAsyncApi(descriptions: readonly ContractDescription[], info: AsyncApiInfo): AsyncApiDocument {
  const { servers, subscriptions, title, version } = info;
  const schemas = new SchemaRegistry({ CloudEvent: cloudEventSchema });
  const emitted = descriptions.flatMap(({ events, name }) => events.map((event) => ({ event, service: name })));
  const events = new Map<string, EventDescription | undefined>(emitted.map(({ event }) => [event.id, event]));
  for (const { event } of subscriptions) {
    if (!events.has(event)) events.set(event, undefined); // of another app
  }

  const messages = byId(events, ([id, event]) => asyncApiMessage(id, event, schemas));
  const sends = emitted.map(({ event, service }) => [`${event.id}.emit`, operation("send", event.id, { service })] as const);
  const receives = subscriptions.map(({ event, name, service }) => [`${service}.${name}`, operation("receive", event, { service, name })] as const);
  const whole = schemas.finish((named) => ({
    asyncapi: "3.0.0" as const,
    info: { title, version, tags: tagsOf(descriptions, subscriptions) },
    ...(servers === undefined ? {} : { servers }),
    defaultContentType: cloudEventMediaType,
    channels: byId(events, ([id, event]) => asyncApiChannel(id, event)),
    operations: Object.fromEntries([...sends, ...receives]),
    components: { schemas: named as Named, messages, messageTraits: { CloudEvent: cloudEventTrait } },
  }));
  const draft07 = Object.fromEntries(Object.entries(whole.components.schemas).map(([name, schema]) => [name, toDraft07(schema)])) as Named;
  return { ...whole, components: { ...whole.components, schemas: draft07 } };
}

type Entry = readonly [id: string, event: EventDescription | undefined];

function byId(events: ReadonlyMap<string, EventDescription | undefined>, make: (entry: Entry) => Named[string]): Named {
  return Object.fromEntries([...events].map((entry) => [entry[0], make(entry)]));
}

function operation(action: "send" | "receive", event: string, by: { readonly service: string; readonly name?: string }): Named[string] {
  return {
    action,
    channel: { $ref: `#/channels/${event}` },
    title: action === "send" ? `${by.service} emits ${event}` : `${by.service} is told of ${event}`,
    tags: [{ name: by.service }],
    messages: [{ $ref: `#/channels/${event}/messages/${event}` }],
    "x-tenon-service": by.service,
    ...(by.name === undefined ? {} : { "x-tenon-subscription": by.name }),
  };
}

function tagsOf(descriptions: readonly ContractDescription[], subscriptions: readonly SubscriptionDescription[]): AsyncApiDocument["info"]["tags"] {
  const subscribers = new Set(subscriptions.map(({ service }) => service));
  const shown = descriptions.filter(({ events, name }) => events.length > 0 || subscribers.has(name));
  return shown.map(({ description, name, version }) => ({ name, ...(description === undefined ? {} : { description }), "x-tenon-version": version }));
}
