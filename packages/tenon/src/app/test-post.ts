/** A POST without a socket: what a webhook is tested with. It passes the face and the whole pipeline. */
import type { Fault } from "../kernel/index.ts";
import { AwaitedBody, type HttpAnswer, type HttpHandler, type HttpRequest } from "../rest/index.ts";

export interface TestPost {
  readonly path: string;
  readonly body: Uint8Array;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** The clock's `elapsedMs`. */
  readonly nowMs: number;
}

export interface TestAnswer {
  readonly status: number;
  /** Of a refusal: `application/problem+json`. */
  readonly body: unknown;
}

export async function postTo(handler: HttpHandler, post: TestPost): Promise<TestAnswer> {
  const reply = handler(toRequest(post));
  const { body, status } = await (reply instanceof AwaitedBody ? reply.answer(bytesWithin(post.body, reply.maxBytes)) : reply);
  return { status, body: toValue(body) };
}

/** The host's own refusal is tested with a host. */
function bytesWithin(body: Uint8Array, maxBytes: number): Uint8Array | Fault {
  if (body.length <= maxBytes) return body;
  throw new RangeError(`a body of ${body.length} bytes is refused: ${maxBytes} are taken at most`);
}

function toValue(body: HttpAnswer["body"]): unknown {
  return typeof body === "string" ? JSON.parse(body) : undefined;
}

function toRequest({ body, headers, nowMs, path }: TestPost): HttpRequest {
  return {
    method: "POST",
    target: path,
    header: (name) => headers[name],
    headers: () => Object.entries(headers),
    address: "127.0.0.1",
    receivedAtMs: nowMs,
    hasBody: body.length > 0,
    isReceiving: false,
    async *streamBody() {
      yield body;
    },
    onClose: () => undefined,
  };
}
