/**
 * The showcase on `node:http`: its document, its page under the page's own policy, and answers made by hand, one for
 * each thing that the page has to show. Remembers what it was asked.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { ContractDescription } from "../../src/contract/index.ts";
import { docsPage, docsPagePolicy, type SubscriptionDescription, toAsyncApi, toOpenApi } from "../../src/documents/index.ts";

export interface Asked {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface ShowcaseServer extends AsyncDisposable {
  readonly url: string;
  /** Calls of operations, in order. */
  readonly asked: Asked[];
  /** Lets the streams of `/orders/held/events` go on after their first item. */
  readonly release: () => void;
}

const problemType = "application/problem+json";
/** One pixel. */
const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

export interface ShowcaseOptions {
  readonly title?: string;
  /** Left out, the showcase is an app without events. */
  readonly subscriptions?: readonly SubscriptionDescription[];
}

export async function openShowcase(descriptions: readonly ContractDescription[], { subscriptions, title = "The shop" }: ShowcaseOptions = {}): Promise<ShowcaseServer> {
  const asked: Asked[] = [];
  const replies = new Map<string, string>();
  const held = Promise.withResolvers<void>();
  const documents: Readonly<Record<string, unknown>> = {
    "/openapi.json": toOpenApi(descriptions, { title, version: "1.4.0" }),
    ...(subscriptions === undefined ? {} : { "/asyncapi.json": toAsyncApi(descriptions, { title, version: "1.4.0", subscriptions }) }),
  };

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, method = "", url = "" } = request;
    if (url === "/docs") {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": docsPagePolicy() }).end(docsPage(title, { hasEvents: subscriptions !== undefined }));
      return;
    }
    if (url in documents) {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(documents[url]));
      return;
    }
    const body = await buffer(request);
    asked.push({ method, target: url, headers, body });
    await answer(response, { method, path: url.split("?")[0] ?? "", headers, body, replies, held: held.promise });
  }

  const server = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    asked,
    release: held.resolve,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** First answers by idempotency key. */
  readonly replies: Map<string, string>;
  readonly held: Promise<void>;
}

async function answer(response: ServerResponse, question: Question): Promise<void> {
  const { headers, method, path } = question;
  if (method === "POST" && path === "/orders") return place(response, question);
  if (path.endsWith("/events")) return watch(response, String(headers.accept), path.includes("/held/") ? question.held : undefined);
  if (path.endsWith("/invoice")) return void response.writeHead(200, { "content-type": "image/png", "content-disposition": "attachment; filename*=UTF-8''invoice.png" }).end(png);
  if (path.endsWith("/attachment")) return send(response, 200, { bytes: question.body.length, mediaType: headers["content-type"] });
  if (method === "GET" && path === "/orders") return send(response, 200, { orders: [order("a1")], more: false });
  if (method === "GET" && path.startsWith("/orders/")) return problem(response, { status: 404, code: "NotFound", title: "NotFound", detail: "There is no such order." });
  return problem(response, { status: 503, code: "overloaded", title: "Too busy to take this call now" }, { "retry-after": "2" });
}

function place(response: ServerResponse, { body, headers, replies }: Question): void {
  if (headers.authorization === undefined) return problem(response, { status: 401, code: "unauthenticated", title: "Who is calling is not known" });
  const key = String(headers["idempotency-key"]);
  const stored = replies.get(key);
  if (stored !== undefined) return void response.writeHead(201, { "content-type": "application/json", "idempotency-replayed": "true" }).end(stored);
  const input = JSON.parse(body.toString()) as { email: string; lines: { sku: string }[] };
  const errors = input.lines[0]?.sku === "gone" ? [{ path: "/lines/0/sku", message: "is not on sale any more" }] : [];
  if (errors.length > 0) return problem(response, { status: 400, code: "invalid_argument", title: "The request is not valid", detail: "the input is not valid", errors });
  const text = JSON.stringify({ ...order("a2"), email: input.email });
  replies.set(key, text);
  response.writeHead(201, { "content-type": "application/json", "x-request-id": "3f2a91c04be07d15" }).end(text);
}

async function watch(response: ServerResponse, accept: string, held: Promise<void> | undefined): Promise<void> {
  const isSse = accept.includes("event-stream");
  response.writeHead(200, { "content-type": isSse ? "text/event-stream" : "application/x-ndjson" });
  for (const status of ["placed", "paid", "shipped"]) {
    const item = JSON.stringify({ at: "2026-11-23T10:00:00Z", status, total: { cents: 1_990, currency: "EUR" } });
    response.write(isSse ? `data: ${item}\n\n` : `${item}\n`);
    await held;
  }
  response.end(isSse ? "event: end\ndata:\n\n" : "");
}

function order(id: string): Record<string, unknown> {
  const line = { sku: "tea-green-100g", count: 2, price: { cents: 995, currency: "EUR" } };
  const total = { cents: 1_990, currency: "EUR" };
  return { id, status: "placed", lines: [line], total, placedAt: "2026-11-23T10:00:00Z", deliverOn: null, email: "ada@example.com" };
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "x-request-id": "3f2a91c04be07d15" }).end(JSON.stringify(value));
}

function problem(response: ServerResponse, members: { readonly status: number } & Record<string, unknown>, headers: Readonly<Record<string, string>> = {}): void {
  const type = `urn:tenon:fault:${String(members["code"])}`;
  response.writeHead(members.status, { "content-type": problemType, ...headers }).end(JSON.stringify({ type, call: "3f2a91c04be07d15", ...members }));
}
