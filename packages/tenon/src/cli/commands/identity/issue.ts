/** `tenon identity issue`: certificates of the authority for development as files, laid out as cert-manager does. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDuration } from "../../../kernel/index.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { assertService, findIdentities } from "../../identity/at-hand.ts";
import { CommandProblem } from "../../problem.ts";

interface IssueOptions {
  readonly to?: string;
  readonly for?: string;
  readonly app?: string;
}

export const identityIssueCommand: CommandSpec<IssueOptions> = {
  name: "issue",
  operands: "<service>",
  summary: "write a certificate of the authority for development into a directory",
  description: "Writes tls.crt, tls.key and ca.crt, as cert-manager lays them out: for a trial of what production will mount. The authority is the one in TENON_DIRECTORY, made where there is none.",
  options: [
    { flags: "--to <directory>", about: "where the files go (required)" },
    { flags: "--for <duration>", about: 'how long it is valid: "10m", "24h" (default: IDENTITY_LIFE_S)' },
    appOption,
  ],
  examples: [["tenon identity issue orders --to certificates/orders --for 24h", "then: IDENTITY_DIRECTORY=certificates/{service} tenon start --only orders"]],
  async run({ operands, options }) {
    const [service = ""] = operands;
    if (options.to === undefined || options.to === "") throw new CommandProblem("a certificate needs a place", { remedy: `tenon identity issue ${service} --to certificates/${service}`, exitCode: 2 });
    const { for: duration } = options;
    const givenMs = duration === undefined ? undefined : parseDuration(duration);
    if (duration !== undefined && (givenMs === undefined || givenMs < 2_000)) throw new CommandProblem(`--for ${duration} is not a length of time`, { remedy: "a number and a unit, two seconds at least: 10m, 24h", exitCode: 2 });
    const atHand = await findIdentities(options.app);
    assertService(atHand, service);
    const { Authority } = await import("../../../certificates/index.ts");
    const { systemClock } = await import("../../../app/index.ts");
    const nowMs = systemClock.nowMs();
    const authority = await Authority.open(atHand.authorityDirectory, { pattern: atHand.pattern, lifeMs: givenMs ?? atHand.config.identityLifeS * 1_000, nowMs });
    const { bundle, chain, expiresAtMs, id, key, serial } = authority.issue(service, nowMs);
    await mkdir(options.to, { recursive: true });
    await writeFile(join(options.to, "ca.crt"), bundle);
    await writeFile(join(options.to, "tls.key"), key, { mode: 0o600 });
    await writeFile(join(options.to, "tls.crt"), chain);
    const expires = new Date(expiresAtMs).toISOString();
    return { text: `${id}\ncertificate ${serial} in ${options.to}, valid until ${expires}`, data: { service, id, serial, expires, directory: options.to } };
  },
};
