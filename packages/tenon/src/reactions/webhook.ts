/**
 * What a webhook does with a call: verify, parse, read, and then, in one transaction, note the sender's identifier and
 * emit the event. What was answered is stored; what was not is sent again by the sender, and known by its identifier.
 *
 *     bytes ─► signature ─► JSON ─► read ─► noted ─► emitted ─► `stored` (202)
 *               401         400      │        └─ was noted before ─► `known` (204)
 *                                    └─ nothing to tell ─► `nothing` (204)
 */
import type { Handler, WebhookCall } from "../calls/index.ts";
import { command, contract, type Operation, operationsOf } from "../contract/index.ts";
import type { ServiceData } from "../data/index.ts";
import type { WebhookSignature } from "../events/index.ts";
import { Fault } from "../kernel/index.ts";
import type { WebhookTrigger } from "../service/index.ts";
import type { ServiceEnvironment } from "../handlers/index.ts";

export interface WebhookParts {
  readonly environment: ServiceEnvironment;
  readonly data: ServiceData;
  readonly signature: WebhookSignature;
}

/** Two attempts of a sender at once: the second one waits here for the first, and finds its note. */
const noteText = "insert into tenon_webhooks (webhook, id) values ($1, $2) on conflict do nothing";

/** An operation that no contract has: it gives a webhook its name, its deadline and its limit. */
export function webhookOperation(service: string, { deadline, path, rateLimit }: WebhookTrigger): Operation {
  const limited = rateLimit === undefined ? {} : { rateLimit: { ...rateLimit, by: "address" as const } };
  const made = contract(service, { webhook: command({ access: "public", deadline, ...limited }) });
  const [operation] = operationsOf(made) as readonly [Operation];
  return Object.freeze({ ...operation, id: `${service}.webhook ${path}`, name: `webhook ${path}` });
}

/** Answers `stored`, `known` or `nothing`. @throws {Fault} `unauthenticated` (in a call): the reason is for whoever set the webhook up. */
export function handleWebhook({ event, path, read }: WebhookTrigger, { data, environment, signature }: WebhookParts): Handler {
  return async (given) => {
    const call = given as WebhookCall;
    const { posted } = call;
    const verdict = signature.verify(posted, environment.clock.nowMs());
    if (!verdict.ok) throw new Fault("unauthenticated", verdict.reason, { facts: { reason: "signature", challenge: "Webhook-Signature" } });
    const told = read({ body: posted.json(), headers: posted.headers(), id: verdict.id });
    if (told === undefined) return "nothing";
    const work = data.workOf(call);
    const { affected } = await work.run({ text: noteText, parameters: [path, verdict.id] });
    if (affected === 0) return "known";
    await environment.emitter?.emit(call, work, event, told);
    return "stored";
  };
}
