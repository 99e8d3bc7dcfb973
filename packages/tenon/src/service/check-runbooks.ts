/** What is wrong with a service's runbooks, found before anybody needs them. */
import { type AnyContract, type MistakeList, operationsOf } from "../contract/index.ts";
import { parseDuration } from "../kernel/index.ts";
import type { Subscription } from "./reactions.ts";
import type { Runbook } from "./runbooks.ts";

/** Typed on a command line. */
const nameShape = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

export interface CheckedRunbooks {
  readonly service: string;
  readonly contract: AnyContract;
  readonly subscriptions: readonly Subscription[];
  readonly mistakes: MistakeList;
}

export function checkRunbooks(runbooks: readonly Runbook[], { contract, mistakes, service, subscriptions }: CheckedRunbooks): void {
  const known = new Set([...operationsOf(contract).map(({ id }) => id), ...subscriptions.map(({ name }) => name)]);
  const names = new Set<string>();
  for (const { about, name, steps, subjects } of runbooks) {
    const place = `the runbook "${name}" of ${service}`;
    if (!nameShape.test(name)) mistakes.add(place, "has a name that is hard to type", 'small letters, digits and hyphens: "provider-is-slow"');
    if (names.has(name)) mistakes.add(place, "is there twice", "give each runbook a name of its own");
    names.add(name);
    if (about.trim() === "") mistakes.add(place, "does not say when it is of use", "about: \"charges take long\"");
    if (steps.length === 0) mistakes.add(place, "has no steps", "give it one: step(name, { about, run })");
    for (const subject of subjects) if (!known.has(subject)) mistakes.add(place, `is for "${subject}", which is no operation or subscription of the service`, `one of ${[...known].join(", ")}`);
    const stepNames = steps.map((step) => step.name);
    for (const [i, step] of steps.entries()) {
      if (!nameShape.test(step.name)) mistakes.add(`${place}: ${step.name}`, "has a name that is hard to type", 'small letters, digits and hyphens: "count-what-waits"');
      if (stepNames.indexOf(step.name) !== i) mistakes.add(`${place}: ${step.name}`, "is there twice", "give each step a name of its own");
      if (step.about.trim() === "") mistakes.add(`${place}: ${step.name}`, "does not say what it does", "about: \"…\"");
      if (parseDuration(step.deadline) === undefined) mistakes.add(`${place}: ${step.name}`, `has a deadline "${step.deadline}" that is no length of time`, '"30s", "5m"');
    }
  }
}
