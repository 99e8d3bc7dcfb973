/**
 * Which dependency failed first: from the operation whose objective is in danger down the graph of calls and events, for as
 * long as what it needs explains what it shows.
 *
 * A step down is taken to what departed from its own usual state and accounts for at least half of the failures (or of the
 * time) that its user has more than usual. Where there are several, to the one that accounts for most; among equals, to the
 * one that departed first. Where there is none, the node itself is the suspect. What did not depart is never named, however
 * much it is used.
 *
 * A subscription that is behind is led back by where its events wait. In the outbox: to what carries them, or to whoever emits
 * many more than usual. In the inbox: deliveries fail, and it goes on as for operations; or a queue has grown, and then either
 * more comes or each takes longer, and what grew more is followed. Events that cannot be read lead to whoever emits them.
 *
 * Deterministic: the same past gives the same answer.
 */
import { nodeKind, type NodeKind, nodeName, nodeOf, outside } from "../calls/index.ts";
import { type Departure, departureOf, isOdd } from "./departure.ts";
import { bucketMs, type Edge, type GraphPast, historyMs } from "./graph-history.ts";

export type Confidence = "high" | "medium" | "low";

export interface Suspect {
  /** As the graph names it: `payments.charge`, `dependency:payment provider`, `pool:orders`. */
  readonly node: string;
  readonly kind: NodeKind;
  /** For people: `the dependency "payment provider"`. */
  readonly name: string;
  /** From the operation whose objective is in danger to the suspect. */
  readonly path: readonly string[];
  readonly confidence: Confidence;
  /** What speaks for it, a line for each node of the path. */
  readonly evidence: readonly string[];
  /** When it departed from its usual state, in ms since 1970. */
  readonly sinceMs: number;
}

export interface SuspectQuestion {
  /** The operation or subscription whose objective is in danger. */
  readonly subject: string;
  /** `behind`: of a subscription, whose events wait. */
  readonly symptom: "failing" | "slow" | "behind";
  /** Of `behind`: where the event waits that waits longest. Default: in the inbox of the subscription. */
  readonly waitsIn?: "outbox" | "inbox";
  /** When the trouble began, in ms since 1970. */
  readonly onsetMs: number;
  readonly nowMs: number;
}

/** Less of its user's trouble, and it is no cause of it. */
const explainsMin = 0.5;
/** The trouble of a dependency may come a little before that of its user is seen. */
const leadMs = 2 * bucketMs;
/** Many more than usual: at least so many times, and so many. */
const floodFactor = 2;
const floodMin = 20;
/** Of a shorter past it is not known how much is usual, in ms. */
const usualPastMs = 60_000;

/** How much there was of something since the onset, and how much of it is usual in as much time. */
interface Flow {
  readonly count: number;
  /** `undefined` where too little is known of before. */
  readonly usual: number | undefined;
}

interface Seen {
  readonly departure: Departure;
  readonly flow: Flow;
  readonly sinceMs: number;
}

/** `late`: events do not leave; `flooded`: many more of them than usual. */
type Symptom = "failing" | "slow" | "late" | "flooded";

interface Step {
  readonly node: string;
  readonly seen: Seen;
  /** Part of its user's trouble that it accounts for. */
  readonly explains: number;
  readonly symptom: Symptom;
}

/** `undefined` where nothing is known of the subject: it has not been called since this process began. */
export function findSuspect(past: GraphPast, question: SuspectQuestion): Suspect | undefined {
  const into = edgesInto(past, question.subject);
  if (into.length === 0) return undefined;
  const seen = look(past, into, question);
  const steps: Step[] = [{ node: question.subject, seen, explains: 1, symptom: symptomOf(past, seen, question) }];
  const visited = new Set([question.subject]);
  for (;;) {
    const at = steps.at(-1) as Step;
    const next = candidates(past, at, question).filter(({ node }) => !visited.has(node)).toSorted(byBlame)[0];
    if (next === undefined) break;
    visited.add(next.node);
    steps.push(next);
  }
  return describeSuspect(past, steps);
}

