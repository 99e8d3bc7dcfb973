/** Bodies that are read while they come. Whoever stops reading lets go of the connection, and the service learns of it. */
import { Fault } from "../kernel/index.ts";
import type { Patience } from "./patience.ts";

export interface Reading {
  /** `service.operation`, for messages. */
  readonly operation: string;
  readonly patience: Patience;
}

/**
 * The chunks of a body. Can be iterated once.
 *
 * @throws {Fault} while iterating: `canceled` by the caller's signal, `unavailable` when the connection breaks.
 */
export async function* chunksOf(response: Response, reading: Reading): AsyncGenerator<Uint8Array> {
  const { operation, patience } = reading;
  const reader = response.body?.getReader(); // not `for await`: not every browser iterates over a stream
  try {
    while (reader !== undefined) {
      const next = await reader.read();
      if (next.done) return;
      yield next.value;
    }
  } catch (error) {
    throw patience.fault ?? new Fault("unavailable", `the answer of ${operation} broke off`, { cause: error });
  } finally {
    patience.end();
    // A connection that broke cannot be canceled, and that it cannot is no news.
    await reader?.cancel().catch(() => undefined);
  }
}

/**
 * The items of an NDJSON body, one JSON value a line. Can be iterated once.
 *
 * @throws {Fault} while iterating: like {@link chunksOf}, and `internal` for a line that is not JSON.
 */
export async function* itemsOf(response: Response, reading: Reading): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of chunksOf(response, reading)) {
    const text = decoder.decode(chunk, { stream: true });
    if (!text.includes("\n")) {
      pending += text;
      continue;
    }
    const lines = (pending + text).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) {
      if (line.trim() !== "") yield parseItem(line, reading.operation);
    }
  }
  pending += decoder.decode();
  if (pending.trim() === "") return;
  // Each item ends in a line break, so this one is not whole, even where it happens to be JSON: `12` of `123`.
  throw new Fault("unavailable", `the answer of ${reading.operation} broke off in the middle of an item`);
}

function parseItem(line: string, operation: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new Fault("internal", `${operation} sent an item that is not JSON`, { cause: error });
  }
}
