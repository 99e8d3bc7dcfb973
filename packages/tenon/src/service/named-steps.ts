/** Steps of runbooks by the names that people call them by. */
import type { Runbook, RunbookStep } from "./runbooks.ts";
import type { Service } from "./service.ts";

/** A step of a runbook of a service, and what it is called: `payments/provider-is-slow/settle`. */
export interface NamedStep {
  readonly service: Service;
  readonly runbook: Runbook;
  readonly step: RunbookStep;
  readonly name: string;
}

/** All steps of services. */
export function stepsOf(services: readonly Service[]): readonly NamedStep[] {
  return services.flatMap((service) => service.runbooks.flatMap((runbook) => runbook.steps.map((step) => ({ service, runbook, step, name: `${service.name}/${runbook.name}/${step.name}` }))));
}

/** Those that a text may mean: the whole name, or its end. */
export function stepsNamed(steps: readonly NamedStep[], text: string): readonly NamedStep[] {
  return steps.filter(({ name }) => name === text || name.endsWith(`/${text}`));
}