/** Failures first: lag is that of the oldest event, and one that fails again and again is enough. */
function symptomOf(past: GraphPast, { departure }: Seen, question: SuspectQuestion): Symptom {
  const { symptom, waitsIn } = question;
  if (symptom !== "behind") return symptom;
  if (waitsIn === "outbox") return "late";
  if (departure.isFailing) return "failing";
  const arrivals = Math.max(0, ...eventsOf(past, question.subject).map((edge) => growthOf(arrivalsOf(past, edge, question))));
  const duration = departure.isSlow ? departure.meanMs / (departure.usualMeanMs ?? departure.meanMs) : 1;
  return arrivals >= floodFactor && arrivals > duration ? "flooded" : "slow";
}

/** The events that a subscription handles. */
function eventsOf(past: GraphPast, subject: string): readonly Edge[] {
  return past.edges.filter(({ from, to }) => from === subject && nodeKind(to) === "event");
}

/** As many as were emitted; where that is not seen from here, as many as were delivered. */
function arrivalsOf(past: GraphPast, delivered: Edge, question: SuspectQuestion): Flow {
  const emitted = emissionsOf(past, delivered.to);
  return look(past, emitted.length === 0 ? [delivered] : emitted, question).flow;
}

/** Edges from an event to the operations that emit it. */
function emissionsOf(past: GraphPast, event: string): readonly Edge[] {
  return past.edges.filter(({ from, to }) => from === event && nodeKind(to) === "operation");
}

/** 1 where nothing is known of before, or where it is too little to say anything. */
function growthOf({ count, usual }: Flow): number {
  if (usual === undefined || count - usual < floodMin) return 1;
  return usual === 0 ? Number.POSITIVE_INFINITY : count / usual;
}

function candidates(past: GraphPast, at: Step, question: SuspectQuestion): readonly Step[] {
  if (nodeKind(at.node) === "pool") return behindPool(past, at, question);
  if (nodeKind(at.node) === "event") return behindEvent(past, at, question);
  if (at.symptom === "late" || at.symptom === "flooded") return at.node === question.subject ? itsEvents(past, at, question) : [];
  // What it needs by itself, as it is used by this one.
  const needs = past.edges.filter(({ from }) => from === at.node);
  return needs.flatMap((edge): readonly Step[] => {
    const seen = look(past, [edge], question);
    const step = explanation(at, seen.departure);
    // How long an event was on its way is no part of how long its delivery takes.
    return step === undefined || (step.symptom === "slow" && nodeKind(edge.to) === "event") ? [] : [{ node: edge.to, seen, ...step }];
  });
}

function itsEvents(past: GraphPast, { node, symptom }: Step, question: SuspectQuestion): readonly Step[] {
  return eventsOf(past, node).map((edge) => ({ node: edge.to, seen: { ...look(past, [edge], question), flow: arrivalsOf(past, edge, question) }, explains: 1, symptom }));
}

/** What carries it, or who emits it. */
function behindEvent(past: GraphPast, { node, symptom }: Step, question: SuspectQuestion): readonly Step[] {
  if (symptom === "late") {
    const carriers = past.edges.filter(({ from, to }) => from === node && nodeKind(to) !== "operation");
    const odd = carriers.flatMap(({ to }): readonly Step[] => {
      const seen = look(past, carriers.filter((each) => each.to === to), question);
      const { isFailing, isSlow } = seen.departure;
      return isFailing || isSlow ? [{ node: to, seen, explains: 1, symptom: isFailing ? "failing" : "slow" }] : [];
    });
    if (odd.length > 0) return odd;
  }
  const emissions = emissionsOf(past, node);
  const all = look(past, emissions, question).flow;
  if (symptom !== "failing" && growthOf(all) < floodFactor) return [];
  const next = symptom === "failing" ? symptom : "flooded";
  // Whoever emits what cannot be read: most of it. Whoever emits too much: most of what is too much.
  const blameOf = ({ count, usual = 0 }: Flow): number => (symptom === "failing" ? count : Math.max(0, count - usual));
  return emissions.flatMap((edge): readonly Step[] => {
    const seen = look(past, [edge], question);
    const explains = blameOf(all) === 0 ? 0 : Math.min(1, blameOf(seen.flow) / blameOf(all));
    return explains < explainsMin ? [] : [{ node: edge.to, seen, explains, symptom: next }];
  });
}

