/** `tenon events dead`: deliveries that were given up, listed, or one of them whole. */
import type { DeadLetter } from "../../../events/index.ts";
import { alignColumns } from "../../columns.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { errorLine, jsonLines, letterData, letterName } from "../../events/event-text.ts";
import { type Selection, selectAll, selectLetters } from "../../events/letters.ts";
import { type Operator, type OperatorOptions, withOperator } from "../../events/operator.ts";
import { parseLimit } from "../../events/targets.ts";
import { CommandProblem } from "../../problem.ts";
import type { Terminal } from "../../terminal.ts";

interface DeadOptions extends OperatorOptions {
  readonly discarded?: true;
  readonly limit?: string;
  readonly reveal?: true;
}

export const eventsDeadCommand: CommandSpec<DeadOptions> = {
  name: "dead",
  operands: "[what]",
  summary: "list dead letters, or show one whole",
  description: [
    "A dead letter is a delivery that was given up: its attempts or its time were used up, or the handler said so. Listed",
    "with the newest first; a single one is shown whole, with its event, its error and its times.",
  ].join(" "),
  options: [
    { flags: "--discarded", about: "those that were discarded, instead of those that wait" },
    { flags: "--limit <n>", about: "so many at most (default: 20)" },
    { flags: "--reveal", about: "show personal, sensitive and secret values too" },
    appOption,
  ],
  examples: [
    ["tenon events dead", "all that wait for a decision"],
    ["tenon events dead orders/mark-paid", "of one subscription"],
    ["tenon events dead orders/3", "one of them, whole"],
  ],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async (operator) => {
      const [word] = operands;
      const selections = word === undefined ? selectAll(operator) : await selectLetters(operator, [word]);
      const limit = parseLimit(options.limit, { fallback: 20, max: 1_000 });
      const { Masks } = await import("../../events/masks.ts");
      const masks = new Masks(operator.app, options);
      const found = await read(operator, selections, { limit, state: options.discarded === true ? "discarded" : "dead" });
      const letters = found.map((letter) => ({ ...letter, event: masks.event(letter.event) }));
      const isOne = selections.length === 1 && selections[0]?.filter.seqs !== undefined;
      if (isOne && letters.length === 0) throw new CommandProblem(`there is no dead letter ${word ?? ""}`, { remedy: "tenon events dead lists them: it may have been retried already" });
      return {
        text: isOne ? wholeText(letters[0] as DeadLetter, terminal) : listText(letters, { terminal, limit, isDiscarded: options.discarded === true }),
        data: { app: operator.app.name, letters: letters.map(letterData) },
      };
    }),
};

/** A single one is shown whatever its state. */
async function read({ database }: Operator, selections: readonly Selection[], { limit, state }: { readonly limit: number; readonly state: DeadLetter["state"] }): Promise<readonly DeadLetter[]> {
  const { readDeadLetters } = await import("../../../events/index.ts");
  const letters: DeadLetter[] = [];
  for (const { filter, service } of selections) {
    letters.push(...(await readDeadLetters(database, service, { ...filter, ...(filter.seqs === undefined ? { state } : {}), max: limit })));
  }
  return letters.toSorted((a, b) => (a.diedAt > b.diedAt ? -1 : Number(a.diedAt < b.diedAt))).slice(0, limit);
}

function listText(letters: readonly DeadLetter[], { isDiscarded, limit, terminal }: { readonly terminal: Terminal; readonly limit: number; readonly isDiscarded: boolean }): string {
  if (letters.length === 0) return isDiscarded ? "no dead letter was discarded" : "there is no dead letter: nothing was given up";
  const heads = ["LETTER", isDiscarded ? "DISCARDED" : "DIED", "SUBSCRIPTION", "EVENT", "KEY", "ATTEMPTS", isDiscarded ? "REASON" : "ERROR"].map((head) => terminal.style("bold", head));
  const rows = letters.map((letter) => [
    letterName(letter),
    (isDiscarded ? letter.settledAt : letter.diedAt) ?? "",
    letter.subscription,
    letter.event.type,
    letter.event.key ?? "",
    String(letter.attempts),
    isDiscarded ? (letter.reason ?? "") : errorLine(letter.error),
  ]);
  const table = alignColumns([heads, ...rows]);
  return letters.length < limit ? table : `${table}\n${terminal.style("dim", "there may be more: --limit, or tenon events lag for how many")}`;
}

function wholeText(letter: DeadLetter, terminal: Terminal): string {
  const { attempts, diedAt, error, event, reason, receivedAt, service, settledAt, state, subscription } = letter;
  const facts = [
    ["subscription", `${service}/${subscription}`],
    ["event", `${event.id}, version ${event.version}`],
    ["key", event.key ?? "none"],
    ["emitted", `${event.time} by ${event.source}`],
    ["received", receivedAt],
    ["died", `${diedAt}, after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}`],
    ...(state === "discarded" ? [["discarded", `${settledAt ?? ""}: ${reason ?? ""}`]] : []),
    ["trace", event.trace ?? "none"],
  ].map(([name = "", text = ""]) => [terminal.style("dim", name), text]);
  return [
    `${terminal.style("bold", letterName(letter))} ${event.type}`,
    alignColumns(facts, "  "),
    terminal.style("bold", "error"),
    ...(error ?? "not known").split("\n").map((line) => `  ${line}`),
    terminal.style("bold", "data"),
    jsonLines(event.data, "  "),
  ].join("\n");
}
