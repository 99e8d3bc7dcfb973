/**
 * Alerts to Prometheus' Alertmanager, which groups, silences and routes by itself. It forgets an alert at its `endsAt`, so
 * what fires is said again every minute, as Prometheus does.
 *
 * @see https://prometheus.io/docs/alerting/latest/alerts_api/
 */
import type { Alert, AlertNotification, AlertReceiver } from "../objectives/index.ts";
import { type Outside, postJson } from "./post-json.ts";

export interface AlertmanagerReceiverOptions extends Outside {
  /** `http://alertmanager:9093`, without `/api/v2/alerts`. */
  readonly url: string;
}

const refreshMs = 60_000;
/** An alert that is not said again ends by itself: Prometheus waits for four of its rounds too. */
const keptMs = 4 * refreshMs;

export function alertmanagerReceiver({ url, ...outside }: AlertmanagerReceiverOptions): AlertReceiver {
  return {
    name: "alertmanager",
    refreshMs,
    send: (notification) => postJson({ ...outside, url: `${url.replace(/\/+$/, "")}/api/v2/alerts`, body: notification.alerts.map((alert) => toAlert(alert, notification)) }),
  };
}

function toAlert({ budgetLeft, firedAtMs, indicator, severity, sinceMs, state, subject, summary, target }: Alert, { app, atMs, service }: AlertNotification): object {
  return {
    // What identifies an alert: the same as those of `tenon export prometheus`, so that both fall into one group.
    labels: { alertname: "TenonErrorBudgetBurn", app, service, operation: subject, indicator, objective: target, severity },
    annotations: { summary, budget_left: `${Math.floor(budgetLeft * 1_000) / 10} %` },
    startsAt: isoOf(firedAtMs ?? sinceMs),
    endsAt: isoOf(state === "firing" ? atMs + keptMs : sinceMs),
  };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
