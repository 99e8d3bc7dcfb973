/**
 * What the payment provider tells by itself, signed as Standard Webhooks has it: each message is sent until somebody has
 * taken it. What nobody took is forgotten when the process ends, as some providers do; a shop that hears nothing asks.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createHmac, randomBytes } from "node:crypto";

export interface Delivery {
  /** The same at each attempt. */
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface WebhookSenderOptions {
  /** Base64 after `whsec_`. */
  readonly secret: string;
  /** @returns the status of the answer. */
  readonly deliver: (delivery: Delivery) => Promise<number>;
}

/** With waits that double from half a second these are a quarter of an hour. */
const attemptsMax = 12;
const firstWaitMs = 500;

export class WebhookSender {
  readonly #options: WebhookSenderOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  #isClosed = false;

  constructor(options: WebhookSenderOptions) {
    this.#options = options;
  }

  /** @param message.times  How often it is sent, whatever the answer is: 2 is a sender that is not sure. */
  send(message: { readonly type: string; readonly data: object; readonly times?: number }): void {
    const { type, data, times = 1 } = message;
    const id = `msg_${randomBytes(12).toString("hex")}`;
    const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data });
    for (let i = 0; i < times; i += 1) void this.#attempt({ id, body, attempt: 1 });
  }

  /** Ends at once, whatever is under way. */
  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  async #attempt({ attempt, body, id }: { readonly id: string; readonly body: string; readonly attempt: number }): Promise<void> {
    const status = await this.#options.deliver({ id, body, headers: this.#sign(id, body) }).catch(() => 0);
    if ((status >= 200 && status < 300) || attempt === attemptsMax || this.#isClosed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#attempt({ id, body, attempt: attempt + 1 });
    }, firstWaitMs * 2 ** (attempt - 1));
    this.#timers.add(timer);
  }

  #sign(id: string, body: string): Readonly<Record<string, string>> {
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const key = Buffer.from(this.#options.secret.replace(/^whsec_/, ""), "base64");
    const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
    return { "content-type": "application/json", "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
  }
}

/** Posts to an address. */
export async function postTo(url: string, { body, headers }: Delivery): Promise<number> {
  const response = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(5_000) });
  await response.body?.cancel();
  return response.status;
}
