/** `tenon silences add`: keeps alerts of a service quiet until an instant. */
import { randomBytes } from "node:crypto";
import { parseDuration } from "../../../kernel/index.ts";
import type { Silence, SilenceMatcher } from "../../../objectives/index.ts";
import { hasData } from "../../../service/index.ts";
import { enterApp } from "../../app-location.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { type OperatorOptions, withOperator } from "../../events/operator.ts";
import { findService } from "../../events/targets.ts";
import { loadApp } from "../../load-app.ts";
import { openStore } from "../../objectives/status.ts";
import { CommandProblem } from "../../problem.ts";
import { matcherText, silenceData } from "./list.ts";

interface AddOptions extends OperatorOptions {
  readonly for?: string;
  readonly until?: string;
  readonly reason?: string;
  readonly subject?: string;
  readonly indicator?: string;
  readonly severity?: string;
}

/** What is to be quiet for longer is no objective any more. */
const maxMs = 30 * 86_400_000;

export const silencesAddCommand: CommandSpec<AddOptions> = {
  name: "add",
  operands: "<service>",
  summary: "keep alerts of a service quiet until an instant",
  options: [
    { flags: "--for <duration>", about: "for so long: 30m, 2h, 1d" },
    { flags: "--until <time>", about: "or until then, in UTC: 2026-11-24T08:00:00Z" },
    { flags: "--reason <text>", about: "why, for those who wonder; it is kept with the silence" },
    { flags: "--subject <pattern>", about: "of this operation or subscription alone: orders.place, orders.*" },
    { flags: "--indicator <name>", about: "of this kind alone: availability, latency or lag" },
    { flags: "--severity <name>", about: "of this severity alone: page or ticket" },
    appOption,
  ],
  examples: [
    ['tenon silences add orders --for 2h --reason "moving the database"', "all alerts of orders"],
    ['tenon silences add orders --for 1d --subject orders.search --severity ticket --reason "known, #123"', "tickets for one operation"],
  ],
  async run({ operands, options, terminal }) {
    const { indicator, reason, severity, subject } = options;
    if (reason === undefined || reason.trim() === "") throw new CommandProblem("a silence needs a reason", { remedy: '--reason "moving the database"', exitCode: 2 });
    assertKnown("--indicator", indicator, ["availability", "latency", "lag"]);
    assertKnown("--severity", severity, ["page", "ticket"]);
    const { systemClock } = await import("../../../app/index.ts");
    const untilMs = parseEnd(options, systemClock.nowMs());
    const service = findService((await loadApp(enterApp(options.app).file)).services, operands[0] ?? "");
    const matcher: SilenceMatcher = { ...(subject === undefined ? {} : { subject }), ...(indicator === undefined ? {} : { indicator }), ...(severity === undefined ? {} : { severity }) };
    await assertMeantSomething(service, matcher);
    if (!hasData(service)) throw new CommandProblem(`${service.name} has no database, in which a silence could be kept`, { remedy: "silence its alerts where they go to" });
    const silence: Silence = { id: randomBytes(4).toString("hex"), matcher, untilMs, reason };
    return withOperator(options, terminal, async ({ app, database }) => {
      await (await openStore(database, service.name)).addSilence(silence);
      const text = `${silence.id}: alerts of ${service.name} (${matcherText(matcher)}) are quiet until ${new Date(silence.untilMs).toISOString()}`;
      return { text, data: { app: app.name, ...silenceData(service.name, silence) } };
    });
  },
};

function assertKnown(option: string, value: string | undefined, known: readonly string[]): void {
  if (value !== undefined && !known.includes(value)) throw new CommandProblem(`${option} ${value} is not known`, { remedy: `one of ${known.join(", ")}`, exitCode: 2 });
}

function parseEnd(options: AddOptions, nowMs: number): number {
  const forMs = options.for === undefined ? undefined : parseDuration(options.for);
  const untilMs = options.until !== undefined && /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?Z$/.test(options.until) ? Date.parse(options.until) : undefined;
  const endMs = untilMs ?? (forMs === undefined ? Number.NaN : nowMs + forMs);
  const isOne = (options.for === undefined) !== (options.until === undefined);
  if (isOne && endMs > nowMs && endMs <= nowMs + maxMs) return endMs;
  throw new CommandProblem("a silence ends at one instant, within 30 days from now", { remedy: "--for 2h, or --until 2026-11-24T08:00:00Z", exitCode: 2 });
}

/** A silence that fits no objective is a slip of the pen. */
async function assertMeantSomething(service: Parameters<typeof import("../../../objectives/index.ts").targetsOf>[0], { indicator, severity, subject }: SilenceMatcher): Promise<void> {
  const { matches, targetsOf } = await import("../../../objectives/index.ts");
  const matcher = { ...(subject === undefined ? {} : { subject }), ...(indicator === undefined ? {} : { indicator }) };
  const targets = targetsOf(service);
  if (targets.some((target) => matches({ ...target, severity: severity === "ticket" ? "ticket" : "page" }, matcher))) return;
  throw new CommandProblem(`no objective of ${service.name} fits ${matcherText(matcher)}`, { remedy: targets.length === 0 ? `${service.name} promises nothing` : `there are ${targets.map(({ id }) => id).join(", ")}`, exitCode: 2 });
}
