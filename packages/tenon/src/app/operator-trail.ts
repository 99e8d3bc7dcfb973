/**
 * What operators do by the command line, put on record: keys made and revoked, rights of persons. It concerns no service by
 * itself, so it stands in the trail of each one whose calls are on record.
 */
import { randomUUID } from "node:crypto";
import type { Database } from "../data/index.ts";
import type { Clock, Log } from "../kernel/index.ts";
import { type App, hasData } from "../service/index.ts";
import { openAuditKeys } from "./audit-keys.ts";
import type { Config } from "./config.ts";
import { isAudited, openAnchors } from "./open-audit.ts";

export interface OperatorAct {
  /** `keys.revoke`, `subject.erasure`. */
  readonly action: string;
  /** The user of the machine on which the command was run. */
  readonly by: string;
  /** The person whom it concerns. */
  readonly subject?: string;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

export interface OperatorTrailParts {
  readonly config: Config;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** Writes and seals at once: nobody comes later who would. @throws {Fault} `unavailable` */
export async function recordOperatorAct(app: App, { action, by, details, subject }: OperatorAct, { clock, config, database, log }: OperatorTrailParts): Promise<void> {
  const audited = app.services.filter((service) => hasData(service) && isAudited(service, config));
  if (audited.length === 0) return;
  const { DatabaseAudit, Sealer, ServiceTrail } = await import("../audit/index.ts");
  const { current: key, older: olderKeys } = await openAuditKeys(config, "made where missing");
  const anchors = await openAnchors({ clock, config, log });
  const writer = randomUUID();
  for (const { name: service } of audited) {
    const store = new DatabaseAudit(database, service);
    await new ServiceTrail({ store, service, writer, key, clock, log }).write([{ actor: { kind: "operator", subject: by }, action, subject, outcome: "done", allowedBy: "the login of the database", details }]);
    await new Sealer({ store, service, key, olderKeys, anchors, clock, log }).seal();
  }
}
