/** `tenon incident step`: runs a step of a runbook, or shows what it would do. */
import type { Incident, IncidentStore } from "../../../incidents/index.ts";
import type { StepOutcome, StepRun } from "../../../reactions/index.ts";
import { hasData, type IncidentInfo, type NamedStep } from "../../../service/index.ts";
import { type Answer, appOption, type CommandSpec } from "../../command.ts";
import { configLayers } from "../../config-layers.ts";
import { type Operator, type OperatorOptions, withOperator } from "../../events/operator.ts";
import { trialData, trialText } from "../../events/trial-text.ts";
import { actorOf, byOption, dryRunOption, findIncident, incidentStore } from "../../incidents/find-incident.ts";
import { findStep } from "../../incidents/runbooks.ts";
import { CommandProblem } from "../../problem.ts";

interface StepOptions extends OperatorOptions {
  readonly input?: string;
  readonly by?: string;
  readonly dryRun?: true;
  readonly reveal?: true;
}

/** Of what a step gives back, in the time line. */
const resultMaxChars = 2_000;

export const incidentStepCommand: CommandSpec<StepOptions> = {
  name: "step",
  operands: "<incident> <step>",
  summary: "run a step of a runbook, or show what it would do",
  description: [
    "Runs the step in this process, with the app's services loaded, on the app's database: in one transaction, so a step that",
    "fails changes nothing there. Who ran it and what it gave back go into the time line. With --dry-run nothing is changed:",
    "a step that has a dry run of its own says what it would do, any other is tried in a transaction that is rolled back, and",
    "the rows that it would change are shown. tenon incident show lists the steps at hand.",
  ].join(" "),
  options: [dryRunOption, { flags: "--input <json>", about: "what the step takes, in JSON" }, { flags: "--reveal", about: "show personal, sensitive and secret values of rows too" }, byOption, appOption],
  examples: [
    ["tenon incident step 4f2a settle-waiting --dry-run", "what it would do"],
    ["tenon incident step 4f2a payments/provider-is-slow/settle-waiting --by ada", "does it"],
  ],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async (operator) => {
      const actor = actorOf(options.by);
      const chosen = findStep(operator.app, operands[1] ?? "");
      const store = await incidentStore(operator);
      const incident = await findIncident(store, operands[0] ?? "");
      if (incident.state === "closed") throw new CommandProblem(`${incident.id} is closed`, { remedy: "a step is run for an incident that is not over: tenon incident list" });
      const run: StepRun = { runbook: chosen.runbook, step: chosen.step, input: parseInput(options.input), incident: infoOf(incident) };
      if (options.dryRun === true) return dryRun(operator, { chosen, options, run });
      return really(operator, { actor, chosen, incident, run, store });
    }),
};

function parseInput(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandProblem(`--input is not JSON: ${(cause as Error).message}`, { remedy: `--input '{ "orderId": "…" }'`, exitCode: 2, cause });
  }
}

function infoOf({ alerts, id, onsetMs, suspect, title }: Incident): IncidentInfo {
  return { id, title, onset: new Date(onsetMs).toISOString(), subjects: [...new Set(alerts.map(({ subject }) => subject))], suspect: suspect?.node };
}

interface Planned {
  readonly chosen: NamedStep;
  readonly run: StepRun;
}

async function dryRun(operator: Operator, { chosen, options, run }: Planned & { readonly options: StepOptions }): Promise<Answer> {
  const name = chosen.name;
  const head = operator.terminal.style("bold", `dry run of ${name}: nothing was changed`);
  if (chosen.step.dryRun !== undefined) {
    const outcome = await (await openRunner(operator)).dryRun(chosen.service, run);
    return { text: `${head}\n${outcomeText(outcome)}`, data: { step: name, isDone: false, ...outcome }, exitCode: outcome.outcome === "done" ? 0 : 1 };
  }
  if (!hasData(chosen.service)) throw new CommandProblem(`${name} has no dry run, and its service no database in which it could be tried`, { remedy: "give the step a dryRun" });
  const { parseDuration } = await import("../../../kernel/index.ts");
  const { tryStep } = await import("../../../reactions/index.ts");
  const { AppPrivacy } = await import("../../../app/index.ts");
  const { Masks } = await import("../../events/masks.ts");
  const parts = await partsOf(operator);
  const privacy = new AppPrivacy(operator.app, parts).of(chosen.service);
  const trial = await tryStep(operator.app, chosen.service, run, { ...parts, database: operator.database, privacy, timeoutMs: parseDuration(chosen.step.deadline) as number });
  const view = { app: operator.app, masks: new Masks(operator.app, options), service: chosen.service, terminal: operator.terminal };
  return { text: `${head}\n${trialText({ events: [], trial }, view).replace(/^\n/, "")}`, data: { step: name, isDone: false, ...trialData({ events: [], trial }, view) }, exitCode: trial.outcome === "failed" ? 1 : 0 };
}

async function really(operator: Operator, { actor, chosen, incident, run, store }: Planned & { readonly actor: string; readonly incident: Incident; readonly store: IncidentStore }): Promise<Answer> {
  const { systemClock } = await import("../../../app/index.ts");
  const name = chosen.name;
  const note = (text: string, data: object): Promise<unknown> =>
    store.edit((open) => open.filter(({ id }) => id === incident.id).map((each) => ({ incident: each, entries: [{ atMs: systemClock.nowMs(), kind: "step", text, actor, data: { step: name, ...data } }] })));
  const runner = await openRunner(operator);
  await note(`${name} begins`, {}); // on record also if this process dies in the middle of it
  const outcome = await runner.run(chosen.service, run);
  const shown = outcomeText(outcome);
  // Of a failure its first line: the rest is a stack, which is of use to whoever ran it.
  const kept = (outcome.outcome === "failed" ? (shown.split("\n")[0] ?? "") : shown.replaceAll(/\s+/g, " ")).slice(0, resultMaxChars);
  await note(`${name}: ${outcome.outcome}${kept === "" ? "" : `: ${kept}`}`, { outcome: outcome.outcome });
  return { text: `${name}: ${outcome.outcome}${shown === "" ? "" : `\n${shown}`}`, data: { step: name, isDone: outcome.outcome === "done", by: actor, ...outcome }, exitCode: outcome.outcome === "done" ? 0 : 1 };
}

function outcomeText(outcome: StepOutcome): string {
  if (outcome.outcome === "failed") return outcome.error;
  if (outcome.result === undefined) return "";
  return typeof outcome.result === "string" ? outcome.result : JSON.stringify(outcome.result, undefined, 2);
}

async function partsOf({ app, location }: Operator) {
  const { parseConfig, parseServiceConfigs, systemClock } = await import("../../../app/index.ts");
  const { LogWriter } = await import("../../../telemetry/index.ts");
  const layers = configLayers(location.home);
  const serviceConfigs = (await parseServiceConfigs(app.services, layers)).values;
  const log = new LogWriter({ write: (lines) => void process.stderr.write(lines), clock: systemClock, format: "text", level: "warn" });
  return { config: parseConfig(layers).config, serviceConfigs, clock: systemClock, random: Math.random, log };
}

async function openRunner(operator: Operator) {
  const { openSteps } = await import("../../../app/index.ts");
  return openSteps(operator.app, { ...(await partsOf(operator)), database: operator.database });
}
