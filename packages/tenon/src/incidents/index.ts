/** What goes wrong, what led to it and how far it reaches: incidents, their time lines and suspects, and what people do about them. */
export { type Change, settingsChange, type SettingsMark, trafficChange } from "./change.ts";
export { DatabaseIncidents, type DatabaseIncidentsOptions } from "./database-store.ts";
export { type Departure, departureOf } from "./departure.ts";
export { DatabaseGraph } from "./database-graph.ts";
export { bucketMs, type Edge, type EdgeCounts, GraphHistory, type GraphPast, type GraphPortion, historyMs, type Uses } from "./graph-history.ts";
export { type Act, acknowledge, close, type Entry, type EntryKind, type Incident, type IncidentAlert, type IncidentEdit, type IncidentState, isFiring, isPaging } from "./incident.ts";
export { type Examination, IncidentKeeper, type IncidentKeeperOptions, type WatchedService } from "./keeper.ts";
export { MemoryIncidents } from "./memory-store.ts";
export { NotableMemory, type Samples, type SampleTrace } from "./notable-calls.ts";
export { findOnset, type TimedCounts } from "./onset.ts";
export type { GraphStore, IncidentStore, KeptPortion } from "./ports.ts";
export { postmortemOf } from "./postmortem.ts";
export { type Reach, type ReachedObjective, type ReachedOperation } from "./reach.ts";
export { areConnected, type Confidence, findSuspect, nameOf, reaches, type Suspect, type SuspectQuestion } from "./suspect.ts";
export { triage, type TriageInput } from "./triage.ts";
