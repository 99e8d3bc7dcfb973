/** `tenon sbom`: what the project is made of. */
import { writeFile } from "node:fs/promises";
import { appOperand, type CommandSpec } from "../command.ts";
import { CommandProblem } from "../problem.ts";

interface SbomCommandOptions {
  readonly to?: string;
  readonly dev?: true;
}

export const sbomCommand: CommandSpec<SbomCommandOptions> = {
  name: "sbom",
  operands: appOperand,
  summary: "write the bill of materials: every package with version, license and checksum, as CycloneDX 1.6",
  description: "Reads package-lock.json and asks nobody. The same lock gives the same text, so it can be committed and compared.",
  options: [
    { flags: "--to <file>", about: "into a file instead of standard output" },
    { flags: "--dev", about: "with what only those who work on the project install" },
  ],
  examples: [
    ["tenon sbom --to bom.json", "of what runs in production"],
    ["tenon sbom --dev | jq '.components[].purl'", "of everything"],
  ],
  async run({ operands, options }) {
    const { enterApp } = await import("../app-location.ts");
    const { createSbom } = await import("../sbom/cyclonedx.ts");
    const { readLockFile } = await import("../sbom/lock-file.ts");
    const { toolVersion } = await import("../tool-version.ts");
    const directory = process.cwd();
    const { home } = enterApp(operands[0]);
    const sbom = createSbom(readLockFile(home), { scope: options.dev === true ? "development" : "production", toolVersion: toolVersion() });
    const text = JSON.stringify(sbom, undefined, 2);
    if (options.to === undefined) return { text, data: sbom };
    const { resolve } = await import("node:path");
    const file = resolve(directory, options.to);
    try {
      await writeFile(file, `${text}\n`);
    } catch (cause) {
      throw new CommandProblem(`${file} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, { remedy: "name a file in a directory that is there and can be written to", exitCode: 2, cause });
    }
    return { text: `${sbom.components.length} components in ${options.to}`, data: { file, components: sbom.components.length, serialNumber: sbom.serialNumber } };
  },
};
