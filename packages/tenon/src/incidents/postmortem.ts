/** A draft of a post-mortem, in Markdown: what is on record, in the order in which people read it. Blameless: people are named for what they did to help. Pure. */
import { clockText } from "./examine.ts";
import type { Entry, Incident } from "./incident.ts";
import type { Suspect } from "./suspect.ts";

export function postmortemOf(incident: Incident, timeLine: readonly Entry[]): string {
  const ended = incident.mitigatedAtMs ?? incident.closedAtMs;
  const causes = causesOf(incident, timeLine);
  return [
    `# ${incident.title}`,
    "",
    `Incident ${incident.id} of ${incident.app}, ${incident.severity}, ${incident.state}. A draft from what is on record; what is not on record is marked with (?).`,
    "",
    "## Summary",
    "",
    summaryOf(incident, ended),
    "",
    "## Impact",
    "",
    ...impactOf(incident, ended),
    "",
    "## Time line",
    "",
    "All times are UTC.",
    "",
    "| time | what | by |",
    "|---|---|---|",
    ...timeLine.map(({ actor, atMs, text }) => `| ${stamp(atMs)} | ${cell(text)} | ${actor === "" ? "" : cell(actor)} |`),
    "",
    "## Contributing causes",
    "",
    ...causes.map((cause) => `- ${cause}`),
    "- (?) What made this possible, and why was it not seen before? Ask of the system, and not of people.",
    "",
    "## What went well",
    "",
    ...wellOf(incident, timeLine).map((text) => `- ${text}`),
    "- (?) What else helped?",
    "",
    "## Actions",
    "",
    "| action | kind | owner | due |",
    "|---|---|---|---|",
    ...actionsOf(incident, timeLine).map((action) => `| ${cell(action)} | (?) | (?) | (?) |`),
    "",
  ].join("\n");
}

function summaryOf({ acknowledgedAtMs, alerts, onsetMs, openedAtMs, suspect, title }: Incident, ended: number | undefined): string {
  const lasted = ended === undefined ? "It goes on." : `It was over at ${stamp(ended)}, ${lengthText(ended - onsetMs)} after it began.`;
  const cause = suspect === undefined ? "" : ` What was found first in the graph of calls is ${suspect.name} (confidence ${suspect.confidence}).`;
  const taken = acknowledgedAtMs === undefined ? "Nobody acknowledged it." : `It was acknowledged ${lengthText(acknowledgedAtMs - openedAtMs)} after it was opened.`;
  return `From ${stamp(onsetMs)} on, ${title}. ${alerts.length === 1 ? "One alert" : `${alerts.length} alerts`} fired, the first ${lengthText(Math.min(...alerts.map(({ firedAtMs }) => firedAtMs)) - onsetMs)} after it began. ${taken} ${lasted}${cause}`;
}

function impactOf({ onsetMs, reach }: Incident, ended: number | undefined): readonly string[] {
  const length = `- Length: ${ended === undefined ? "it goes on" : lengthText(ended - onsetMs)}`;
  if (reach === undefined) return [length, "- (?) How many calls and callers met it is not on record"];
  return [
    length,
    ...reach.objectives.map(({ bad, target, total }) => `- ${target}: ${bad} of ${total} not as promised (${percent(bad, total)})`),
    ...reach.operations.map(({ calls, failed, isSlow, operation }) => `- ${operation}: ${failed} of ${calls} calls failed (${percent(failed, calls)})${isSlow ? ", and calls took longer than usual" : ""}, in the instance that looked`),
    `- Callers: about ${reach.callers}, in the instance that looked`,
    `- Services: ${reach.services.join(", ")}`,
  ];
}

const changeKinds: ReadonlySet<Entry["kind"]> = new Set(["release", "migration", "configuration", "traffic"]);

function causesOf({ onsetMs, suspect }: Incident, timeLine: readonly Entry[]): readonly string[] {
  const before = timeLine.filter(({ atMs, kind }) => changeKinds.has(kind) && (atMs <= onsetMs || kind === "traffic"));
  return [...(suspect === undefined ? [] : suspectLines(suspect)), ...before.map(({ atMs, text }) => `${atMs === onsetMs ? "At its beginning" : `${lengthText(onsetMs - atMs)} before it began`}: ${text}`)];
}

function suspectLines({ confidence, evidence, name, path, sinceMs }: Suspect): readonly string[] {
  return [`${name}, since ${clockText(sinceMs)} (confidence ${confidence}), by way of ${path.join(" → ")}`, ...evidence.map((line) => `  - ${line}`)];
}

function wellOf({ acknowledgedAtMs, alerts, onsetMs, openedAtMs, suspect }: Incident, timeLine: readonly Entry[]): readonly string[] {
  const firstMs = Math.min(...alerts.map(({ firedAtMs }) => firedAtMs));
  const steps = timeLine.filter(({ data, kind }) => kind === "step" && (data as { readonly outcome?: string } | undefined)?.outcome === "done");
  return [
    `An alert fired ${lengthText(firstMs - onsetMs)} after it began; nobody had to report it`,
    ...(acknowledgedAtMs === undefined ? [] : [`Somebody took it ${lengthText(acknowledgedAtMs - openedAtMs)} after it was opened`]),
    ...(suspect === undefined || suspect.confidence === "low" ? [] : ["What was suspected was named when it was opened"]),
    ...(steps.length === 0 ? [] : [`${steps.length === 1 ? "A step of a runbook was" : `${steps.length} steps of runbooks were`} at hand, and worked`]),
  ];
}

function actionsOf({ acknowledgedAtMs, suspect }: Incident, timeLine: readonly Entry[]): readonly string[] {
  const { name } = suspect ?? { name: "what failed" };
  return [
    `Make trouble of ${name} harmless to its callers`,
    ...(timeLine.some(({ kind }) => kind === "release") ? ["Have a test find what the release brought, if it was the release"] : []),
    ...(timeLine.some(({ kind }) => kind === "step") ? [] : ["Write a runbook for this: there was none that anybody used"]),
    ...(acknowledgedAtMs === undefined ? ["See to it that a page reaches somebody"] : []),
  ];
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "none" : `${Number(((part / whole) * 100).toPrecision(3))} %`;
}

/** `2026-11-24 13:02:10` */
function stamp(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

/** `41 s`, `3 min 20 s`, `2 h 5 min` */
export function lengthText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  if (minutes < 60) return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
  const [hours, left] = [Math.floor(minutes / 60), minutes % 60];
  return left === 0 ? `${hours} h` : `${hours} h ${left} min`;
}
