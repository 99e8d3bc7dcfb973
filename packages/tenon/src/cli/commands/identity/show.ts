/** `tenon identity show`: who the services of an app are to each other. */
import { alignColumns } from "../../columns.ts";
import { appOperand, type CommandSpec } from "../../command.ts";
import { findIdentities } from "../../identity/at-hand.ts";

interface ShownIdentity {
  readonly service: string;
  readonly id: string;
  /** Of the mounted certificate; empty where each process makes its own. */
  readonly serial: string;
  readonly expires: string;
  readonly isRevoked: boolean;
  /** Why there is no certificate; empty where there is one. */
  readonly problem: string;
}

export const identityShowCommand: CommandSpec = {
  name: "show",
  operands: appOperand,
  isDefault: true,
  summary: "print the SPIFFE id of each service, and its certificate",
  description: [
    "Prints the SPIFFE id of each service. With IDENTITY_DIRECTORY the mounted certificates are read and checked, and",
    "exit code 1 says that one is missing or no good; without it, each process gets certificates of its own at start.",
  ].join(" "),
  examples: [
    ["tenon identity show", "of the app in this directory"],
    ["IDENTITY_DIRECTORY=/run/tls/{service} tenon identity show --json", "checks what is mounted"],
  ],
  async run({ operands, terminal }) {
    const { app, config, pattern, revokedFile } = await findIdentities(operands[0]);
    const { openMountedIdentities, parseRevocations, readRevocations } = await import("../../../certificates/index.ts");
    const { systemClock } = await import("../../../app/index.ts");
    const { Fault } = await import("../../../kernel/index.ts");
    const revoked = parseRevocations(await readRevocations(revokedFile));
    const quiet = { debug: ignore, info: ignore, warn: ignore, error: ignore };
    const shown: ShownIdentity[] = [];
    for (const { name: service } of app.services) {
      const id = pattern.idOf(service);
      const base = { service, id, serial: "", expires: "", isRevoked: revoked.has(id), problem: "" };
      if (config.identityDirectory === "") {
        shown.push(base);
        continue;
      }
      try {
        const identities = await openMountedIdentities({ services: [service], pattern, clock: systemClock, log: quiet, revokedFile, directory: config.identityDirectory });
        const { expiresAtMs, serial } = identities.of(service);
        shown.push({ ...base, serial, expires: new Date(expiresAtMs).toISOString(), isRevoked: identities.isRevoked(serial, id) });
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        shown.push({ ...base, problem: error.message });
      }
    }
    const heads = ["SERVICE", "ID", "CERTIFICATE", "EXPIRES", ""].map((head) => terminal.style("bold", head));
    const rows = shown.map((each) => [each.service, each.id, each.serial === "" ? (each.problem === "" ? "made at start" : "none") : each.serial, each.expires, each.isRevoked ? "revoked" : each.problem]);
    const source = config.identityDirectory === "" ? "the authority for development" : config.identityDirectory;
    return { text: alignColumns([heads, ...rows]), data: { app: app.name, source, identities: shown }, exitCode: shown.some(({ problem }) => problem !== "") ? 1 : 0 };
  },
};

function ignore(): void {}
