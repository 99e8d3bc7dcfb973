/** Alerts to any URL, as JSON, signed as Standard Webhooks where there is a secret. */
import { signStandardWebhook } from "../events/index.ts";
import type { Alert, AlertNotification, AlertReceiver } from "../objectives/index.ts";
import { type Outside, postJson } from "./post-json.ts";

export interface WebhookReceiverOptions extends Outside {
  readonly url: string;
  /** Base64 of 24 to 64 random bytes, with or without `whsec_`; empty sends without a signature. */
  readonly secret: string;
}

export function webhookReceiver({ secret, url, ...outside }: WebhookReceiverOptions): AlertReceiver {
  return {
    name: "webhook",
    async send(notification) {
      const headers = (body: string): Readonly<Record<string, string>> =>
        secret === "" ? { "webhook-id": notification.id } : signStandardWebhook({ id: notification.id, sentAtMs: outside.clock.nowMs(), body, secret });
      await postJson({ ...outside, url, headers, body: toBody(notification) });
    },
  };
}

function toBody({ alerts, app, atMs, reason, service, status }: AlertNotification): object {
  return { type: "tenon.alerts", timestamp: isoOf(atMs), data: { app, service, status, reason, alerts: alerts.map(toData) } };
}

function toData({ budgetLeft, firedAtMs, id, indicator, severity, sinceMs, state, subject, summary }: Alert): object {
  return { id, subject, indicator, severity, state, summary, firedAt: firedAtMs === undefined ? null : isoOf(firedAtMs), since: isoOf(sinceMs), budgetLeft };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
