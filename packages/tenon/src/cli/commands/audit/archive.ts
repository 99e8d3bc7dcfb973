/** `tenon audit archive`: old records out of the database, into a file. */
import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { appOption, type CommandSpec } from "../../command.ts";
import { readAnchors, readKeys, withTrails } from "../../audit/trails.ts";
import type { OperatorOptions } from "../../events/operator.ts";
import { countOf } from "../../plural.ts";
import { CommandProblem } from "../../problem.ts";
import { parseTime } from "../../telemetry/parse-options.ts";

interface ArchiveCommandOptions extends OperatorOptions {
  readonly before?: string;
  readonly to?: string;
}

export const auditArchiveCommand: CommandSpec<ArchiveCommandOptions> = {
  name: "archive",
  operands: "<service>",
  summary: "move old records of a service into a file, and leave their seals",
  description: [
    "Verifies the trail, writes whole sealed segments as lines of JSON (a seal, then its records), and removes the records from the database.",
    "The seals stay, and a signed note says up to where records are elsewhere, so that tenon audit verify goes on from there.",
  ].join(" "),
  options: [{ flags: "--before <time>", about: "what was sealed before: a time, or how long ago (365d)" }, { flags: "--to <file>", about: "a file that is not there yet" }, appOption],
  examples: [["tenon audit archive orders --before 365d --to orders-2025.jsonl", "what is older than a year"]],
  run: ({ operands, options, terminal }) =>
    withTrails(options, { name: operands[0], terminal }, async ({ config, nowMs, trails }) => {
      const { archiveTrail, verifyTrail } = await import("../../../audit/index.ts");
      const [trail] = trails;
      if (options.before === undefined || options.to === undefined || trail === undefined) throw new CommandProblem("say what goes, and where to", { remedy: "tenon audit archive orders --before 365d --to orders-2025.jsonl", exitCode: 2 });
      const beforeMs = parseTime("--before", options.before, nowMs);
      const known = await readKeys(config, []);
      const { checkpoints } = await readAnchors(config, undefined);
      const report = await verifyTrail({ ...trail, ...known, checkpoints: checkpoints.filter(({ service }) => service === trail.service) });
      if (report.findingsCount > 0) throw new CommandProblem(`the trail of ${trail.service} is not whole, so nothing is moved: ${report.findings[0]?.message ?? ""}`, { remedy: "tenon audit verify names all that was found" });
      const target = await create(options.to);
      const digest = createHash("sha256");
      let isDone = false;
      try {
        const moved = await archiveTrail({
          ...trail,
          key: known.keys[0],
          beforeMs,
          nowMs,
          write: async (line) => {
            digest.update(`${line}\n`);
            await target.write(`${line}\n`);
          },
          written: () => target.sync(),
        });
        isDone = moved.records > 0;
        const sha256 = digest.digest("hex");
        const text = isDone ? `${countOf(moved.records, "record")} under ${countOf(moved.seals, "seal")} moved to ${options.to} (SHA-256 ${sha256})` : "nothing is that old: no record was moved";
        return { text, data: { service: trail.service, ...moved, file: isDone ? options.to : null, sha256: isDone ? sha256 : null } };
      } finally {
        await target.close();
        if (!isDone) await rm(options.to, { force: true });
      }
    }),
};

async function create(file: string): Promise<Awaited<ReturnType<typeof open>>> {
  try {
    return await open(file, "wx", 0o600);
  } catch (cause) {
    const isThere = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    throw new CommandProblem(isThere ? `${file} is there already` : `${file} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, { remedy: "name a file that is not there yet: an archive is never written over", exitCode: 2, cause });
  }
}
