/**
 * The rights of persons as operations of an app: a service `subjects` that takes requests, and a subscription of every
 * other service with rows, which does its part when the request reaches it. Both are added by `app({ subjectRights })`.
 *
 *     working ─ every service has done its part ─► done
 *        │ ─ a hold was put on the person ─► held
 *        └ ─ asked anew, after a service has left the app ─► replaced
 */
import { type AccessRule, type Caller, command, contract, event, type OutputOf, query, table } from "../contract/index.ts";
import type { Db } from "../data/index.ts";
import type { SubjectRequests, SubjectRequestView, SubjectState } from "../privacy/index.ts";
import type { DeclaredFault } from "../kernel/index.ts";
import type { Emit } from "./needs.ts";
import { described, describedOrNull, textFields } from "./plain-schema.ts";
import type { Subscription } from "./reactions.ts";
import { type AnyHandler, hasData, service, type Service } from "./service.ts";

export interface SubjectRights {
  /** Who may ask for what is held of a person, erase it, restrict it or hold it: `role("privacy")`. There is no default. */
  readonly access: AccessRule<unknown>;
}

/** Of the service that `subjectRights` adds. */
export const subjectsName = "subjects";
/** Of the subscription that other services get. */
export const subjectSubscription = "tenon-subject-rights";

const text = { type: "string" } as const;
const identifier = textFields({ subject: 200 });
const instant = { type: "string", format: "date-time" } as const;

const Asked = textFields({ request: 40, subject: 200 });
const State = described<SubjectState>({ type: "object", properties: { restrictedAt: instant, heldAt: instant, holdReason: text }, additionalProperties: false });
const Accepted = described<{ readonly id: string }>({ type: "object", properties: { id: { type: "string", format: "uuid" } }, required: ["id"], additionalProperties: false });
const Part = {
  type: "object",
  properties: { service: text, state: { enum: ["waiting", "trying", "dead", "left", "done"] }, since: instant, attempts: { type: "integer" }, why: text, tables: { type: "array", items: { type: "object", properties: { table: text, found: { type: "integer" }, done: text, ground: text }, required: ["table", "found", "done"], additionalProperties: false } }, runs: { type: "object", properties: { found: { type: "integer" }, emptied: { type: "integer" }, underWay: { type: "array", items: text } }, required: ["found", "emptied", "underWay"], additionalProperties: false }, unreadable: { type: "object", additionalProperties: { type: "integer" } } },
  required: ["service", "state"],
  additionalProperties: false,
} as const;
const View = described<SubjectRequestView>({
  type: "object",
  properties: {
    id: text,
    subject: text,
    kind: { enum: ["export", "erasure"] },
    state: { enum: ["working", "done", "held", "replaced"] },
    askedBy: text,
    askedAt: instant,
    doneAt: instant,
    services: { type: "array", items: Part },
    report: text,
    interimReport: text,
    data: { type: "object", additionalProperties: true, "x-data-class": "personal" },
  },
  required: ["id", "subject", "kind", "state", "askedBy", "askedAt", "services"],
  additionalProperties: false,
});

/** Made where an app asks for it alone: checking them takes time. */
function createTables() {
  const id = described<string>({ type: "string", format: "uuid" });
  const words = described<string>(text);
  const maybe = describedOrNull<string>(text);
  const maybeInstant = describedOrNull<string>(instant);
  const requests = table(
    { id, subject: words, kind: described<"export" | "erasure">(text), state: words, askedBy: words, askedAt: described<string>(instant), services: described<readonly string[]>({ type: "array", items: text }), doneAt: maybeInstant, report: maybe },
    { key: "id" },
  );
  const parts = table({ request: id, service: words, doneAt: described<string>(instant), outcome: described<object>({ type: "object" }), data: maybe }, { key: ["request", "service"], defaults: ["doneAt"] });
  return { requests, parts };
}

const errors = { OnHold: { status: 409, message: "The data of this person is on hold: release it first." } } as const;
const notFound = { NotFound: { status: 404, message: "There is no such request." } } as const;

