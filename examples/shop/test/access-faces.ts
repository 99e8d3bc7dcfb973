/** The shop as it is reached: by HTTP with tokens, and by calls from inside of the process. */
import { once } from "node:events";
import { createServer } from "node:http";
import { type AnyContract, describe, type Operation, type OperationDescription } from "tenon";
import { startApp } from "tenon/app";
import { call, settled, test as open } from "tenon/test";
import accountsService from "../accounts/service.ts";
import shop from "../app.ts";
import catalogService from "../catalog/service.ts";
import inventoryService from "../inventory/service.ts";
import ordersService from "../orders/service.ts";
import paymentsService from "../payments/service.ts";
import { Provider } from "../provider/server.ts";
import { TokenIssuer, type Who } from "./token-issuer.ts";

export type { Who } from "./token-issuer.ts";

export const services = shop.services;
export const contracts: readonly AnyContract[] = services.map(({ contract }) => contract);
/** By id, each with what its contract says of it. */
export const operations: ReadonlyMap<string, OperationDescription> = new Map(contracts.flatMap((contract) => describe(contract).operations.map((each) => [each.id, each] as const)));

export const visa = "tok_visa";
const webhookSecret = "whsec_dGhlLXNlY3JldC1vZi10aGUtdGVzdHMtYWxvbmU=";

/** How a call ended: `code` is `ok`, the name of a declared error, or a code of the platform. */
export interface Outcome {
  readonly code: string;
  readonly value: unknown;
}

export interface CallBy {
  readonly who?: Who | "anonymous" | `system:${string}.${string}` | undefined;
  /** The service that makes the call. */
  readonly from?: string | undefined;
  /** An upload. */
  readonly bytes?: Uint8Array | undefined;
}

export interface Face {
  readonly name: string;
  /** Whether an operation can be reached at all. */
  reaches(id: string): boolean;
  run(id: string, input: unknown, by: CallBy): Promise<Outcome>;
  /** Until nothing happens any more, or a while has passed. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

async function openProvider(): Promise<{ readonly env: Readonly<Record<string, string>>; readonly close: () => Promise<void> }> {
  const provider = new Provider({ key: "sk_test" });
  const port = await provider.listen(0);
  return { env: { PAYMENTS_PROVIDER_URL: `http://127.0.0.1:${port}`, PAYMENTS_PROVIDER_KEY: "sk_test", PAYMENTS_WEBHOOK_SECRET: webhookSecret }, close: () => provider.close() };
}

function operationOf(id: string): Operation {
  const [service = "", name = ""] = id.split(".", 2);
  const contract = contracts.find((each) => describe(each).name === service) as unknown as Readonly<Record<string, Operation>>;
  return contract[name] as Operation;
}

/** As services call each other: in the process, with the name of the calling service. */
export async function openInside(): Promise<Face> {
  const provider = await openProvider();
  const tested = open(ordersService, { with: [accountsService, catalogService, inventoryService, paymentsService], env: provider.env, seed: "yes", as: "anonymous", ...(shop.subjectRights === undefined ? {} : { subjectRights: shop.subjectRights }) });
  return {
    name: "a call inside of the process",
    reaches: () => true,
    async run(id, input, { bytes, from, who = "anonymous" }) {
      const body = bytes === undefined ? {} : { body: { mediaType: "image/png", content: bytes } };
      try {
        const value: unknown = await call(tested, operationOf(id), input as never, { as: who, ...(from === undefined ? {} : { from }), ...body });
        return { code: "ok", value: await drained(value) };
      } catch (thrown) {
        return { code: (thrown as { readonly publicCode?: string }).publicCode ?? String(thrown), value: undefined };
      }
    },
    settle: () => settled(tested),
    async close() {
      await tested[Symbol.asyncDispose]();
      await provider.close();
    },
  };
}

/** A stream is served when its items are. */
async function drained(value: unknown): Promise<unknown> {
  if (typeof value !== "object" || value === null || !(Symbol.asyncIterator in value)) return value;
  const items: unknown[] = [];
  for await (const item of value as AsyncIterable<unknown>) items.push(item);
  return items;
}

/** As everybody else does: over a socket, with tokens of an issuer. */
export async function openHttp(): Promise<Face> {
  const [provider, issuer] = await Promise.all([openProvider(), TokenIssuer.open()]);
  const values = { ...provider.env, PORT: String(await freePort()), HOST: "127.0.0.1", DATABASE_URL: "pglite:memory", OIDC_ISSUER: issuer.url, OIDC_AUDIENCE: issuer.audience, LOG_LEVEL: "error" };
  const started = await startApp(shop, { layers: [{ name: "test", values }], seed: "yes", output: { isTerminal: false, hasColors: false, fd: 2 } });
  return {
    name: "HTTP",
    reaches: (id) => operations.get(id)?.http !== undefined,
    async run(id, input, { bytes, who = "anonymous" }) {
      const { init, path } = requestOf(operations.get(id) as OperationDescription, (input ?? {}) as Readonly<Record<string, unknown>>, bytes);
      const authorization = typeof who === "string" ? {} : { authorization: `Bearer ${issuer.tokenOf(who)}` };
      const response = await fetch(`${started.url}${path}`, { ...init, headers: { ...init.headers, ...authorization } });
      const text = await response.text();
      if (response.ok) return { code: "ok", value: text };
      return { code: (JSON.parse(text) as { readonly code: string }).code, value: text };
    },
    async settle() {
      await new Promise((resolve) => setTimeout(resolve, 100));
    },
    async close() {
      await started.stop();
      await issuer.close();
      await provider.close();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, "close");
  return port;
}

interface Init {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Puts each field where the contract has it. */
function requestOf({ http }: OperationDescription, input: Readonly<Record<string, unknown>>, bytes: Uint8Array | undefined): { readonly path: string; readonly init: Init } {
  if (http === undefined) throw new TypeError("the operation has no route");
  let { path } = http;
  const query = new URLSearchParams();
  const body: Record<string, unknown> = {};
  for (const place of http.fields) {
    const value = input[place.field];
    if (value === undefined) continue;
    if (place.in === "path") path = path.replace(`{${place.name}}`, encodeURIComponent(textOf(value)));
    else if (place.in === "query") for (const each of [value].flat()) query.append(place.name, textOf(each));
    else body[place.name] = value;
  }
  const target = query.size === 0 ? path : `${path}?${query.toString()}`;
  if (bytes !== undefined) return { path: target, init: { method: http.method, headers: { "content-type": "image/png" }, body: new Uint8Array(bytes) } };
  const isSent = http.method !== "GET" && http.fields.some((place) => place.in === "body");
  return { path: target, init: { method: http.method, headers: isSent ? { "content-type": "application/json" } : {}, ...(isSent ? { body: JSON.stringify(body) } : {}) } };
}
