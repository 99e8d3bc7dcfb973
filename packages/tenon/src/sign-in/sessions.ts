/**
 * Sessions of browsers that are signed in.
 *
 * A session is  used → renewed (its rights, at the issuer, before they end) → over: by sign-out, when nobody used it for
 * `idleMs`, after `lifeMs` however much it is used, or when the issuer gives no more rights. While one process renews,
 * others wait for it. What the issuer revokes is seen at the next renewal.
 */
import { type Clock, Fault, type Log } from "../kernel/index.ts";
import type { SessionVerifier, VerifiedToken } from "../trust/index.ts";
import type { SessionStore, StoredSession } from "./ports.ts";
import type { RelyingParty, SignedIn } from "./relying-party.ts";
import { idOf, isCookie, newCookie, open, seal } from "./session-cookie.ts";

export interface SessionsOptions {
  readonly store: SessionStore;
  readonly party: RelyingParty;
  readonly clock: Clock;
  readonly log: Log;
  readonly idleMs: number;
  readonly lifeMs: number;
}

/** Use is noted so often, in ms: a write for every call would be one too many. */
const noteUseMs = 60_000;
/** The longest that one renewal may take. */
const holdMs = 15_000;
const waitMs = 100;
/** Sessions that are over are removed so often, at most, in ms. */
const sweepEveryMs = 600_000;

export class Sessions implements SessionVerifier {
  readonly #options: SessionsOptions;
  readonly #listeners: ((cookie: string) => void)[] = [];
  #sweptAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  onEnd(listener: (cookie: string) => void): void {
    this.#listeners.push(listener);
  }

  /** Begins a session. Gives its cookie, which nobody else will ever know. */
  async begin(content: SignedIn): Promise<string> {
    const { clock, lifeMs, store } = this.#options;
    const cookie = newCookie();
    const nowMs = clock.nowMs();
    await store.add({ id: idOf(cookie), content: seal(cookie, content), startedAtMs: nowMs, usedAtMs: nowMs, endsAtMs: nowMs + lifeMs });
    await this.#sweep(nowMs);
    return cookie;
  }

  /** With a new one, so that there are never many more than are in use. */
  async #sweep(nowMs: number): Promise<void> {
    const { clock, idleMs, store } = this.#options;
    if (clock.elapsedMs() - this.#sweptAtMs < sweepEveryMs) return;
    this.#sweptAtMs = clock.elapsedMs();
    await store.sweep(nowMs, nowMs - idleMs);
  }

  /** What the session of a cookie holds; `undefined` where there is none that is not over. */
  async find(cookie: string): Promise<{ readonly stored: StoredSession; readonly content: SignedIn } | undefined> {
    const { clock, idleMs, log, store } = this.#options;
    if (!isCookie(cookie)) return undefined;
    const stored = await store.find(idOf(cookie));
    const nowMs = clock.nowMs();
    if (stored === undefined || nowMs >= stored.endsAtMs || nowMs >= stored.usedAtMs + idleMs) return undefined;
    try {
      return { stored, content: open(cookie, stored.content) as SignedIn };
    } catch (error) {
      log.error("a session cannot be opened: it was changed in the store", { error });
      return undefined;
    }
  }

  /** The caller of a call that came with the cookie. @throws {Fault} `unauthenticated`: the session is over; `unavailable`. */
  async verify(cookie: string): Promise<VerifiedToken> {
    const { clock, idleMs, store } = this.#options;
    const found = await this.find(cookie);
    if (found === undefined) throw over();
    const { stored } = found;
    const content = await this.#renewed(cookie, found.content);
    const nowMs = clock.nowMs();
    if (nowMs - stored.usedAtMs >= Math.min(noteUseMs, idleMs / 4)) await store.use(stored.id, nowMs);
    return { claims: content.claims, expiresAtMs: Math.min(stored.endsAtMs, nowMs + idleMs) };
  }

  /** Ends the session of a cookie. Idempotent. */
  async end(cookie: string): Promise<void> {
    if (!isCookie(cookie)) return;
    await this.#options.store.end(idOf(cookie));
    for (const listener of this.#listeners) listener(cookie);
  }

  async #renewed(cookie: string, content: SignedIn): Promise<SignedIn> {
    const { clock, party, store } = this.#options;
    const startMs = clock.nowMs();
    for (let current = content; ; ) {
      // Without a refresh token the session itself is what says how long the rights last.
      if (current.refreshToken === undefined || current.renewAtMs === undefined || clock.nowMs() < current.renewAtMs) return current;
      if (await store.hold(idOf(cookie), clock.nowMs(), holdMs)) {
        const fresh = await party.refresh(current);
        if (fresh === undefined) {
          await this.end(cookie);
          throw over();
        }
        await store.renew(idOf(cookie), seal(cookie, fresh));
        return fresh;
      }
      if (clock.nowMs() - startMs > holdMs) throw new Fault("unavailable", "the session is being renewed, and that takes too long", { retryAfterS: 2 });
      await new Promise<void>((resolve) => void clock.after(waitMs, resolve));
      const again = await this.find(cookie);
      if (again === undefined) throw over();
      current = again.content;
    }
  }
}

function over(): Fault {
  return new Fault("unauthenticated", "the session is over", { facts: { reason: "session_over" } });
}
