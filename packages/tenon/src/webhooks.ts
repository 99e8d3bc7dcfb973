/** How senders of webhooks sign: for services that take them, and for those that send them. */
export {
  hmacSignature,
  type HmacSignatureOptions,
  type SignedWebhook,
  signStandardWebhook,
  standardWebhook,
  type StandardWebhookOptions,
  type WebhookRequest,
  type WebhookSecret,
  type WebhookSignature,
  webhookToleranceMs,
  type WebhookVerdict,
} from "./events/index.ts";
