/** An app whose service `desk` asks `stock` for everything that one service can ask of another. */
import { bytes, calledBy, command, contract, query, role, scope, stream } from "../../src/contract/index.ts";
import { app, service } from "../../src/service/index.ts";
import * as z from "zod";

const Seen = z.object({
  kind: z.string(),
  subject: z.string(),
  issuer: z.string(),
  scopes: z.array(z.string()),
  roles: z.array(z.string()),
  actors: z.array(z.string()),
  team: z.string().optional(),
});

export const stock = contract("stock", {
  whoami: query({ access: { allOf: [calledBy("desk"), { anyOf: ["public", scope("stock:read"), role("clerk")] }] }, output: Seen }),
  scoped: query({ access: scope("stock:read"), output: z.string() }),
  forOthers: query({ access: calledBy("billing"), output: z.string() }),
  own: query({ access: { predicate: "own team", allows: ({ caller, input }) => caller.claims["team"] === input.team }, input: z.object({ team: z.string() }), output: z.string() }),
  checked: query({ access: calledBy("desk"), input: z.object({ count: z.int().min(1), size: z.string().default("m") }), output: z.object({ count: z.int(), size: z.string() }) }),
  take: command({
    access: calledBy("desk"),
    input: z.object({ sku: z.string() }),
    output: z.object({ number: z.int() }),
    errors: { OutOfStock: { status: 409, message: "there is none left", data: z.object({ sku: z.string(), left: z.int() }) } },
  }),
  nothing: command({ access: calledBy("desk") }),
  slow: query({ access: calledBy("desk"), deadline: "300ms" }),
  buggy: query({ access: calledBy("desk") }),
  key: command({ access: calledBy("desk"), output: z.object({ key: z.string(), runs: z.int() }) }),
  waits: query({ access: calledBy("desk"), output: z.object({ ms: z.number() }) }),
  canceled: query({ access: calledBy("desk"), output: z.int() }),
  items: query({ access: calledBy("desk"), input: z.object({ upTo: z.int(), failsAt: z.int().optional() }), output: stream(z.object({ n: z.int() })), errors: { Broken: { status: 422 } } }),
  file: query({ access: calledBy("desk"), output: bytes({ mediaTypes: ["text/plain"] }) }),
});

export const desk = contract("desk", {
  ask: command({ http: "POST /ask", access: "public", deadline: "3s", input: z.object({ what: z.string(), input: z.unknown().optional(), timeoutMs: z.int().optional() }), output: z.unknown() }),
  twice: command({ http: "POST /twice", access: "public", output: z.unknown() }),
  stream: query({ http: "GET /stream", access: "public", output: z.unknown() }),
  file: query({ http: "GET /file", access: "public", output: z.unknown() }),
  leave: query({ http: "GET /leave", access: "public", deadline: "200ms" }),
});

let number = 0;
let canceled = 0;
const runsByKey = new Map<string, number>();

const stockService = service(stock, {
  handlers: {
    whoami: ({ caller }) => ({
      kind: caller.kind,
      subject: caller.subject,
      issuer: caller.issuer,
      scopes: [...caller.scopes],
      roles: [...caller.roles],
      actors: [...(caller.actors ?? [])],
      ...(typeof caller.claims["team"] === "string" ? { team: caller.claims["team"] } : {}),
    }),
    scoped: () => "in",
    forOthers: () => "in",
    own: () => "in",
    checked: ({ input }) => input,
    take({ fail, input }) {
      if (input.sku === "none") throw fail.OutOfStock({ sku: input.sku, left: 0 });
      number += 1;
      return { number };
    },
    nothing: () => undefined,
    async slow({ signal }) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      canceled += 1;
    },
    buggy() {
      throw new TypeError("a secret of the code");
    },
    key({ idempotencyKey: key }) {
      const runs = (runsByKey.get(key) ?? 0) + 1;
      runsByKey.set(key, runs);
      return { key, runs };
    },
    waits: ({ remainingMs: ms }) => ({ ms }),
    canceled: () => canceled,
    async *items({ fail, input }) {
      for (let n = 1; n <= input.upTo; n++) {
        if (n === input.failsAt) throw fail.Broken();
        yield { n };
      }
    },
    file: () => ({ mediaType: "text/plain", content: (async function* () { yield Buffer.from("one "); yield Buffer.from("two"); })(), fileName: "count ü.txt" }),
  },
});

const deskService = service(desk, {
  handlers: {
    async ask({ call, input }) {
      const operation = stock[input.what as "checked"];
      try {
        return { value: await call(operation, input.input as { count: number }, input.timeoutMs === undefined ? {} : { timeoutMs: input.timeoutMs }) };
      } catch (thrown) {
        return { failure: seen(thrown) };
      }
    },
    async twice({ call }) {
      const first = await call(stock.key);
      return { first, second: await call(stock.key) };
    },
    async stream({ call }) {
      const items: number[] = [];
      try {
        for await (const { n } of await call(stock.items, { upTo: 5, failsAt: 4 })) items.push(n);
      } catch (error) {
        return { items, failure: seen(error) };
      }
      return { items };
    },
    async file({ call }) {
      const { content, fileName, mediaType } = await call(stock.file);
      const chunks: Uint8Array[] = [];
      if (content instanceof Uint8Array) chunks.push(content);
      else for await (const chunk of content) chunks.push(chunk);
      return { mediaType, fileName, text: Buffer.concat(chunks).toString() };
    },
    async leave({ call }) {
      await call(stock.slow);
    },
  },
});

interface Failure {
  readonly code: string;
  readonly publicCode: string;
  readonly status: number;
  readonly message: string;
  readonly operation: string | undefined;
  readonly data?: unknown;
  readonly details: readonly unknown[];
  readonly retryAfterS: number | undefined;
}

function seen(thrown: unknown): object {
  const fault = thrown as Failure;
  return { failed: fault.publicCode, code: fault.code, status: fault.status, message: fault.message, operation: fault.operation, data: fault.data, details: fault.details, retryAfterS: fault.retryAfterS };
}

/** Never started: a service that may not be called by `desk`'s certificate either. */
export const billing = contract("billing", { idle: query({ access: calledBy("desk") }) });
const billingService = service(billing, { handlers: { idle: () => undefined } });

export default app("spread", { services: [deskService, stockService, billingService] });
