/** What happens without a caller: schedules, retries, webhooks from outside. */
export { defaultRetryPolicy, parseRetryOptions, type RetryOptions, type RetryPolicy } from "./backoff.ts";