function createContract(access: AccessRule<unknown>) {
  const common = { access, input: identifier } as const;
  return contract(subjectsName, {
    export: command({ ...common, http: { route: "POST /subjects/{subject}/export", status: 202 }, output: Accepted, summary: "Ask every service for what it holds of a person" }),
    erase: command({ ...common, http: { route: "POST /subjects/{subject}/erase", status: 202 }, output: Accepted, errors, summary: "Let every service remove a person, and then destroy the person's key" }),
    restrict: command({ ...common, http: "POST /subjects/{subject}/restrict", output: State, summary: "Keep a person's data, and let nobody use it" }),
    unrestrict: command({ ...common, http: "POST /subjects/{subject}/unrestrict", output: State, summary: "Let a person's data be used again" }),
    hold: command({ access, input: textFields({ subject: 200, reason: 1_000 }), http: "POST /subjects/{subject}/hold", output: State, summary: "Keep erasures and retention from a person's data" }),
    release: command({ ...common, http: "POST /subjects/{subject}/release", output: State, summary: "End a hold" }),
    request: query({ access, input: textFields({ id: 40 }), http: "GET /subjects/requests/{id}", output: View, errors: notFound, deadline: "30s", summary: "How far a request has come; at the end its report" }),
    asked: event({ data: Asked, key: "subject" }),
  });
}

interface RightsContext {
  readonly input: { readonly subject: string; readonly reason: string; readonly id: string };
  readonly caller: Caller;
  readonly db: Db<ReturnType<typeof createTables>>;
  readonly emit: Emit;
  readonly fail: { OnHold(): DeclaredFault; NotFound(): DeclaredFault };
  readonly subjectRequests: SubjectRequests;
}

type RightsContract = ReturnType<typeof createContract>;

/** The context is taken apart by its getters: `db` is touched last, since nothing else may be asked while its transaction is open. */
async function ask(made: RightsContract, kind: "export" | "erasure", context: RightsContext): Promise<{ readonly id: string }> {
  const { caller, input: { subject }, subjectRequests } = context;
  if (kind === "erasure" && (await subjectRequests.state(subject)).heldAt !== undefined) throw context.fail.OnHold();
  const { services } = subjectRequests;
  const { db } = context;
  const open = await db.selectFrom("requests").select(["id", "services"]).where("subject", "=", subject).where("kind", "=", kind).where("state", "=", "working").executeTakeFirst();
  if (open !== undefined) {
    if (open.services.every((name) => services.includes(name))) return { id: open.id };
    await db.updateTable("requests").set({ state: "replaced" }).where("id", "=", open.id).execute();
  }
  const { askedAt, id } = subjectRequests.draw();
  await db.insertInto("requests").values({ id, subject, kind, state: "working", askedBy: caller.subject, askedAt, services, doneAt: null, report: null }).execute();
  await context.emit(made.asked, { request: id, subject });
  return { id };
}

function createHandlers(made: RightsContract): Readonly<Record<string, AnyHandler>> {
  const handlers: Readonly<Record<string, (context: RightsContext) => unknown>> = {
    export: (context) => ask(made, "export", context),
    erase: (context) => ask(made, "erasure", context),
    restrict: ({ caller, input, subjectRequests }) => subjectRequests.restrict(input.subject, "restricted", caller.subject),
    unrestrict: ({ caller, input, subjectRequests }) => subjectRequests.restrict(input.subject, "free", caller.subject),
    hold: ({ caller, input, subjectRequests }) => subjectRequests.hold(input.subject, input.reason, caller.subject),
    release: ({ caller, input, subjectRequests }) => subjectRequests.hold(input.subject, undefined, caller.subject),
    async request({ fail, input, subjectRequests }) {
      const view = await subjectRequests.view(input.id);
      if (view === undefined) throw fail.NotFound();
      return view;
    },
  };
  return handlers;
}

/** The services of an app with the rights of persons: theirs, and one more. */
export function withSubjectRights(services: readonly Service[], { access }: SubjectRights): readonly Service[] {
  const made = createContract(access);
  const taken = service(made, { tables: createTables(), migrations: new URL("subject-migrations/", import.meta.url), handlers: createHandlers(made) as never });
  return [...services.map((each) => (hasData(each) ? takingPart(each, made) : each)), taken];
}

function takingPart(each: Service, made: RightsContract): Service {
  const handler = ({ data, subjectRequests }: { readonly data: OutputOf<typeof Asked>; readonly subjectRequests: SubjectRequests }): Promise<void> => subjectRequests.takePart(each.name, data.request);
  const subscription: Subscription = { kind: "on", name: subjectSubscription, event: made.asked, options: { deadline: "5m" }, handler };
  return Object.freeze({ ...each, subscriptions: [...each.subscriptions, subscription] });
}