/** Who waits for a session waits for the statements of others: how much longer those take says nothing of how long the queue is. */
function behindPool(past: GraphPast, at: Step, question: SuspectQuestion): readonly Step[] {
  const node = nodeOf.database(nodeName(at.node));
  const seen = look(past, edgesInto(past, node), question);
  const { isFailing, isSlow } = seen.departure;
  return isSlow || isFailing ? [{ node, seen, explains: 1, symptom: isSlow ? "slow" : "failing" }] : [];
}

function explanation({ seen: { departure: user }, symptom }: Step, needed: Departure): Pick<Step, "explains" | "symptom"> | undefined {
  const byFailing = symptom === "failing" && needed.isFailing && user.excessBad > 0 ? needed.excessBad / user.excessBad : 0;
  // Whoever waits too long fails as well: only where the user became slow itself, or a slow neighbor would be blamed for a bug.
  const bySlowness = needed.isSlow && user.isSlow && user.excessMs > 0 ? needed.excessMs / user.excessMs : 0;
  const isFailing = byFailing >= explainsMin;
  const explains = Math.min(1, isFailing ? byFailing : bySlowness);
  return explains < explainsMin ? undefined : { explains, symptom: isFailing ? "failing" : "slow" };
}

function byBlame(a: Step, b: Step): number {
  return b.explains - a.explains || a.seen.sinceMs - b.seen.sinceMs || b.seen.departure.excessMs - a.seen.departure.excessMs || (a.node < b.node ? -1 : 1);
}

function edgesInto(past: GraphPast, node: string): readonly Edge[] {
  return past.edges.filter(({ to }) => to === node);
}

/** How several edges together are doing since the onset, beside the time before. */
export function look(past: GraphPast, edges: readonly Edge[], { nowMs, onsetMs }: Pick<SuspectQuestion, "onsetMs" | "nowMs">): Seen {
  const sinceMs = onsetMs - leadMs;
  const before = past.uses(edges, nowMs - historyMs, sinceMs);
  const departure = departureOf(before, past.uses(edges, onsetMs, nowMs + bucketMs));
  const pastMs = sinceMs - Math.max(past.beganMs, nowMs - historyMs);
  const flow = { count: departure.total, usual: pastMs < usualPastMs ? undefined : (before.total / pastMs) * (nowMs - onsetMs) };
  for (let atMs = Math.floor(sinceMs / bucketMs) * bucketMs; atMs <= nowMs; atMs += bucketMs) {
    if (isOdd(departure, past.uses(edges, atMs, atMs + bucketMs))) return { departure, flow, sinceMs: atMs };
  }
  return { departure, flow, sinceMs: onsetMs };
}

function describeSuspect(past: GraphPast, steps: readonly Step[]): Suspect {
  const { node, seen } = steps.at(-1) as Step;
  const needs = past.edges.filter(({ from }) => from === node);
  const isFollowed = steps.length > 1 && (steps[0]?.symptom === "late" || steps[0]?.symptom === "flooded");
  return {
    node,
    kind: nodeKind(node),
    name: nameOf(node),
    path: steps.map((step) => step.node),
    confidence: confidenceOf(steps, needs.length),
    evidence: [...steps.map(evidenceOf), ...(isFollowed ? [] : ownEvidence(node, needs.length))],
    sinceMs: seen.sinceMs,
  };
}

