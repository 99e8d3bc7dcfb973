/**
 * A payment provider, so that the shop has somebody to talk to: a separate process, plain `node:http`, nothing of the
 * platform in it. It can be slow, fail, lose its answers and hang, as real ones do:
 *
 *     curl -X PUT localhost:3001/control -d '{ "latencyMs": 3000 }'     every answer takes 3 s
 *     curl -X PUT localhost:3001/control -d '{ "failureRate": 0.3 }'    three in ten requests fail with 500, undone
 *     curl -X PUT localhost:3001/control -d '{ "lossRate": 0.3 }'       three in ten are done, and the answer is lost
 *     curl -X PUT localhost:3001/control -d '{ "hang": true }'          everything is done, nothing is answered
 *     curl -X PUT localhost:3001/control -d '{ "webhooks": "twice" }'   each webhook is sent twice; "never": none is
 *     curl -X PUT localhost:3001/control -d '{}'                        all is well again
 *
 * Test cards: `tok_visa` pays, `tok_declined` and `tok_insufficient_funds` do not. `tok_late` pays after a few seconds
 * and `tok_late_declined` does not pay after a few seconds; a webhook tells, as one tells that a refund has arrived.
 */
import { mkdirSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";
import { type Answer, Ledger } from "./ledger.ts";
import { postTo, WebhookSender, type WebhookSenderOptions } from "./webhooks.ts";

export interface Trouble {
  /** How long every answer takes, in ms. */
  readonly latencyMs: number;
  /** Share of requests that fail before anything is done. */
  readonly failureRate: number;
  /** Share of requests that are done and whose connection then breaks. */
  readonly lossRate: number;
  /** Does everything and answers nothing. */
  readonly hang: boolean;
  /** How often each webhook is sent. */
  readonly webhooks: "once" | "twice" | "never";
}

export const noTrouble: Trouble = { latencyMs: 0, failureRate: 0, lossRate: 0, hang: false, webhooks: "once" };

export interface ProviderOptions {
  /** What a shop has to show as its bearer token. */
  readonly key: string;
  readonly trouble?: Partial<Trouble>;
  /** Where the ledger is kept; left out: in memory alone. */
  readonly ledgerFile?: string | undefined;
  /** Left out: it tells nothing by itself. */
  readonly webhooks?: WebhookSenderOptions | undefined;
  /** How long charges of the late cards and refunds take, in ms. Default 3,000. */
  readonly lateMs?: number;
}

/** No request to the provider is larger. */
const bodyMaxBytes = 16 * 1024;

export class Provider {
  readonly ledger: Ledger;
  trouble: Trouble;
  readonly #key: string;
  readonly #server: Server;
  readonly #sender: WebhookSender | undefined;
  readonly #lateMs: number;
  readonly #late = new Map<NodeJS.Timeout, () => void>();

  constructor(options: ProviderOptions) {
    this.ledger = new Ledger(options.ledgerFile);
    this.#sender = options.webhooks === undefined ? undefined : new WebhookSender(options.webhooks);
    this.#lateMs = options.lateMs ?? 3_000;
    for (const id of this.ledger.processing) this.#later(() => this.#finish(id));
    this.trouble = { ...noTrouble, ...options.trouble };
    this.#key = options.key;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        send(response, { status: 500, body: { error: "internal" } });
      });
    });
  }

  /**
   * @param port  Taken when it is free; otherwise, and for 0, the system chooses one.
   * @returns the port.
   */
  async listen(port: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("listening", resolve);
    this.#server.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" && port !== 0) this.#server.listen(0, "127.0.0.1");
      else reject(error);
    });
    this.#server.listen(port, "127.0.0.1");
    await promise;
    return (this.#server.address() as AddressInfo).port;
  }

  /** Does now what would be done later: for tests, which do not wait. */
  hurry(): void {
    const tasks = [...this.#late];
    this.#late.clear();
    for (const [timer, task] of tasks) {
      clearTimeout(timer);
      task();
    }
  }

  /** Ends at once, with whatever is under way: the shop has to live with that. */
  async close(): Promise<void> {
    for (const timer of this.#late.keys()) clearTimeout(timer);
    this.#sender?.close();
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    this.#server.closeAllConnections();
    await closed.promise;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://provider");
    if (pathname === "/health") return send(response, { status: 200, body: { status: "up" } });
    if (pathname === "/control") return send(response, this.#control(request, body));
    if (request.headers.authorization !== `Bearer ${this.#key}`) return send(response, { status: 401, body: { error: "unauthorized" } });
    if (request.method === "GET" && pathname === "/v1/charges") {
      const reference = searchParams.get("reference");
      const charges = this.ledger.charges.filter((charge) => reference === null || charge.reference === reference);
      return send(response, { status: 200, body: { charges } });
    }

    const { latencyMs, failureRate, lossRate } = this.trouble;
    if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
    if (Math.random() < failureRate) return send(response, { status: 500, body: { error: "out_of_order" } });
    const answer = this.#work(request, pathname, body);
    // Asked again, because somebody may have changed it while this request was waiting.
    if (this.trouble.hang) return;
    if (Math.random() < lossRate) {
      request.socket.destroy();
      return;
    }
    send(response, answer);
  }

  #work(request: IncomingMessage, pathname: string, body: Record<string, unknown> | undefined): Answer {
    const key = request.headers["idempotency-key"];
    if (request.method !== "POST" || body === undefined || typeof key !== "string") return { status: 400, body: { error: "bad_request" } };
    const work = this.#operation(pathname, body);
    if (work === undefined) return { status: 400, body: { error: "bad_request" } };
    return this.ledger.once(key, JSON.stringify([pathname, body]), () => this.#followed(work()));
  }

  /** What comes after an answer that was given for the first time. */
  #followed(answer: Answer): Answer {
    const { amountCents, id, reference } = answer.body;
    if (answer.status === 202) this.#later(() => this.#finish(String(id)));
    else if (answer.status === 201 && String(id).startsWith("re_")) this.#later(() => this.#tell("refund.settled", { id, reference, amountCents }));
    return answer;
  }

  #finish(chargeId: string): void {
    const finished = this.ledger.finish(chargeId);
    if (finished === undefined) return; // it was closed meanwhile
    const { charge: { amountCents, id, reference }, end } = finished;
    this.#tell(`charge.${end.status}`, { id, reference, amountCents, ...(end.reason === undefined ? {} : { reason: end.reason }) });
  }

  #tell(type: string, data: object): void {
    const { webhooks } = this.trouble;
    if (webhooks !== "never") this.#sender?.send({ type, data, times: webhooks === "twice" ? 2 : 1 });
  }

  #later(task: () => void): void {
    const timer = setTimeout(() => {
      this.#late.delete(timer);
      task();
    }, this.#lateMs);
    this.#late.set(timer, task);
  }

  #operation(pathname: string, body: Record<string, unknown>): (() => Answer) | undefined {
    const [, version, resource, id, action, more] = pathname.split("/").map(decodeURIComponent);
    if (version !== "v1" || more !== undefined) return undefined;
    const { amountCents, card, currency, reference } = body;
    const isAmount = typeof amountCents === "number" && Number.isSafeInteger(amountCents) && amountCents > 0;
    if (resource === "charges" && id === undefined) {
      if (!isAmount || typeof card !== "string" || typeof currency !== "string" || typeof reference !== "string") return undefined;
      return () => this.ledger.charge({ amountCents, card, currency, reference });
    }
    if (resource === "charges" && id !== undefined && action === "refunds") return isAmount ? () => this.ledger.refund(id, amountCents) : undefined;
    if (resource === "references" && id !== undefined && action === "settle") return () => this.ledger.settle(id);
    return undefined;
  }

  #control(request: IncomingMessage, body: Record<string, unknown> | undefined): Answer {
    if (request.method === "PUT" && body !== undefined) this.trouble = { ...noTrouble, ...body };
    return { status: 200, body: { ...this.trouble } };
  }
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyMaxBytes) return undefined;
    chunks.push(chunk);
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    return typeof body === "object" && body !== null && !Array.isArray(body) ? (body as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // answered as a bad request
  }
}

