/** What happens without a caller: schedules, retries, webhooks from outside. */
export { defaultRetryPolicy, parseRetryOptions, type RetryOptions, type RetryPolicy } from "./backoff.ts";
export { describeSchedule } from "./schedule-description.ts";
export { type CronSpec, dueInstants, type DueInstants, type DueQuestion, type MissedPolicy, nextAfter, parseSchedule, type ScheduleSpec, type ScheduleTime } from "./schedule.ts";
export { hmacSignature, type HmacSignatureOptions, type SignedWebhook, signStandardWebhook, standardWebhook, type StandardWebhookOptions, type WebhookRequest, type WebhookSecret, type WebhookSignature, webhookToleranceMs, type WebhookVerdict } from "./webhook-signature.ts";
