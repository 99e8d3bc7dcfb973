/** Asks a mounted handler of the web's own shape. */
import type { Mount } from "../service/index.ts";
import type { HttpAnswer, HttpRequest } from "./ports.ts";

/** @param maxBytes  Bytes of body that are let through. */
export async function answerMount(mounted: Mount, request: HttpRequest, maxBytes: number): Promise<HttpAnswer> {
  const gone = new AbortController();
  request.onClose(() => gone.abort());
  const host = request.header("host") ?? "localhost";
  const hasBody = request.hasBody && request.method !== "GET" && request.method !== "HEAD";
  const init: RequestInit & { duplex?: "half" } = { method: request.method, headers: [...request.headers()].map(([name, value]) => [name, value] as [string, string]), signal: gone.signal };
  if (hasBody) {
    init.body = ReadableStream.from(request.streamBody(maxBytes)) as unknown as NonNullable<RequestInit["body"]>;
    init.duplex = "half";
  }
  const response = await mounted.handler(new Request(new URL(request.target, `http://${host}`), init));
  const headers: string[] = [];
  for (const [name, value] of response.headers) headers.push(name, value);
  return { status: response.status, headers, body: response.body === null ? undefined : (response.body as AsyncIterable<Uint8Array>) };
}
