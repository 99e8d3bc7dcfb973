/** Sessions in this process alone: for an app without a database, and one process. A restart signs everybody out. */
import type { SessionStore, StoredSession } from "./ports.ts";

/** About 5 KB each. Beyond, the one that was begun first is ended. */
const defaultMax = 10_000;

export function memorySessions(max: number = defaultMax): SessionStore {
  const sessions = new Map<string, StoredSession>();
  const held = new Map<string, number>();

  return {
    async add(session) {
      sessions.set(session.id, session);
      const [oldest] = sessions.keys();
      if (sessions.size > max && oldest !== undefined) sessions.delete(oldest);
    },
    async find(id) {
      return sessions.get(id);
    },
    async use(id, atMs) {
      const session = sessions.get(id);
      if (session !== undefined) sessions.set(id, { ...session, usedAtMs: Math.max(atMs, session.usedAtMs) });
    },
    async hold(id, nowMs, holdMs) {
      if (!sessions.has(id) || (held.get(id) ?? 0) > nowMs) return false;
      held.set(id, nowMs + holdMs);
      return true;
    },
    async renew(id, content) {
      const session = sessions.get(id);
      if (session !== undefined) sessions.set(id, { ...session, content });
      held.delete(id);
    },
    async end(id) {
      sessions.delete(id);
      held.delete(id);
    },
    async sweep(nowMs, unusedSinceMs) {
      for (const [id, { endsAtMs, usedAtMs }] of sessions) {
        if (endsAtMs > nowMs && usedAtMs > unusedSinceMs) continue;
        sessions.delete(id);
        held.delete(id);
      }
    },
  };
}
