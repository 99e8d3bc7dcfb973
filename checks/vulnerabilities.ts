/**
 * Known vulnerabilities of the packages in the lock file, where the registry answers: `npm audit`. What was looked at and
 * accepted stands in accepted-advisories.json, with the reason and the day on which it is looked at again.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./source-files.ts";

export interface AcceptedAdvisory {
  /** `GHSA-…`, as the advisory's address ends. */
  readonly id: string;
  readonly package: string;
  readonly reason: string;
  /** `2027-01-31`: from here on it counts again. */
  readonly until: string;
}

interface Advisory {
  readonly title?: string;
  readonly url?: string;
  readonly severity?: string;
  readonly range?: string;
}

/** What `npm audit --json` prints (format 2). */
export interface AuditReport {
  readonly vulnerabilities?: Readonly<Record<string, { readonly via: readonly (string | Advisory)[] }>>;
  /** Where the registry did not answer. */
  readonly message?: string;
  readonly error?: { readonly summary?: string };
}

/** Vulnerabilities that nobody has accepted, and acceptances that are over or of no use. @param today  `2026-11-26` */
export function vulnerabilities(report: AuditReport, accepted: readonly AcceptedAdvisory[], today: string): readonly string[] {
  const advisories = Object.entries(report.vulnerabilities ?? {}).flatMap(([name, { via }]) => via.flatMap((each) => (typeof each === "string" ? [] : [{ name, ...each, id: each.url?.split("/").at(-1) ?? "" }])));
  const isAccepted = (id: string, name: string): boolean => accepted.some((each) => each.id === id && each.package === name && each.until > today);
  return [
    ...advisories.filter(({ id, name }) => !isAccepted(id, name)).map(({ name, range, severity, title, url }) => `${name} ${range ?? ""} has a known vulnerability (${severity ?? "of unknown severity"}): ${title ?? ""}, ${url ?? ""}. Update it, or accept it in checks/accepted-advisories.json`),
    ...accepted.filter(({ until }) => until <= today).map(({ id, package: name, until }) => `checks/accepted-advisories.json accepts ${id} of ${name} until ${until}, which is over: look at it again`),
    ...accepted.filter(({ id, package: name }) => !advisories.some((each) => each.id === id && each.name === name)).map(({ id, package: name }) => `checks/accepted-advisories.json accepts ${id} of ${name}, which is reported no more: take it out`),
    ...accepted.filter(({ reason, until }) => reason.trim().length < 20 || !/^\d{4}-\d\d-\d\d$/.test(until)).map(({ id }) => `checks/accepted-advisories.json accepts ${id} without a reason or a day`),
  ];
}

/** The report, or why there is none: no network, or a registry that does not offer it. */
export function readAuditReport(): AuditReport | string {
  const script = process.env["npm_execpath"]; // there where npm runs the gate
  const [program, ...before] = script === undefined ? [process.platform === "win32" ? "npm.cmd" : "npm"] : [process.execPath, script];
  const { error, stdout } = spawnSync(program ?? "npm", [...before, "audit", "--json"], { cwd: root, encoding: "utf8", timeout: 60_000, maxBuffer: 64 * 1024 ** 2 });
  return error === undefined ? parseAuditReport(stdout) : `npm could not be run: ${error.message}`;
}

/** @returns A text where the registry did not answer. */
export function parseAuditReport(stdout: string): AuditReport | string {
  let report: AuditReport;
  try {
    report = JSON.parse(stdout) as AuditReport;
  } catch {
    return "npm audit printed no report";
  }
  if (report.vulnerabilities !== undefined) return report;
  return report.message ?? report.error?.summary ?? "the registry gave no report";
}

export function readAccepted(): readonly AcceptedAdvisory[] {
  return JSON.parse(readFileSync(join(root, "checks/accepted-advisories.json"), "utf8")) as readonly AcceptedAdvisory[];
}
