/** `tenon events show`: one event whole, and what became of it. */
import type { DeliveryState, FoundEvent, Route } from "../../../events/index.ts";
import { alignColumns } from "../../columns.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { ageText, errorLine, eventData, jsonLines, letterName } from "../../events/event-text.ts";
import { type Operator, type OperatorOptions, withOperator } from "../../events/operator.ts";
import { findOne } from "../../events/find-one.ts";
import type { Terminal } from "../../terminal.ts";

interface ShowOptions extends OperatorOptions {
  readonly reveal?: true;
}

export const eventsShowCommand: CommandSpec<ShowOptions> = {
  name: "show",
  operands: "<id>",
  summary: "show one event, and what became of its deliveries",
  description: [
    "Shows an event whole: its data, where it is (outbox, history), and for each subscription that wants it whether the",
    "delivery is done, ready, waiting for its next attempt, behind another one, dead or discarded.",
    "Values that are classified in the contract are shown as their class.",
  ].join(" "),
  options: [{ flags: "--reveal", about: "show personal, sensitive and secret values too" }, appOption],
  examples: [
    ["tenon events show 019a2b3c-4d5e-7f60", "by the beginning of its id"],
    ["tenon events show 019a2b3c-4d5e-7f60 --json", "for programs"],
  ],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async (operator) => {
      const found = await findOne(operator, operands[0] ?? "");
      const { Masks } = await import("../../events/masks.ts");
      const event = new Masks(operator.app, options).event(found.event);
      const { systemClock } = await import("../../../app/index.ts");
      const ageMs = Math.max(0, systemClock.nowMs() - Date.parse(event.time));
      return { text: toText({ ...found, event }, { ageMs, terminal }), data: toData({ ...found, event }, operator) };
    }),
};

function toText({ deliveries, done, event, place, position }: FoundEvent, { ageMs, terminal }: { readonly ageMs: number; readonly terminal: Terminal }): string {
  const facts = [
    ["emitted", `${event.time}, ${ageText(ageMs)} ago, by ${event.source}`],
    ["version", String(event.version)],
    ["key", event.key ?? "none"],
    ["trace", event.trace ?? "none"],
    ["place", placeText(place, position, event.source)],
  ].map(([name = "", text = ""]) => [terminal.style("dim", name), text]);
  const states = [...deliveries.map((each) => deliveryRow(each, terminal)), ...done.map((route) => doneRow(route, terminal))];
  return [
    `${terminal.style("bold", event.type)} ${event.id}`,
    alignColumns(facts, "  "),
    terminal.style("bold", "deliveries"),
    states.length === 0 ? `  ${place === "outbox" ? "not sent yet" : "no subscription of the app wants it"}` : alignColumns(states, "  "),
    terminal.style("bold", "data"),
    jsonLines(event.data, "  "),
  ].join("\n");
}

function placeText(place: FoundEvent["place"], position: number | undefined, source: string): string {
  if (place === "outbox") return `in the outbox of ${source}: committed, and not sent yet`;
  if (place === "history") return `in the history of ${source}, position ${position ?? 0}`;
  return "not in the history any more, or of a sender elsewhere";
}

function deliveryRow({ attempts, deadLetter, dueAt, error, service, state, subscription }: DeliveryState, terminal: Terminal): readonly string[] {
  const failed = attempts === 0 ? "" : ` after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}`;
  const words = {
    ready: "ready: it is delivered next",
    waiting: `waiting${failed}, until ${dueAt ?? "later"}: ${errorLine(error)}`,
    behind: "behind an earlier one of its key",
    timer: `waiting for its time, ${dueAt ?? ""}`,
    dead: `dead${failed}, as ${letterName({ service, seq: deadLetter ?? 0 })}: ${errorLine(error)}`,
    discarded: `discarded${failed}, as ${letterName({ service, seq: deadLetter ?? 0 })}`,
  }[state];
  const color = { ready: "green", waiting: "yellow", behind: "yellow", timer: "green", dead: "red", discarded: "dim" } as const;
  return [`${service}/${subscription}`, terminal.style(color[state], words)];
}

function doneRow({ subscriber, subscription }: Route, terminal: Terminal): readonly string[] {
  return [`${subscriber}/${subscription}`, terminal.style("green", "done, or subscribed after it was sent")];
}

function toData({ deliveries, done, event, place, position }: FoundEvent, { app }: Operator): Readonly<Record<string, unknown>> {
  return {
    app: app.name,
    event: eventData(event),
    place,
    position: position ?? null,
    deliveries: [
      ...deliveries.map(({ deadLetter, dueAt, error, ...state }) => ({
        ...state,
        error: error ?? null,
        dueAt: dueAt ?? null,
        letter: deadLetter === undefined ? null : letterName({ service: state.service, seq: deadLetter }),
      })),
      ...done.map(({ subscriber, subscription }) => ({ service: subscriber, subscription, state: "done", attempts: null, error: null, dueAt: null, letter: null })),
    ],
  };
}
