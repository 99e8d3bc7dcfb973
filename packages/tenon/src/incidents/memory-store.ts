/** Incidents in this process only: for apps without a database, and for tests. A restart forgets them. At most 200 are kept. */
import { type Change, releaseText, settingsChange, type SettingsMark } from "./change.ts";
import type { Entry, Incident, IncidentEdit } from "./incident.ts";
import type { IncidentStore } from "./ports.ts";

const incidentsMax = 200;
const changesMax = 1_000;

export class MemoryIncidents implements IncidentStore {
  readonly #incidents = new Map<string, Incident>();
  readonly #entries = new Map<string, Entry[]>();
  #changes: Change[] = [];
  #release: string | undefined = undefined;
  #settings: SettingsMark | undefined = undefined;

  async edit(decide: (incidents: readonly Incident[]) => readonly IncidentEdit[]): Promise<readonly IncidentEdit[]> {
    const edits = decide(this.#unclosed()); // without a wait in between, so that nobody else decides meanwhile
    for (const { entries, incident } of edits) {
      this.#incidents.set(incident.id, incident);
      this.#entries.set(incident.id, [...(this.#entries.get(incident.id) ?? []), ...entries]);
    }
    for (const { id } of [...this.#incidents.values()].filter(({ state }) => state === "closed").slice(0, Math.max(0, this.#incidents.size - incidentsMax))) this.#forget(id);
    return edits;
  }

  async unclosed(): Promise<readonly Incident[]> {
    return this.#unclosed();
  }

  async list(max: number): Promise<readonly Incident[]> {
    return [...this.#incidents.values()].toSorted((a, b) => b.openedAtMs - a.openedAtMs).slice(0, max);
  }

  async find(idPrefix: string): Promise<readonly Incident[]> {
    return [...this.#incidents.values()].filter(({ id }) => id.startsWith(idPrefix));
  }

  async timeLine(id: string): Promise<readonly Entry[]> {
    return (this.#entries.get(id) ?? []).toSorted((a, b) => a.atMs - b.atMs);
  }

  async noteRelease(release: string, atMs: number): Promise<void> {
    if (release === "" || release === this.#release) return;
    this.#note({ atMs, kind: "release", text: releaseText(release, this.#release) });
    this.#release = release;
  }

  async noteSettings(mark: (salt: string | undefined) => SettingsMark, atMs: number): Promise<void> {
    const after = mark(this.#settings?.salt);
    const text = this.#settings === undefined ? undefined : settingsChange(this.#settings, after);
    if (text !== undefined) this.#note({ atMs, kind: "configuration", text });
    this.#settings = after;
  }

  async changes(fromMs: number, untilMs: number): Promise<readonly Change[]> {
    return this.#changes.filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs);
  }

  async sweep(beforeMs: number): Promise<void> {
    this.#changes = this.#changes.filter(({ atMs }) => atMs >= beforeMs);
    for (const { closedAtMs, id } of this.#incidents.values()) if (closedAtMs !== undefined && closedAtMs < beforeMs) this.#forget(id);
  }

  #unclosed(): readonly Incident[] {
    return [...this.#incidents.values()].filter(({ state }) => state !== "closed").toSorted((a, b) => a.openedAtMs - b.openedAtMs);
  }

  #note(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length > changesMax) this.#changes.shift();
  }

  #forget(id: string): void {
    this.#incidents.delete(id);
    this.#entries.delete(id);
  }
}
