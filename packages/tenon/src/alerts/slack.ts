/**
 * Alerts to a Slack-compatible incoming webhook: Slack, Mattermost, Rocket.Chat and others read `text`.
 *
 * @see https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
 */
import type { Alert, AlertNotification, AlertReceiver } from "../objectives/index.ts";
import { type Outside, postJson } from "./post-json.ts";

export interface SlackReceiverOptions extends Outside {
  /** Whoever has it can post: a secret. */
  readonly url: string;
}

/** Alerts shown in one message; the number of the others is. */
const shownMax = 20;

export function slackReceiver({ url, ...outside }: SlackReceiverOptions): AlertReceiver {
  return { name: "slack", send: (notification) => postJson({ ...outside, url, body: { text: toText(notification) } }) };
}

function toText({ alerts, app, reason, service, status }: AlertNotification): string {
  const firing = alerts.filter(({ state }) => state === "firing").length;
  const head = status === "resolved" ? `${app}: ${service} is well again` : `${app}: ${service} has ${firing} ${firing === 1 ? "alert" : "alerts"}${reason === "repeat" ? ", still" : ""}`;
  const more = alerts.length > shownMax ? [`and ${alerts.length - shownMax} more`] : [];
  return [`*${escape(head)}*`, ...alerts.slice(0, shownMax).map(lineOf), ...more].join("\n");
}

function lineOf({ budgetLeft, severity, state, subject, summary }: Alert): string {
  if (state === "resolved") return `• resolved: ${escape(subject)}`;
  return `• ${severity}: ${escape(summary)}; ${Math.floor(budgetLeft * 1_000) / 10} % of the budget is left`;
}

/** https://docs.slack.dev/messaging/formatting-message-text "Escaping text" */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
