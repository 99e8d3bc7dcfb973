/** `tenon audit verify`: whether the trail is what was written, and where it is not. */
import type { Finding, RecordName, VerifyReport } from "../../../audit/index.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { readAnchors, readKeys, withTrails } from "../../audit/trails.ts";
import type { OperatorOptions } from "../../events/operator.ts";
import { countOf } from "../../plural.ts";
import type { Terminal } from "../../terminal.ts";

interface VerifyCommandOptions extends OperatorOptions {
  readonly anchors?: string;
  readonly key: readonly string[];
}

export const auditVerifyCommand: CommandSpec<VerifyCommandOptions> = {
  name: "verify",
  operands: "[service]",
  summary: "read the trail from its beginning, and name what was changed, dropped, inserted or moved",
  description: [
    "Compares every record with its seal, every seal with the one before it, signatures with the keys of the configuration and of --key,",
    "and seals with the checkpoints that were told outside of the database. Exit code 1: something is not as it was written.",
  ].join(" "),
  options: [
    { flags: "--anchors <file>", about: "checkpoints that were told outside of the database (default: AUDIT_ANCHOR_FILE)" },
    { flags: "--key <file>", about: "a public key (PEM) that may have signed; may be given several times", isRepeatable: true },
    appOption,
  ],
  examples: [
    ["tenon audit verify", "the trails of all services"],
    ["tenon audit verify orders --key audit-public.pem --anchors /mnt/worm/checkpoints.jsonl", "as an auditor, without the app's key"],
    ["tenon audit verify --json", "for programs"],
  ],
  run: ({ operands, options, terminal }) =>
    withTrails(options, { name: operands[0], terminal }, async (trails) => {
      const { verifyTrail } = await import("../../../audit/index.ts");
      const known = await readKeys(trails.config, options.key);
      const { checkpoints, file } = await readAnchors(trails.config, options.anchors);
      const reports: VerifyReport[] = [];
      for (const { service, store } of trails.trails) {
        const progress = progressOf(terminal, { service, total: await store.estimate() });
        reports.push(await verifyTrail({ store, service, ...known, checkpoints: checkpoints.filter((each) => each.service === service), onProgress: progress.tell }));
        progress.end();
      }
      const isWhole = reports.every(({ findingsCount }) => findingsCount === 0);
      const without = file === "" ? ["no checkpoints from outside of the database were given (--anchors): an end that was cut off shows nowhere else"] : [];
      return { text: toText(reports, without, terminal), data: { app: trails.operator.app.name, isWhole, anchors: file === "" ? null : file, trails: reports, notes: without }, exitCode: isWhole ? 0 : 1 };
    }),
};

/** On a terminal alone, and beside the result. */
function progressOf(terminal: Terminal, { service, total }: { readonly service: string; readonly total: number }): { tell: (records: number) => void; end: () => void } {
  const isShown = process.stderr.isTTY && !terminal.isJson;
  return {
    tell(records) {
      if (isShown) process.stderr.write(`\r${service}: ${records.toLocaleString("en-US")} of ${Math.max(records, total).toLocaleString("en-US")} records`);
    },
    end() {
      if (isShown) process.stderr.write("\r\u001B[K");
    },
  };
}

function toText(reports: readonly VerifyReport[], without: readonly string[], terminal: Terminal): string {
  const lines = reports.flatMap((report) => [headOf(report, terminal), ...report.findings.flatMap((finding) => findingLines(finding, terminal)), ...beyond(report), ...report.notes.map((note) => `  note: ${note}`)]);
  return [...lines, ...without.map((note) => `note: ${note}`)].join("\n");
}

function headOf({ archivedSeals, findingsCount, last, pending, records, seals, service }: VerifyReport, terminal: Terminal): string {
  const verdict = findingsCount === 0 ? terminal.style("green", "whole") : terminal.style("red", countOf(findingsCount, "finding"));
  const more = [pending === 0 ? "" : `${pending} not sealed yet`, archivedSeals === 0 ? "" : `${archivedSeals} seals archived`, last === undefined ? "" : `last seal ${last.number}, ${last.hash.slice(0, 16)}…`];
  return `${service}: ${verdict}: ${[countOf(records, "record"), countOf(seals, "seal"), ...more].filter((each) => each !== "").join(", ")}`;
}

function findingLines({ after, before, kind, message, record }: Finding, terminal: Terminal): readonly string[] {
  const neighbors = [
    ["before it", before],
    ["itself", record],
    ["behind it", after],
  ] as const;
  return [`  ${terminal.style("red", kind)}: ${message}`, ...neighbors.flatMap(([word, name]) => (name === undefined ? [] : [`    ${word.padEnd(9)}  ${nameText(name)}`]))];
}

function nameText({ action, actor, at, number, seq, writer }: RecordName): string {
  return `place ${seq}  ${at}  ${actor}  ${action}  (${number} of ${writer})`.replaceAll(/[\p{Cc}\p{Cf}]/gu, "\uFFFD");
}

function beyond({ findings, findingsCount }: VerifyReport): readonly string[] {
  return findingsCount > findings.length ? [`  and ${findingsCount - findings.length} more`] : [];
}
