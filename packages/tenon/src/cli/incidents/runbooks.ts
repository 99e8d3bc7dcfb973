/** Which runbooks an incident has at hand, and the step that a person means. */
import type { Incident } from "../../incidents/index.ts";
import { type App, type NamedStep, type Runbook, type Service, stepsNamed, stepsOf } from "../../service/index.ts";
import { CommandProblem } from "../problem.ts";
import type { RunbookAtHand } from "./incident-text.ts";

/** For what its alerts or its suspect are about. */
function chosenFor(app: App, { alerts, suspect }: Incident): readonly { readonly service: Service; readonly runbook: Runbook }[] {
  const meant = new Set([...alerts.map(({ subject }) => subject), ...(suspect?.path ?? [])]);
  const services = new Set([...meant].filter((each) => !each.includes(":")).map((each) => each.slice(0, each.indexOf("."))));
  return app.services.flatMap((service) =>
    service.runbooks
      .filter(({ subjects }) => (subjects.length === 0 ? services.has(service.name) : subjects.some((subject) => meant.has(subject) || meant.has(`${service.name}.${subject}`))))
      .map((runbook) => ({ service, runbook })),
  );
}

export function runbooksFor(app: App, incident: Incident): readonly RunbookAtHand[] {
  return chosenFor(app, incident).map(({ runbook: { about, name, steps }, service }) => ({ service: service.name, name, about, steps: steps.map((step) => ({ name: step.name, about: step.about })) }));
}

/**
 * Of any runbook of the app: one that is not at hand by the incident may be the right one all the same.
 *
 * @param text  `payments/provider-is-slow/settle`, `provider-is-slow/settle`, or `settle`. @throws {CommandProblem}
 */
export function findStep(app: App, text: string): NamedStep {
  const all = stepsOf(app.services);
  const found = stepsNamed(all, text);
  const [chosen, other] = found;
  if (chosen !== undefined && other === undefined) return chosen;
  if (chosen !== undefined) throw new CommandProblem(`several runbooks have a step "${text}"`, { remedy: `say which: ${namesOf(found).join(" or ")}`, exitCode: 2 });
  throw new CommandProblem(`there is no step "${text}" in the app's runbooks`, { remedy: all.length === 0 ? "give a service one: runbooks: [runbook(name, { about }, [step(…)])]" : `there are ${namesOf(all).join(", ")}`, exitCode: 2 });
}

function namesOf(steps: readonly NamedStep[]): readonly string[] {
  return steps.map(({ name }) => name);
}
