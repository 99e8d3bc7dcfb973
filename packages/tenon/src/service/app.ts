/** An app: services that are run and deployed together. A plain value, like everything a team writes. */
import { describe, findRouteClashes, MistakeList } from "../contract/index.ts";
import { placeOfTrigger } from "./check-triggers.ts";
import type { Mount } from "./mount.ts";
import type { Service } from "./service.ts";
import { type SubjectRights, subjectsName, withSubjectRights } from "./subject-rights.ts";
import type { Grants } from "../trust/index.ts";

export interface AppOptions {
  readonly services: readonly Service[];
  /** Handlers of the web's own shape, under paths that no operation answers. */
  readonly mounts?: readonly Mount[];
  /**
   * What follows when an objective of a service is in danger: its error budget is spent, or a page fires. Default `tell`.
   * Several actions are a list.
   */
  readonly budgetPolicy?: BudgetPolicy;
  /**
   * Rights of what acts by itself: subscriptions, schedules and workflows, which are the callers of what they call. By
   * service, or by one of its reactions: `{ "orders.checkout": { scopes: ["catalog:read"] } }`. Nothing is granted where
   * nothing is said: then they may call what is signed-in, and what is `calledBy` their service.
   */
  readonly grants?: Grants;
  /** Serves what persons may ask for, export, erasure, restriction and holds, as operations under `/subjects`. Left out: by the command line alone. */
  readonly subjectRights?: SubjectRights;
}

/**
 * Besides telling of it, until it is over: `shed` refuses calls of the service's operations of `priority: "low"`; `trace`
 * records every trace that begins in the app, whatever share is recorded otherwise.
 */
export type BudgetAction = "shed" | "trace";

/** `tell`: nothing besides. */
export type BudgetPolicy = "tell" | BudgetAction | readonly BudgetAction[];

const budgetActions: readonly string[] = ["shed", "trace"] satisfies readonly BudgetAction[];

export interface App {
  readonly kind: "tenon-app";
  readonly name: string;
  readonly services: readonly Service[];
  readonly mounts: readonly Mount[];
  readonly budgetActions: readonly BudgetAction[];
  readonly grants: Grants;
  readonly subjectRights: SubjectRights | undefined;
}

/** Paths that the platform answers itself. */
const ownPaths = ["/openapi.json", "/asyncapi.json", "/docs", "/health", "/metrics"];

/**
 * Joins services to an app. Export it as the default of `app.ts`.
 *
 * @throws {ContractMistakes} two services of one name, two operations of one route, a route of the platform's own.
 */
export function app(name: string, options: AppOptions): App {
  const mistakes = new MistakeList(`the app "${name}"`);
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(name)) {
    mistakes.add(name, "is not a name for an app", "lower-case letters, digits and -, starting with a letter, 41 at most");
  }
  const { subjectRights } = options;
  const services = subjectRights === undefined ? options.services : withSubjectRights(options.services, subjectRights);
  const names = new Set<string>();
  for (const service of services) {
    if (names.has(service.name)) mistakes.add(service.name, "is in the app twice", subjectRights !== undefined && service.name === subjectsName ? "subjectRights adds a service of this name: give yours another" : "name each service once");
    names.add(service.name);
  }
  const operations = services.flatMap(({ contract, name: service, triggers }) => [
    ...describe(contract).operations,
    ...triggers.filter((trigger) => trigger.kind === "webhook").map((trigger) => ({ id: `${service}: ${placeOfTrigger(trigger)}`, http: { method: "POST", path: trigger.path } })),
  ]);
  for (const { id, http } of operations) {
    const own = ownPaths.find((path) => http?.path === path || http?.path.startsWith(`${path}/`) === true);
    if (own !== undefined) mistakes.add(id, `has a path that the platform answers itself: ${own}`, "choose another path");
  }
  findRouteClashes(operations, mistakes);
  const { budgetPolicy = "tell" } = options;
  const actions = [budgetPolicy].flat().filter((action) => action !== "tell");
  for (const action of actions) {
    if (!budgetActions.includes(action)) mistakes.add(name, `"${action}" is no budget policy`, '"tell", "shed", "trace" or ["shed", "trace"]');
  }
  const { grants = {} } = options;
  checkGrants(grants, services, mistakes);
  mistakes.assertNone();
  return Object.freeze({ kind: "tenon-app", name, services, mounts: options.mounts ?? [], budgetActions: Object.freeze(actions), grants, subjectRights });
}

/** Rights for nobody are rights for whoever takes the name. */
function checkGrants(grants: Grants, services: readonly Service[], mistakes: MistakeList): void {
  const principals = new Set(services.flatMap(principalsOf));
  for (const name of Object.keys(grants)) {
    if (!principals.has(name)) mistakes.add(`grants["${name}"]`, "is no service of this app and nothing that acts in one", `one of: ${[...principals].join(", ") || "none"}`);
  }
}

/** A service, and each thing in it that acts by itself: what grants may be made to. */
export function principalsOf({ name, runbooks, subscriptions, triggers, workflows }: Service): readonly string[] {
  const reactions = [...subscriptions.map((each) => each.name), ...triggers.flatMap((each) => (each.kind === "webhook" ? [] : [each.name])), ...workflows.map((each) => each.name), ...runbooks.map((each) => each.name)];
  return [name, ...reactions.map((each) => `${name}.${each}`)];
}
