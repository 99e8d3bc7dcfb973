/** What was promised, how much of it was kept, and who is told when it is not: objectives, error budgets, alerts. */
export { type Alert, type AlertState, type AlertTransition, calmMs, nextAlert, pendingMs, transitionOf, windowText } from "./alert.ts";
export { BucketRing, type Counts, keptMs, type Tier, tiers } from "./bucket-ring.ts";
export { badMin, budgetWindowMs, burnRateOf, type BurnRule, burnRules, calmPart, type Reading, readTarget, type RuleReading, type Severity } from "./burn-rate.ts";
export { DatabaseObjectives, type WithSession } from "./database-store.ts";
export { lookEveryMs, ObjectiveKeeper, type ObjectiveKeeperOptions } from "./keeper.ts";
export { ObjectiveMeter, ObjectiveMeters } from "./meter.ts";
export { groupWaitMs, Notifier, repeatMs } from "./notifier.ts";
export type { AlertNotification, AlertReceiver, CountDelta, ObjectiveStore, StoredCount, Turn } from "./ports.ts";
export { isSilenced, matches, type Silence, type SilenceMatcher } from "./silence.ts";
export { defaultLagShare, type Indicator, type LaggingSubject, type PromisingService, type Target, targetOfSubscription, targetsOf, targetsOfOperation } from "./target.ts";
