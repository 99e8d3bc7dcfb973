/** The audit trails of an app at work: whose calls are on record, and who seals what was written. */
import type { AuditAnchor, AuditedCallsOptions, AuditedOperation, AuditTrail, Sealer, ServiceTrail } from "../audit/index.ts";
import type { Stage } from "../calls/index.ts";
import { type ContractDescription, dataClassesOf, describe, type Operation, type OperationDescription, type Schema } from "../contract/index.ts";
import type { Database, ServiceData } from "../data/index.ts";
import { type Clock, createUuidSource, type Log, type Part, type Random } from "../kernel/index.ts";
import { type App, hasData, type Service, subjectsName } from "../service/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import { anchorFileOf, openAuditKeys } from "./audit-keys.ts";
import type { Config } from "./config.ts";
import { readableSides } from "./schema-sides.ts";

export interface OpenAuditOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly database: Database;
  /** `sealed`: with the key and the anchors of the configuration. `unsealed`: for tests, which end before anybody verifies. */
  readonly how: "sealed" | "unsealed";
}

/** What a call of an audited service passes besides. */
export interface AuditStages {
  readonly outcome: Stage;
  readonly command: Stage;
}

export interface AppAudit {
  /** `undefined`: nothing of the service is put on record by itself. */
  stagesOf(service: Service, data: ServiceData): AuditStages | undefined;
  /** The same for what the service does by itself: on record where it met the data of a person. */
  reactionStagesOf(service: Service, data: ServiceData): AuditStages | undefined;
  /** For what a room of the platform puts on record; `undefined` where nothing of the service is. */
  trailOf(service: string): AuditTrail | undefined;
  readonly parts: readonly Part[];
}

/** `undefined`: no service of the app is audited, and nothing is loaded for it. @throws {ConfigError} */
export async function openAudit(app: App, options: OpenAuditOptions): Promise<AppAudit | undefined> {
  const { clock, config, database, how, log, metrics, random } = options;
  const audited = app.services.filter((service) => hasData(service) && isAudited(service, config));
  if (audited.length === 0) return undefined;
  const room = await import("../audit/index.ts");
  const { current: key, older: olderKeys } = how === "sealed" ? await openAuditKeys(config, "made where missing") : { current: undefined, older: [] };
  const anchors = how === "sealed" ? await openAnchors(options) : [];
  const writer = createUuidSource(clock, random)();
  if (how === "sealed" && key === undefined) log.warn("checkpoints of the audit trail are not signed: who administers the database could write it anew. AUDIT_KEY_FILE names a key");
  let lost = 0;
  const trails = new Map<string, { readonly trail: ServiceTrail; readonly sealer: Sealer | undefined }>();
  for (const { name: service } of audited) {
    const store = new room.DatabaseAudit(database, service);
    const sealer = how === "sealed" ? new room.Sealer({ store, service, key, olderKeys, anchors, clock, log }) : undefined;
    trails.set(service, { sealer, trail: new room.ServiceTrail({ store, service, writer, key, clock, log, onWritten: () => sealer?.wake() }) });
  }
  metrics.watch({ name: "tenon_audit_records_pending", help: "Records of the audit trail that wait to be written.", type: "gauge", labels: ["service"] }, () => [...trails].map(([service, { trail }]) => ({ labels: [service], value: trail.pending })));
  metrics.watch({ name: "tenon_audit_refusals_lost", help: "Refusals that are not on record, because the audit trail could not be written.", type: "counter" }, () => [{ value: lost }]);

  function stagesWith(service: Service, data: ServiceData, audited: AuditedCallsOptions["auditOf"]): AuditStages | undefined {
    const known = trails.get(service.name);
    if (known === undefined) return undefined;
    const stages: AuditedCallsOptions = { trail: known.trail, auditOf: audited, workOf: (call) => data.workOf(call), onLost: () => void lost++ };
    return { outcome: room.auditOutcome(stages), command: room.auditCommand(stages) };
  }

  return {
    // A trail stops before the sealer of what it wrote last.
    parts: [...trails.values()].flatMap(({ sealer, trail }) => (sealer === undefined ? [trail] : [sealer, trail])),

    trailOf: (service) => trails.get(service)?.trail,
    stagesOf: (service, data) => stagesWith(service, data, auditOf(service, app, config)),
    reactionStagesOf: (service, data) => stagesWith(service, data, () => auditedReaction),
  };
}

const auditedReaction: AuditedOperation = { isAudited: true, keys: [], when: "data of persons was met", allowedBy: "the service's own code" };

/** Where checkpoints are told, by the configuration. */
export async function openAnchors({ clock, config, log }: Pick<OpenAuditOptions, "clock" | "config" | "log">): Promise<readonly AuditAnchor[]> {
  const { LogAnchor } = await import("../audit/index.ts");
  const { FileAnchor } = await import("../node/index.ts");
  const file = anchorFileOf(config);
  return [...(file === "" ? [] : [new FileAnchor(file)]), new LogAnchor(log, clock)];
}

/** Whether calls of a service are on record, by the classes of its contract and its tables. */
export function isAudited(service: Service, { audit }: Pick<Config, "audit">): boolean {
  return audit !== "off" && (audit === "all" || isClassified(service));
}

function isClassified(service: Service): boolean {
  return hasClassifiedTable(service) || hasClassified(describe(service.contract));
}

function hasClassifiedTable({ tables }: Service): boolean {
  return Object.values(tables).some(({ columns }) => Object.values(columns).some(isClassifiedColumn));
}

function isClassifiedColumn(column: Schema): boolean {
  return readableSides(column).some((json) => dataClassesOf(json).size > 0);
}

function hasClassified({ events, operations }: ContractDescription): boolean {
  return operations.some(({ input, output }) => isClassifiedSchema(input) || isClassifiedOutput(output)) || events.some(({ data }) => isClassifiedSchema(data));
}

function isClassifiedSchema(schema: OperationDescription["input"]): boolean {
  return schema !== undefined && dataClassesOf(schema).size > 0;
}

function isClassifiedOutput(output: OperationDescription["output"]): boolean {
  return (output.kind === "json" || output.kind === "stream") && isClassifiedSchema(output.schema);
}

/** Commands of an audited service all are; queries where what they read may be classified. */
function auditOf(service: Service, app: App, { audit }: Pick<Config, "audit">): (operation: Operation) => AuditedOperation {
  const isOfRights = app.subjectRights !== undefined && service.name === subjectsName;
  const isEveryRead = audit === "all" || hasClassifiedTable(service);
  const described = new Map(describe(service.contract).operations.map((operation) => [operation.name, operation]));
  return ({ kind, name }) => {
    const operation = described.get(name);
    if (operation === undefined) return { isAudited: kind === "command", keys: [] }; // a webhook
    const { http, input, output } = operation;
    const classes = input === undefined ? new Map<string, unknown>() : dataClassesOf(input);
    const keys = (http?.fields ?? []).filter((place) => place.in === "path" && !classes.has(`/${place.field}`)).map(({ field }) => field);
    return { isAudited: kind === "command" || isEveryRead || isClassifiedOutput(output), keys, ...(isOfRights && kind === "command" ? { subjectField: "subject" } : {}) };
  };
}
