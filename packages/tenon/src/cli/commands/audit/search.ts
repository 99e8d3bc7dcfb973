/** `tenon audit search`: records by who, what, whose and when. */
import type { AuditFilter, AuditRecord, StoredRecord } from "../../../audit/index.ts";
import { alignColumns, oneLine } from "../../columns.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { type Trails, withTrails } from "../../audit/trails.ts";
import type { OperatorOptions } from "../../events/operator.ts";
import { parseLimit } from "../../events/targets.ts";
import { CommandProblem } from "../../problem.ts";
import { parseTime, parseWord } from "../../telemetry/parse-options.ts";
import type { Terminal } from "../../terminal.ts";

interface SearchOptions extends OperatorOptions {
  readonly actor?: string;
  readonly subject?: string;
  readonly action?: string;
  readonly record?: string;
  readonly since?: string;
  readonly until?: string;
  readonly outcome?: string;
  readonly before?: string;
  readonly limit?: string;
}

interface Found {
  readonly service: string;
  readonly seq: number;
  readonly record: AuditRecord | undefined;
}

export const auditSearchCommand: CommandSpec<SearchOptions> = {
  name: "search",
  operands: "[service]",
  summary: "list records of the audit trail, the newest first",
  description: "Each record has a place, by which pages go. It shows what stands in the table: whether that is what was written is for tenon audit verify to say.",
  options: [
    { flags: "--actor <subject>", about: "done by this one: the subject of a token" },
    { flags: "--subject <id>", about: "about this person, by the identifier of the tables" },
    { flags: "--action <action>", about: "orders.place, or orders.* for all that begin so" },
    { flags: "--record <record>", about: "done to this row: orders/orders/o-1, as service, table and key" },
    { flags: "--outcome <outcome>", about: "done, refused or failed" },
    { flags: "--since <time>", about: "from here on: a time, or how long ago (2h)" },
    { flags: "--until <time>", about: "up to here" },
    { flags: "--before <place>", about: "a page: those in front of this place" },
    { flags: "--limit <n>", about: "so many at most (default: 20)" },
    appOption,
  ],
  examples: [
    ["tenon audit search --actor ada --since 24h", "what ada did today"],
    ["tenon audit search orders --outcome refused", "who was refused by orders"],
    ["tenon audit search orders --subject c-42 --json", "who saw or changed what of c-42, for programs"],
  ],
  run: ({ operands, options, terminal }) =>
    withTrails(options, { name: operands[0], terminal }, async (trails) => {
      const limit = parseLimit(options.limit, { fallback: 20, max: 10_000 });
      const found = await search(trails, options, limit);
      const services = trails.trails.map(({ service }) => service);
      const next = services.length === 1 && found.length === limit ? `--before ${found.at(-1)?.seq ?? 0}` : undefined;
      return {
        text: toText(found, { terminal, next }),
        data: { app: trails.operator.app.name, services, records: found.map(({ record, seq, service }) => ({ ...record, service, place: seq })), next: next ?? null },
      };
    }),
};

async function search({ nowMs, trails }: Trails, options: SearchOptions, max: number): Promise<readonly Found[]> {
  const { action, actor, outcome, record, since, subject, until } = options;
  const beforeSeq = parsePlace(options.before);
  if (beforeSeq !== undefined && trails.length > 1) throw new CommandProblem("each service counts places by itself", { remedy: `say whose: tenon audit search ${trails[0]?.service ?? ""} --before …`, exitCode: 2 });
  const filter: AuditFilter = {
    actor,
    subject,
    action,
    record,
    outcome: outcome === undefined ? undefined : parseWord("--outcome", outcome, ["done", "refused", "failed"] as const),
    sinceMs: since === undefined ? undefined : parseTime("--since", since, nowMs),
    untilMs: until === undefined ? undefined : parseTime("--until", until, nowMs),
  };
  const { parseRecord } = await import("../../../audit/index.ts");
  const found: Found[] = [];
  for (const { service, store } of trails) found.push(...(await store.search(filter, { beforeSeq, max })).map((row: StoredRecord) => ({ service, seq: row.seq, record: parseRecord(row.text) })));
  if (trails.length === 1) return found;
  return found.toSorted((a, b) => ((a.record?.at ?? "") < (b.record?.at ?? "") ? 1 : -1)).slice(0, max);
}

function parsePlace(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new CommandProblem(`--before ${text} is not a place`, { remedy: "a place is a whole number: the first column of tenon audit search", exitCode: 2 });
}

function toText(found: readonly Found[], { next, terminal }: { readonly terminal: Terminal; readonly next: string | undefined }): string {
  if (found.length === 0) return "no such record in the audit trail";
  const rows = found.map(({ record, seq, service }) => (record === undefined ? [String(seq), "", service, "not readable: tenon audit verify says more"] : rowOf(record, seq)));
  const table = alignColumns([["PLACE", "TIME", "ACTOR", "ACTION", "OUTCOME", "WHY", "ON", "FROM"].map((head) => terminal.style("bold", head)), ...rows]);
  return next === undefined ? table : `${table}\n${terminal.style("dim", `more: ${next}`)}`;
}

function rowOf({ action, actor, address, allowedBy, at, code, details, onBehalfOf, outcome, record, records, recordsBeyond, subject, subjects, subjectsBeyond, times, via }: AuditRecord, seq: number): readonly string[] {
  const who = actor.subject === "" ? actor.kind : actor.subject;
  const path = [who, via === undefined ? "" : `via ${via}`, onBehalfOf === undefined ? "" : `for ${onBehalfOf.subject}`].filter((each) => each !== "").join(" ");
  const keys = Object.entries(details ?? {}).map(([name, value]) => `${name}=${value}`);
  const rows = countOf(records, recordsBeyond);
  const persons = countOf(subjects, subjectsBeyond);
  const on = [record === undefined ? "" : `${record.table}/${record.key}`, rows === 0 ? "" : `${rows} rows`, ...keys, subject === undefined ? "" : `of ${subject}`, persons === 0 ? "" : `of ${persons} persons`].filter((each) => each !== "").join(" ");
  const result = [outcome, code ?? "", times === undefined ? "" : `×${times}`].filter((each) => each !== "").join(" ");
  return [String(seq), at, path, action, result, allowedBy ?? "", on, address ?? ""].map(oneLine);
}

function countOf(named: readonly unknown[] = [], beyond = 0): number {
  return named.length + beyond;
}
