/** What changed in an app, so that an incident can say what did just before it. Pure. */
import type { Entry } from "./incident.ts";

export interface Change {
  readonly atMs: number;
  readonly kind: "release" | "migration" | "configuration";
  readonly text: string;
}

/** Settings by name, each as a few digits of a salted digest: enough to see that one changed, too little to find out a secret. */
export interface SettingsMark {
  readonly salt: string;
  readonly digests: Readonly<Record<string, string>>;
}

/** The names of what is not the same in both, in words; `undefined` where all is. */
export function settingsChange(before: SettingsMark, after: SettingsMark): string | undefined {
  const names = [...new Set([...Object.keys(before.digests), ...Object.keys(after.digests)])].toSorted();
  const said = names.flatMap((name) => {
    const [was, is] = [before.digests[name], after.digests[name]];
    if (was === is) return [];
    return [was === undefined ? `${name} was set` : is === undefined ? `${name} was taken away` : `${name} has another value`];
  });
  return said.length === 0 ? undefined : said.join(", ");
}

/** How much more or less traffic has to be to be told. */
const trafficFactor = 2;
/** Fewer calls than this are no traffic. */
const trafficMin = 20;

/** Calls since the onset beside those of the same length of time before. */
export function trafficChange(subject: string, before: number, during: number): string | undefined {
  if (Math.max(before, during) < trafficMin) return undefined;
  const factor = during / Math.max(before, 1);
  if (factor < trafficFactor && factor > 1 / trafficFactor) return undefined;
  return `calls of ${subject}: ${during} since the trouble began, ${before} in as much time before (${Number(factor.toPrecision(2))} times)`;
}

export function toEntry({ atMs, kind, text }: Change): Entry {
  return { atMs, kind, text, actor: "" };
}

export function releaseText(release: string, before: string | undefined): string {
  return before === undefined ? `release ${release}, the first on record` : `release ${release}, after ${before}`;
}
