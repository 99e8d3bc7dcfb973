/** What happened, told to whoever wants to know. */
export { type CloudEvent, cloudEventMediaType, EnvelopeError, type EventRecord, parseCloudEvent, toCloudEvent } from "./envelope.ts";