function send(response: ServerResponse, { status, body }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** Run by itself: settings from the environment, the port told to whoever started it. */
async function main(): Promise<void> {
  const { PROVIDER_PORT, PROVIDER_KEY, PROVIDER_LATENCY_MS, PROVIDER_FAILURE_RATE, PROVIDER_LOSS_RATE, PROVIDER_LEDGER } = process.env;
  const { PAYMENTS_WEBHOOK_SECRET: secret } = process.env;
  let webhookUrl = process.env["PROVIDER_WEBHOOK_URL"] ?? "http://127.0.0.1:3000/webhooks/payments";
  if (PROVIDER_LEDGER !== undefined) mkdirSync(dirname(PROVIDER_LEDGER), { recursive: true });
  const provider = new Provider({
    key: PROVIDER_KEY ?? "sk_development",
    trouble: { latencyMs: Number(PROVIDER_LATENCY_MS ?? 0), failureRate: Number(PROVIDER_FAILURE_RATE ?? 0), lossRate: Number(PROVIDER_LOSS_RATE ?? 0) },
    ledgerFile: PROVIDER_LEDGER,
    webhooks: secret === undefined ? undefined : { secret, deliver: (delivery) => postTo(webhookUrl, delivery) },
  });
  const port = await provider.listen(Number(PROVIDER_PORT ?? 3001));
  process.stdout.write(`the payment provider is listening on http://127.0.0.1:${port}\n`);
  process.send?.({ port });
  // Whoever started it says where the shop listens, once it does.
  process.on("message", (message: { readonly webhookUrl: string }) => (webhookUrl = message.webhookUrl));

  const stop = (): void => void provider.close().then(() => process.connected && process.disconnect?.());
  process.once("SIGTERM", stop);
  // Ctrl-C in a terminal reaches the shop too, which may still be answering requests that pay: it says when.
  process.on("SIGINT", () => process.send === undefined && stop());
  process.once("disconnect", stop); // the shop is gone, however it went
}

if (import.meta.main) await main();
