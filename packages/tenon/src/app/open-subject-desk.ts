/** The desk at which the rights of persons are kept, over all services of an app. */
import { randomUUID } from "node:crypto";
import type { AuditTrail } from "../audit/index.ts";
import type { Database } from "../data/index.ts";
import type { Clock, Log } from "../kernel/index.ts";
import { type AuditEntry, EventSeals, SubjectDesk, SubjectRequests, type Vault } from "../privacy/index.ts";
import { type App, hasData, subjectsName, subjectSubscription } from "../service/index.ts";
import { systemCaller } from "../trust/index.ts";
import type { Config } from "./config.ts";
import { openPrivacy } from "./open-privacy.ts";
import { recordOperatorAct } from "./operator-trail.ts";

export interface SubjectDeskParts {
  readonly config: Config;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OpenedSubjectDesk {
  readonly desk: SubjectDesk;
  /** Of an app that has operations for them. */
  readonly requests: SubjectRequests | undefined;
  readonly close: () => Promise<void>;
}

/** @throws {ConfigError} there is no master key. */
export async function openSubjectDesk(app: App, { clock, config, database, log }: SubjectDeskParts): Promise<OpenedSubjectDesk> {
  const { part, vault } = await openPrivacy({ clock, config, database, restricted: "opened" });
  const services = servicesOf(app);
  const audit = { record: ({ by, subject, what }: AuditEntry) => recordOperatorAct(app, { action: what, by, subject }, { clock, config, database, log }) };
  const parts = { app: app.name, database, services, vault, seals: new EventSeals({ vault, database }), clock, newId: randomUUID };
  const desk = new SubjectDesk({ ...parts, audit });
  const requests = app.subjectRights === undefined ? undefined : new SubjectRequests({ ...parts, subscription: subjectSubscription });
  return { desk, requests, close: async () => part.stop() };
}

export interface SubjectRequestParts {
  readonly clock: Clock;
  readonly database: Database;
  readonly vault: Vault;
  /** The trail of a service of this process; `undefined` where it has none. */
  readonly trailOf: (service: string) => AuditTrail | undefined;
}

/** What serves requests of persons in a running app. What is asked is on record as a call; what each service does for it, in the trail of that service. */
export function openSubjectRequests(app: App, { clock, database, trailOf, vault }: SubjectRequestParts): SubjectRequests {
  const opening = vault.forRights();
  return new SubjectRequests({
    app: app.name,
    database,
    services: servicesOf(app),
    vault: opening,
    seals: new EventSeals({ vault: opening, database }),
    clock,
    newId: randomUUID,
    subscription: subjectSubscription,
    async onPart(session, { askedBy, kind, request, service, subject }) {
      const { kind: actorKind, subject: actor } = systemCaller(service, subjectSubscription);
      await trailOf(service)?.appendIn(session, [{ actor: { kind: actorKind, subject: actor }, action: `subject.${kind}`, subject, outcome: "done", allowedBy: "a request of the service subjects", details: { request, askedBy } }]);
    },
  });
}

/** What is held of requests themselves is no part of what they are about. */
function servicesOf(app: App) {
  const isServing = ({ name }: { readonly name: string }): boolean => app.subjectRights !== undefined && name === subjectsName;
  return app.services.filter((service) => hasData(service) && !isServing(service)).map(({ name, tables }) => ({ name, tables }));
}
