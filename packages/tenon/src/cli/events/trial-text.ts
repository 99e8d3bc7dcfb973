/** What a dry run found, in words and in JSON. */
import type { RowChange } from "../../data/index.ts";
import type { EventRecord } from "../../events/index.ts";
import type { Trial, UnmadeCall } from "../../reactions/index.ts";
import type { App, Service } from "../../service/index.ts";
import type { Terminal } from "../terminal.ts";
import { eventData, jsonLines } from "./event-text.ts";
import type { Masks } from "./masks.ts";

export interface TrialView {
  readonly app: App;
  readonly masks: Masks;
  /** The service whose rows they are. */
  readonly service: Service;
  readonly terminal: Terminal;
}

export interface TriedTogether {
  readonly events: readonly EventRecord[];
  readonly trial: Trial;
}

export function trialText({ events, trial }: TriedTogether, view: TrialView): string {
  const { terminal } = view;
  const heads = events.map(({ id, type }) => `${type} ${id}`);
  return [...heads, ...outcomeLines(trial, view), ...changeLines(trial, view), ...emittedLines(trial, view), ...startedLines(trial, view)].join("\n") + (isQuiet(trial) ? `\n  ${terminal.style("dim", "changes no row, and emits nothing")}` : "");
}

function isQuiet({ changes, emitted, outcome, started }: Trial): boolean {
  return outcome === "done" && changes.rows.length === 0 && emitted.length === 0 && started.length === 0;
}

function outcomeLines({ call, error, isGivenUp, outcome }: Trial, view: TrialView): readonly string[] {
  const { terminal } = view;
  if (outcome === "failed") {
    const [first = "", ...rest] = (error ?? "").split("\n");
    return [`  ${terminal.style("red", isGivenUp ? "gives up" : "fails")}: ${first}`, ...rest.map((line) => `  ${terminal.style("dim", line)}`)];
  }
  if (outcome === "stopped" && call !== undefined) {
    return [
      `  ${terminal.style("yellow", "stopped")}: it calls ${call.operation}, which a dry run does not; what follows from the answer is not known`,
      jsonLines(shownInput(call, view), "    "),
    ];
  }
  return [];
}

function changeLines({ changes }: Trial, view: TrialView): readonly string[] {
  const lines = changes.rows.flatMap((change) => rowLines(change, view));
  return [...lines, ...changes.cut.map((table) => `  and more rows of ${table}`)];
}

const signs = { inserted: "+", updated: "~", deleted: "-" } as const;
const colors = { inserted: "green", updated: "yellow", deleted: "red" } as const;

function rowLines(change: RowChange, view: TrialView): readonly string[] {
  const { after, before, key } = shownChange(change, view);
  const names = Object.entries(key).map(([name, value]) => `${name}=${valueText(value)}`).join(" ");
  const head = `  ${view.terminal.style(colors[change.change], `${signs[change.change]} ${change.table}`)} ${names} ${view.terminal.style("dim", change.change)}`;
  return [head, ...columnLines(change, { before, after }, key)];
}

/** Of an update what differs, of the others all but the key. Compared before they are masked: a change of a masked value shows. */
function columnLines({ after, before }: RowChange, shown: Pick<RowChange, "before" | "after">, key: RowChange["key"]): readonly string[] {
  const names = Object.keys(shown.after ?? shown.before ?? {}).filter((name) => !Object.hasOwn(key, name));
  if (before === undefined || after === undefined) return names.map((name) => `      ${name}: ${valueText((shown.after ?? shown.before)?.[name])}`);
  const changed = names.filter((name) => valueText(before[name]) !== valueText(after[name]));
  if (changed.length === 0) return ["      with the same values"];
  return changed.map((name) => `      ${name}: ${valueText(shown.before?.[name])} → ${valueText(shown.after?.[name])}`);
}

function valueText(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return value === undefined ? "nothing" : JSON.stringify(value);
}

function shownChange({ after, before, key, table }: RowChange, { masks, service }: TrialView): Pick<RowChange, "key" | "before" | "after"> {
  const show = (row: RowChange["after"]): RowChange["after"] => (row === undefined ? undefined : masks.row(service, table, row));
  return { key: masks.row(service, table, key), before: show(before), after: show(after) };
}

function emittedLines({ emitted }: Trial, { masks, terminal }: TrialView): readonly string[] {
  return emitted.flatMap((event) => [`  ${terminal.style("green", "emits")} ${event.type}`, jsonLines(masks.event(event).data, "      ")]);
}

function startedLines({ started }: Trial, { terminal }: TrialView): readonly string[] {
  return started.map(({ id, workflow }) => `  ${terminal.style("green", "starts")} ${workflow} ${id}`);
}

function shownInput({ input, operation }: UnmadeCall, { app, masks }: TrialView): unknown {
  const [service = "", name = ""] = operation.split(".");
  const member = (app.services.find((each) => each.name === service)?.contract as Readonly<Record<string, { readonly input?: Parameters<Masks["input"]>[0] } | undefined>> | undefined)?.[name];
  return masks.input(member?.input, input ?? null);
}

export function trialData({ events, trial }: TriedTogether, view: TrialView): Readonly<Record<string, unknown>> {
  const { call, changes, emitted, error, isGivenUp, outcome, started } = trial;
  return {
    events: events.map(({ id }) => id),
    outcome,
    error: error ?? null,
    isGivenUp,
    call: call === undefined ? null : { operation: call.operation, input: shownInput(call, view) },
    changes: changes.rows.map((change) => ({ table: change.table, change: change.change, ...withNulls(shownChange(change, view)) })),
    cut: changes.cut,
    started: started.map(({ id, workflow }) => ({ workflow, id })),
    emitted: emitted.map((event) => eventData(view.masks.event(event))),
  };
}

function withNulls({ after, before, key }: Pick<RowChange, "key" | "before" | "after">): Readonly<Record<string, unknown>> {
  return { key, before: before ?? null, after: after ?? null };
}
