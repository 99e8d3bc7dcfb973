/** Writes what an operation has answered to another process. */
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type AnyOutput, type Bytes, isBytesOutput, isStreamOutput } from "../contract/index.ts";
import { Fault } from "../kernel/index.ts";
import { toFaultJson } from "./fault-json.ts";
import { type AnswerKind, headers } from "./protocol.ts";

export async function writeAnswer(response: ServerResponse, output: AnyOutput, value: unknown): Promise<void> {
  if (isStreamOutput(output)) return writeItems(response, value as AsyncIterable<unknown>);
  if (isBytesOutput(output)) return writeBytes(response, value as Bytes);
  if (value === undefined) return writeText(response, "nothing", 204);
  writeText(response, "value", 200, JSON.stringify(value));
}

export function writeFault(response: ServerResponse, fault: Fault): void {
  writeText(response, "fault", fault.status, JSON.stringify(toFaultJson(fault)));
}

function writeText(response: ServerResponse, kind: AnswerKind, status: number, text?: string): void {
  response.writeHead(status, { [headers.answer]: kind, ...(text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }) });
  response.end(text);
}

/** A failure behind the first item is an item of its own; a caller that goes away ends the handler. */
async function writeItems(response: ServerResponse, items: AsyncIterable<unknown>): Promise<void> {
  response.writeHead(200, { [headers.answer]: "items" satisfies AnswerKind, "content-type": "application/x-ndjson" });
  async function* lines(): AsyncGenerator<string, void> {
    try {
      for await (const item of items) yield `${JSON.stringify({ item })}\n`;
      yield '{"end":true}\n';
    } catch (error) {
      yield `${JSON.stringify({ fault: toFaultJson(Fault.from(error)) })}\n`;
    }
  }
  await pipeline(Readable.from(lines(), { highWaterMark: 1 }), response);
}

async function writeBytes(response: ServerResponse, { content, fileName, length, mediaType }: Bytes): Promise<void> {
  const size = content instanceof Uint8Array ? content.byteLength : length;
  response.writeHead(200, {
    [headers.answer]: "bytes" satisfies AnswerKind,
    "content-type": mediaType,
    ...(size === undefined ? {} : { "content-length": size }),
    ...(fileName === undefined ? {} : { [headers.fileName]: encodeURIComponent(fileName) }),
  });
  if (content instanceof Uint8Array) response.end(content);
  else await pipeline(Readable.from(content), response);
}
