/** An app: services that are run and deployed together. A plain value, like everything a team writes. */
import { describe, findRouteClashes, MistakeList } from "../contract/index.ts";
import { placeOfTrigger } from "./check-triggers.ts";
import type { Mount } from "./mount.ts";
import type { Service } from "./service.ts";

export interface AppOptions {
  readonly services: readonly Service[];
  /** Handlers of the web's own shape, under paths that no operation answers. */
  readonly mounts?: readonly Mount[];
  /**
   * What follows when an objective of a service is in danger: its error budget is spent, or a page fires. `tell` (the
   * default) tells of it; `shed` refuses calls of its operations of `priority: "low"` as well, until it is over.
   */
  readonly budgetPolicy?: BudgetPolicy;
}

export type BudgetPolicy = "tell" | "shed";

export interface App {
  readonly kind: "tenon-app";
  readonly name: string;
  readonly services: readonly Service[];
  readonly mounts: readonly Mount[];
  readonly budgetPolicy: BudgetPolicy;
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
  const names = new Set<string>();
  for (const service of options.services) {
    if (names.has(service.name)) mistakes.add(service.name, "is in the app twice", "name each service once");
    names.add(service.name);
  }
  const operations = options.services.flatMap(({ contract, name: service, triggers }) => [
    ...describe(contract).operations,
    ...triggers.filter((trigger) => trigger.kind === "webhook").map((trigger) => ({ id: `${service}: ${placeOfTrigger(trigger)}`, http: { method: "POST", path: trigger.path } })),
  ]);
  for (const { id, http } of operations) {
    const own = ownPaths.find((path) => http?.path === path || http?.path.startsWith(`${path}/`) === true);
    if (own !== undefined) mistakes.add(id, `has a path that the platform answers itself: ${own}`, "choose another path");
  }
  findRouteClashes(operations, mistakes);
  const { budgetPolicy = "tell" } = options;
  if (budgetPolicy !== "tell" && budgetPolicy !== "shed") mistakes.add(name, `"${String(budgetPolicy)}" is no budget policy`, '"tell" or "shed"');
  mistakes.assertNone();
  return Object.freeze({ kind: "tenon-app", name, services: options.services, mounts: options.mounts ?? [], budgetPolicy });
}