/** High: all of it is explained, and there was a time to compare with. What uses nothing that is seen may use what is not. */
function confidenceOf(steps: readonly Step[], needs: number): Confidence {
  const [first] = steps as readonly [Step];
  const last = steps.at(-1) as Step;
  const { isFailing, isSlow } = first.seen.departure;
  const isFollowed = last.symptom === "flooded" || (first.symptom === "late" && last.symptom !== "late");
  if (!isFailing && !isSlow && !isFollowed) return "low";
  const hasPast = steps.every(({ seen }) => seen.departure.usualTotal > 0);
  const isBlind = steps.length === 1 && needs === 0;
  const explained = Math.min(...steps.map(({ explains }) => explains));
  return hasPast && !isBlind && explained >= 0.8 ? "high" : "medium";
}

export function nameOf(node: string): string {
  const name = nodeName(node);
  const kind = nodeKind(node);
  if (kind === "pool") return `the sessions of the database of ${name}`;
  if (kind === "database") return `statements in the database of ${name}`;
  if (kind === "event") return `the event ${name}`;
  if (kind === "broker") return `the broker ${name}`;
  return kind === "dependency" ? `the dependency "${name}"` : node;
}

function evidenceOf({ explains, node, seen: { departure, flow, sinceMs }, symptom }: Step, place: number): string {
  const { badShare, isFailing, isSlow, meanMs, total, usualBadShare, usualMeanMs, usualTotal } = departure;
  const said = [
    ...(symptom === "late" ? [nodeKind(node) === "event" ? "waits to leave the outbox of whoever emits it" : "its events wait before they come to it"] : []),
    ...(symptom === "flooded" ? [flowText(node, flow)] : []),
    ...(isFailing ? [`${percent(badShare)} of ${total} failed, ${usualTotal === 0 ? "and nothing is known of before" : `usually ${percent(usualBadShare)}`}`] : []),
    ...(isSlow ? [`took ${milliseconds(meanMs)} on average, usually ${milliseconds(usualMeanMs ?? 0)}`] : []),
  ];
  const what = said.length === 0 ? "is as usual, as far as this instance sees" : said.join("; ");
  const blame = place === 0 ? "" : `; that is ${percent(explains)} of what is unusual before it`;
  return `${nameOf(node)}: ${what}${said.length === 0 ? "" : `; since ${new Date(sinceMs).toISOString().slice(11, 19)} UTC`}${blame}`;
}

function flowText(node: string, { count, usual = 0 }: Flow): string {
  const usually = `usually ${Number(usual.toPrecision(3))} in as much time`;
  if (nodeKind(node) === "event") return `${count} of them, ${usually}`;
  return `${count} times, ${usually}`;
}

function ownEvidence(node: string, needs: number): readonly string[] {
  if (nodeKind(node) !== "operation") return [];
  if (needs === 0) return [`${node} uses nothing that is seen here: what it does outside is seen through dependency(name, task)`];
  return [`none of the ${needs} things that ${node} uses accounts for it`];
}

function percent(part: number): string {
  return `${Number((part * 100).toPrecision(3))} %`;
}

function milliseconds(ms: number): string {
  return `${Number(ms.toPrecision(3))} ms`;
}

/** Whether one of the two needs the other, however many calls lie between them. */
export function areConnected(edges: readonly Edge[], a: string, b: string): boolean {
  return reaches(edges, a).has(b) || reaches(edges, b).has(a);
}

/** Everything that a node needs, itself included. */
export function reaches(edges: readonly Edge[], from: string, direction: "down" | "up" = "down"): ReadonlySet<string> {
  const found = new Set([from]);
  // A set grows while it is walked: each node is visited once.
  for (const node of found) {
    for (const edge of edges) {
      const [near, far] = direction === "down" ? [edge.from, edge.to] : [edge.to, edge.from];
      if (near === node && far !== outside) found.add(far);
    }
  }
  return found;
}
