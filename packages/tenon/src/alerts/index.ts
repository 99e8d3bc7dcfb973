/** Where alerts go: webhooks, Slack-compatible hooks, Alertmanager. */
export { alertmanagerReceiver, type AlertmanagerReceiverOptions } from "./alertmanager.ts";
export { type Outside } from "./post-json.ts";
export { slackReceiver, type SlackReceiverOptions } from "./slack.ts";
export { webhookReceiver, type WebhookReceiverOptions } from "./webhook.ts";
