/** What goes wrong with Kafka, in words for whoever runs the app. */
import { Fault } from "../kernel/index.ts";

/** Errors of the protocol that somebody has to act on: https://kafka.apache.org/protocol#protocol_error_codes */
const remedies: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: "Kafka does not allow this login to use the topic",
  GROUP_AUTHORIZATION_FAILED: "Kafka does not allow this login to use the consumer group",
  CLUSTER_AUTHORIZATION_FAILED: "Kafka does not allow this login to make topics",
  SASL_AUTHENTICATION_FAILED: "Kafka refuses the login",
  INVALID_REPLICATION_FACTOR: "the cluster has fewer brokers than there are to be replicas",
  NOT_ENOUGH_REPLICAS: "too few replicas of the topic are up",
  UNKNOWN_TOPIC_OR_PARTITION: "the topic is not there, or not yet",
};

const tooLarge: ReadonlySet<string> = new Set(["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"]);

/** The codes of an error and of all that it was made of. */
export function codesOf(error: unknown, depth = 0): readonly string[] {
  if (!(error instanceof Error) || depth > 6) return [];
  const { apiId, code } = error as { readonly apiId?: unknown; readonly code?: unknown };
  const own = [apiId, code].filter((value) => typeof value === "string");
  const parts = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [];
  return [...own, ...[...parts, error.cause].flatMap((part) => codesOf(part, depth + 1))];
}

/** As a fault: `payload_too_large` for what will never fit, `unavailable` for the rest. */
export function toFault(error: unknown, label: string): Fault {
  if (error instanceof Fault) return error;
  const codes = codesOf(error);
  const more = { cause: error, facts: { broker: label, codes: codes.join(" ") } };
  if (codes.some((code) => tooLarge.has(code))) return new Fault("payload_too_large", "an event is larger than Kafka takes: see max.message.bytes of the topic", more);
  const known = codes.find((code) => remedies[code] !== undefined);
  if (known !== undefined) return new Fault("unavailable", `${remedies[known]} (${known})`, { ...more, retryAfterS: 1 });
  if (codes.includes("PLT_KFK_AUTHENTICATION")) return new Fault("unavailable", "Kafka refuses the login", { ...more, retryAfterS: 1 });
  return new Fault("unavailable", `Kafka is out of reach: ${error instanceof Error ? error.message : String(error)}`, { ...more, retryAfterS: 1 });
}
