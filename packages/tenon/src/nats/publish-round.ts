/**
 * Messages sent one behind the other without waiting, and the answers to them. One subscription and one timer for all:
 * a request of its own for each message costs about as much again as the message.
 */
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { Client } from "./client.ts";
import type { Link } from "./link.ts";

/** A message as it is put on the wire. */
export interface Outgoing {
  readonly subject: string;
  readonly body: string;
  readonly key: string | undefined;
  /** What the server knows it by. */
  readonly wireId: string;
  /** The server is to take it only when this is the last message of the stream. */
  readonly afterId: string | undefined;
}

export type Answer =
  | { readonly kind: "kept"; readonly isDuplicate: boolean }
  | { readonly kind: "refused"; readonly code: number; readonly reason: string };

export interface Round {
  /** By the place of the message; `undefined` where none came. */
  readonly answers: readonly (Answer | undefined)[];
  /** Why answers are missing. */
  readonly problem: unknown;
}

interface AckBody {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code?: number; readonly code?: number; readonly description?: string };
}

/** Resolves when everything is answered, when `signal` is aborted, or when the connection is lost. */
export async function sendRound(connection: NatsConnection, messages: readonly Outgoing[], { client, link, signal }: RoundOptions): Promise<Round> {
  const answers: (Answer | undefined)[] = Array.from({ length: messages.length });
  const { promise, resolve } = Promise.withResolvers<unknown>();
  let open = messages.length;
  const inbox = client.core.createInbox();
  const subscription = connection.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      if (error !== null) {
        resolve(error);
        return;
      }
      const place = Number(message.subject.slice(inbox.length + 1));
      if (answers[place] === undefined) open--;
      answers[place] = toAnswer(message);
      if (open === 0) resolve(undefined);
    },
  });
  const stopListening = link.onProblem((problem) => concerns(problem, { client, inbox, messages }) && resolve(problem));
  const onAbort = (): void => resolve(new client.core.TimeoutError());
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    for (const [place, message] of messages.entries()) {
      connection.publish(message.subject, message.body, { reply: `${inbox}.${place}`, headers: toHeaders(message, client) });
    }
    return { problem: signal.aborted ? new client.core.TimeoutError() : await promise, answers };
  } catch (error) {
    return { problem: error, answers }; // the connection is closed: nothing, or not all, was sent
  } finally {
    signal.removeEventListener("abort", onAbort);
    stopListening();
    if (!connection.isClosed()) subscription.unsubscribe();
  }
}

export interface RoundOptions {
  readonly client: Client;
  readonly link: Link;
  readonly signal: AbortSignal;
}

function toHeaders(message: Outgoing, { core }: Client): ReturnType<Client["core"]["headers"]> {
  const headers = core.headers();
  headers.set("Nats-Msg-Id", message.wireId);
  if (message.afterId !== undefined) headers.set("Nats-Expected-Last-Msg-Id", message.afterId);
  if (message.key !== undefined) headers.set("Tenon-Key", encodeURIComponent(message.key));
  // https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/nats-protocol-binding.md, structured mode
  headers.set("Content-Type", "application/cloudevents+json");
  return headers;
}

function toAnswer(message: Msg): Answer {
  if (message.headers?.code === 503) return { kind: "refused", code: 503, reason: "nobody takes this subject" };
  const { error, seq, duplicate } = message.json<AckBody>();
  if (error !== undefined) return { kind: "refused", code: error.err_code ?? error.code ?? 0, reason: error.description ?? "refused" };
  if (seq === undefined || seq < 1) return { kind: "refused", code: 0, reason: "the answer is not one of JetStream" };
  return { kind: "kept", isDuplicate: duplicate === true };
}

/** A lost connection concerns everybody; a refusal, the one who asked. */
function concerns(problem: unknown, { client, inbox, messages }: { readonly client: Client; readonly inbox: string; readonly messages: readonly Outgoing[] }): boolean {
  if (!(problem instanceof client.core.PermissionViolationError)) return true;
  return problem.subject.startsWith(inbox) || messages.some((message) => message.subject === problem.subject);
}
