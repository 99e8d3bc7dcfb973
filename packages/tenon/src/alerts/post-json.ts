/**
 * One message to one receiver, over HTTP: bounded in time and attempts, and silent about its URL, which with many receivers
 * is a secret.
 */
import { backoffMs, type Clock, Fault, type Random } from "../kernel/index.ts";

/** What a receiver needs of the outside. */
export interface Outside {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: Random;
}

export interface PostOptions extends Outside {
  readonly url: string;
  /** Of one attempt: the body is the same for each, a signature may not be. */
  readonly headers?: (body: string) => Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** With three attempts of 4 s and the waits between them below 2 s, a message takes less than 14 s: little more than a look. */
const attemptsMax = 3;
const attemptMs = 4_000;
const waits = { baseMs: 500, capMs: 1_000 } as const;

/** @throws {Fault} `unavailable`: the receiver was not reached, or did not take it, and trying again is of no use now. */
export async function postJson(options: PostOptions): Promise<void> {
  const body = JSON.stringify(options.body);
  for (let attempt = 1; ; attempt++) {
    const failure = await post(body, options);
    if (failure === undefined) return;
    if (!failure.isPassing || attempt === attemptsMax) throw new Fault("unavailable", `${originOf(options.url)} did not take the alert: ${failure.reason}`, { facts: { attempts: attempt } });
    await pause(backoffMs(attempt, waits, options.random), options.clock);
  }
}

interface Failure {
  readonly reason: string;
  /** The same may be taken a moment later. */
  readonly isPassing: boolean;
}

async function post(body: string, { clock, fetch, headers, url }: PostOptions): Promise<Failure | undefined> {
  const ended = new AbortController();
  const timer = clock.after(attemptMs, () => ended.abort());
  try {
    const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers?.(body) }, body, redirect: "manual", signal: ended.signal });
    await response.body?.cancel();
    if (response.ok) return undefined;
    const { status } = response;
    return { reason: `it answered ${status}`, isPassing: status >= 500 || status === 408 || status === 429 };
  } catch (error) {
    if (ended.signal.aborted) return { reason: `no answer within ${attemptMs / 1_000} s`, isPassing: true };
    return { reason: reasonOf(error), isPassing: true };
  } finally {
    timer.cancel();
  }
}

/** Of what `fetch` rejects with, which hides the reason in its cause. The URL is not in it. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : undefined;
  if (typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string") return cause.code;
  return cause instanceof Error ? cause.name : "it was not reached";
}

function originOf(url: string): string {
  return new URL(url).origin;
}

function pause(ms: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
