/**
 * Who is told what, and when: pure, over the alerts of one service.
 *
 * Alerts that begin or end within `groupWaitMs` of each other are one notification. What goes on firing is told again
 * after `repeatMs`. A ticket is not told of while a page fires for the same objective: it says nothing new. What is
 * silenced is told of when the silence ends, if it fires still.
 */
import type { Alert } from "./alert.ts";
import type { AlertNotification } from "./ports.ts";
import { isSilenced, type Silence } from "./silence.ts";

/** Long enough to gather what has one cause and is found in two looks, short beside the time to find it. */
export const groupWaitMs = 10_000;
/** As Alertmanager's own default for `repeat_interval`. */
export const repeatMs: number = 4 * 3_600_000;

export interface NotifierOptions {
  readonly app: string;
  readonly service: string;
}

export interface Look {
  readonly alerts: readonly Alert[];
  readonly silences: readonly Silence[];
  readonly nowMs: number;
}

/** What is to be said, and the alerts as they are once it was said. */
export interface Saying {
  readonly notification: AlertNotification;
  readonly told: readonly Alert[];
  /** Ids of those that were told to be over. */
  readonly over: readonly string[];
}

export class Notifier {
  readonly #options: NotifierOptions;
  /** When the first of those alerts was found that nobody knows of yet. */
  #groupSinceMs: number | undefined = undefined;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  look({ alerts, nowMs, silences }: Look): Saying | undefined {
    const paged = new Set(alerts.filter(({ severity, state }) => severity === "page" && state === "firing").map(({ target }) => target));
    const isLoud = (alert: Alert): boolean => !(alert.severity === "ticket" && paged.has(alert.target)) && !isSilenced(alert, silences, nowMs);
    const firing = alerts.filter((alert) => alert.state === "firing" && isLoud(alert));
    // Whoever was told that it fires is told that it does not, silenced or not.
    const ended = alerts.filter(({ state, toldAtMs }) => state === "resolved" && toldAtMs !== undefined);
    const isNew = ended.length > 0 || firing.some(({ toldAtMs }) => toldAtMs === undefined);
    const isDue = firing.some(({ toldAtMs }) => toldAtMs !== undefined && nowMs - toldAtMs >= repeatMs);
    if (!isNew) this.#groupSinceMs = undefined;
    if (!isNew && !isDue) return undefined;
    if (isNew) {
      this.#groupSinceMs ??= nowMs;
      if (nowMs - this.#groupSinceMs < groupWaitMs) return undefined;
      this.#groupSinceMs = undefined;
    }
    const notification = this.#create([...firing, ...ended], isNew ? "change" : "repeat", nowMs);
    return { notification, told: firing.map((alert) => ({ ...alert, toldAtMs: nowMs })), over: ended.map(({ id }) => id) };
  }

  /** For receivers that forget: what was told of and fires still. */
  refresh(alerts: readonly Alert[], nowMs: number): AlertNotification | undefined {
    const known = alerts.filter(({ state, toldAtMs }) => state === "firing" && toldAtMs !== undefined);
    return known.length === 0 ? undefined : this.#create(known, "refresh", nowMs);
  }

  #create(alerts: readonly Alert[], reason: AlertNotification["reason"], nowMs: number): AlertNotification {
    const { app, service } = this.#options;
    const sorted = alerts.toSorted((a, b) => rankOf(a) - rankOf(b) || (a.id < b.id ? -1 : 1));
    const status = sorted.some(({ state }) => state === "firing") ? "firing" : "resolved";
    // The instants of the changes, and not of this attempt: another instance that says the same says it under the same id.
    const lastMs = Math.max(...sorted.map(({ sinceMs }) => sinceMs));
    const round = reason === "change" ? "" : `-${Math.floor(nowMs / repeatMs)}`;
    return { id: `${app}-${service}-${lastMs}${round}`, app, service, reason, status, alerts: sorted, atMs: nowMs };
  }
}

function rankOf({ severity, state }: Alert): number {
  return (state === "firing" ? 0 : 2) + (severity === "page" ? 0 : 1);
}
