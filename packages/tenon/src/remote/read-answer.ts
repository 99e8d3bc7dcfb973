/** Reads what came back from another process: a value, items, bytes, or a failure. */
import type { IncomingMessage } from "node:http";
import type { Bytes } from "../contract/index.ts";
import { Fault } from "../kernel/index.ts";
import { fromFaultJson } from "./fault-json.ts";
import { type AnswerKind, answerMaxBytes, headers, itemMaxBytes } from "./protocol.ts";

const lineEnd = 0x0a;

/** An answer that did not come, or not whole: the call may be repeated if it may be repeated at all. */
export class BrokenAnswerError extends Error {
  override readonly name = "BrokenAnswerError";
}

/**
 * @param began  Called when somebody begins to read items or bytes.
 * @throws {Fault} that of the operation. @throws {BrokenAnswerError}
 */
export async function readAnswer(response: IncomingMessage, operationId: string, began: () => void): Promise<unknown> {
  const kind = response.headers[headers.answer] as AnswerKind | undefined;
  switch (kind) {
    case "nothing":
      response.resume(); // to its end, so that the connection can be used again
      return undefined;
    case "value":
      return await jsonOf(response, operationId);
    case "fault":
      throw fromFaultJson(await jsonOf(response, operationId));
    case "items":
      return itemsOf(response, operationId, began);
    case "bytes":
      return bytesOf(response, operationId, began);
    default:
      response.destroy();
      throw new Fault("unavailable", `${operationId} was answered by something else than a service, with status ${response.statusCode}: is the URL right?`);
  }
}

async function jsonOf(response: IncomingMessage, operationId: string): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      length += chunk.byteLength;
      if (length > answerMaxBytes) break;
    }
  } catch (cause) {
    throw new BrokenAnswerError("the answer broke off", { cause });
  }
  if (length > answerMaxBytes) throw new Fault("internal", "internal error", { cause: new RangeError(`the answer of ${operationId} is longer than ${answerMaxBytes} bytes: let it answer with a stream or with bytes`) });
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (cause) {
    throw new BrokenAnswerError("the answer is no JSON", { cause });
  }
}

/** Not repeated once it has begun: the caller has seen some of it. */
async function* itemsOf(response: IncomingMessage, operationId: string, began: () => void): AsyncGenerator<unknown, void> {
  began();
  try {
    for await (const line of linesOf(response, operationId)) {
      const { end, fault, item } = JSON.parse(line) as { readonly item?: unknown; readonly end?: true; readonly fault?: unknown };
      if (end === true) return;
      if (fault !== undefined) throw fromFaultJson(fault);
      yield item;
    }
    throw brokenOff(operationId);
  } catch (error) {
    throw error instanceof Fault ? error : brokenOff(operationId, error);
  } finally {
    response.destroy();
  }
}

/** @throws {Fault} `internal`: a line is longer than an item may be. It is not waited for. */
async function* linesOf(response: IncomingMessage, operationId: string): AsyncGenerator<string, void> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    let from = 0;
    for (let to = chunk.indexOf(lineEnd); to !== -1; to = chunk.indexOf(lineEnd, from)) {
      assertFits(length + to - from, operationId);
      const rest = chunk.subarray(from, to);
      yield (length === 0 ? rest : Buffer.concat([...parts, rest])).toString();
      parts = [];
      length = 0;
      from = to + 1;
    }
    if (from === chunk.byteLength) continue;
    parts.push(chunk.subarray(from));
    length += chunk.byteLength - from;
    assertFits(length, operationId);
  }
}

function assertFits(bytes: number, operationId: string): void {
  if (bytes > itemMaxBytes) throw new Fault("internal", "internal error", { cause: new RangeError(`an item of ${operationId} is longer than ${itemMaxBytes} bytes: let it give smaller items, or bytes`) });
}

function bytesOf(response: IncomingMessage, operationId: string, began: () => void): Bytes {
  const length = response.headers["content-length"];
  const fileName = response.headers[headers.fileName];
  return {
    mediaType: response.headers["content-type"] ?? "application/octet-stream",
    content: chunksOf(response, operationId, began),
    length: length === undefined ? undefined : Number(length),
    fileName: typeof fileName === "string" ? decodeURIComponent(fileName) : undefined,
  };
}

async function* chunksOf(response: IncomingMessage, operationId: string, began: () => void): AsyncGenerator<Uint8Array, void> {
  began();
  try {
    yield* response as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw brokenOff(operationId, error);
  } finally {
    response.destroy();
  }
}

function brokenOff(operationId: string, cause?: unknown): Fault {
  const fault = new Fault("unavailable", `the answer of ${operationId} broke off`, { cause });
  fault.operation = operationId;
  return fault;
}
