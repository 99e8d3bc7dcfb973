/** What goes wrong with NATS, in words for whoever runs the app. */
import { Fault } from "../kernel/index.ts";
import type { Client } from "./client.ts";

/** Reasons of JetStream that an operator has to act on: https://github.com/nats-io/nats-server/blob/main/server/errors.json */
const remedies: Readonly<Record<number, string>> = {
  10_023: "the server has no room left for streams",
  10_028: "the account has no room left for streams",
  10_039: "JetStream is not enabled for this account",
  10_047: "the server has not as much room as the stream is to have (maxBytes is reserved at once)",
  10_065: "another stream takes the subjects: choose another prefix, or delete that stream",
  10_074: "the server is not a cluster of as many servers as there are to be replicas",
  10_076: "JetStream is not enabled on the server: start it with -js",
  10_077: "the stream is full: its oldest events leave it as they reach their age; raise maxBytes, or make room",
};

/** Anything that the client throws, as `unavailable`: the caller tries again, and the log says what to do. */
export function toUnavailable(error: unknown, label: string, { core, jetstream }: Client): Fault {
  if (error instanceof Fault) return error;
  const facts = { broker: label };
  const told = (message: string): Fault => new Fault("unavailable", message, { cause: error, facts, retryAfterS: 1 });
  const root = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  for (const each of [error, root]) {
    if (each instanceof core.PermissionViolationError) {
      const what = each.operation === "publish" ? "publish to" : "subscribe to";
      return told(`NATS does not allow this login to ${what} ${each.subject}`);
    }
    if (each instanceof core.AuthorizationError || each instanceof core.UserAuthenticationExpiredError) {
      return told("NATS refuses the login: see the user, password or token in the URL");
    }
    if (isNamed(each, "JetStreamNotEnabled") || each instanceof core.NoRespondersError) {
      return told("the NATS server has no JetStream (start it with -js), or JetStream is not ready yet");
    }
    if (each instanceof jetstream.JetStreamApiError) return told(`JetStream: ${remedies[each.code] ?? each.message} (${each.code})`);
  }
  if (error instanceof core.TimeoutError) return told("the NATS server did not answer in time");
  if (error instanceof core.RequestError && error.isNoResponders()) return told("the NATS server has no JetStream (start it with -js), or JetStream is not ready yet");
  return told(`the NATS server is out of reach: ${error instanceof Error ? error.message : String(error)}`);
}

/** The client throws this class and does not export it. */
function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

/** A refusal inside of an answer to a publish. */
export function toRefusal(code: number, description: string, label: string): Fault {
  return new Fault("unavailable", `JetStream: ${remedies[code] ?? description} (${code})`, { facts: { broker: label, code }, retryAfterS: 1 });
}
