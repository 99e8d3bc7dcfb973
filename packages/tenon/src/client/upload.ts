/** A body of bytes on its way out. */
import type { Bytes } from "../contract/index.ts";

export type RequestBody = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;

/**
 * What `fetch` takes as a body. Streamed where that is safe; gathered in memory in a browser: one kind of them streams
 * over HTTP/2 only, the others would send the text "[object ReadableStream]".
 *
 * @see https://developer.chrome.com/docs/capabilities/web-apis/fetch-streaming-requests
 */
export async function uploadBody(upload: Bytes): Promise<RequestBody> {
  const { content } = upload;
  if (content instanceof Uint8Array) return content as Uint8Array<ArrayBuffer>;
  return isBrowser() ? gather(content) : toStream(content);
}

function isBrowser(): boolean {
  return "document" in globalThis || "WorkerGlobalScope" in globalThis;
}

async function gather(content: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of content) chunks.push(chunk as Uint8Array<ArrayBuffer>);
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

function toStream(content: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = content[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel(reason) {
      await iterator.return?.(reason);
    },
  });
}
