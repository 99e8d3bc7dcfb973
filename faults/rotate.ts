/**
 * The rotation drill: two services in two processes call each other's way while their certificates are replaced every
 * other second, by the embedded authority, or as mounted files, by somebody who replaces the authority as well.
 *
 * Promise: no call fails, each is answered for the person who made it, and after the calling service's id is revoked
 * not one more is answered.
 */
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "node:tls";
import { systemClock } from "../packages/tenon/src/app/index.ts";
import { Authority } from "../packages/tenon/src/certificates/index.ts";
import { IdPattern } from "../packages/tenon/src/identity/index.ts";
import { openDevelopmentIssuer } from "../packages/tenon/src/oidc/index.ts";
import { ServerProcess } from "./server-process.ts";

export interface RotateOptions {
  /** Where certificates come from. */
  readonly source: "embedded" | "mounted";
  readonly seconds: number;
  readonly clients: number;
  /** Of each client between two calls, in ms; 0 for as many calls as there can be. */
  readonly restMs: number;
  readonly tell: (text: string) => void;
}

export interface RotateResult {
  readonly source: string;
  readonly seconds: number;
  readonly calls: number;
  readonly callsPerS: number;
  /** Answered with anything but success, or for somebody else. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Certificates that each of the two has shown. */
  readonly deskCertificates: number;
  readonly stockCertificates: number;
  /** Of the authority, in the mounted files. */
  readonly authorities: number;
  /** Calls that were answered later than two seconds after the calling service was revoked, and those that were not. */
  readonly answeredAfterRevocation: number;
  readonly refusedAfterRevocation: number;
  readonly unexpected: readonly string[];
}

/** Replaced at half of it. */
const lifeS = 4;
const pattern = new IdPattern("spiffe://tenon.internal/rotating/{service}");
const services = ["desk", "stock"] as const;

interface Load {
  port: number;
  isOver: boolean;
  readonly tookMs: number[];
  failed: number;
  readonly unexpected: string[];
}

export async function runRotation({ clients, restMs, seconds, source, tell }: RotateOptions): Promise<RotateResult> {
  const directory = await mkdtemp(join(tmpdir(), "tenon-rotate-"));
  const mounts = source === "mounted" ? await Mounts.open(join(directory, "mounts")) : undefined;
  const ports = { desk: await freePort(), stock: await freePort() };
  const env = {
    TENON_MODE: "development",
    TENON_DIRECTORY: directory,
    PORT: "0",
    HOST: "127.0.0.1",
    LOG_LEVEL: "error",
    IDENTITY_LIFE_S: String(lifeS),
    SERVICE_URLS: services.map((service) => `${service}=https://127.0.0.1:${ports[service]}`).join(","),
    ...(mounts === undefined ? {} : { IDENTITY_DIRECTORY: join(mounts.directory, "{service}") }),
  };
  const script = new URL("rotating/server.ts", import.meta.url);
  const running: ServerProcess[] = [];
  try {
    for (const service of services) running.push(await ServerProcess.start(script, { ...env, SERVICES_ONLY: service, SERVICES_PORT: String(ports[service]) }));
    const load: Load = { port: running[0]?.port ?? 0, isOver: false, tookMs: [], failed: 0, unexpected: [] };
    const issuer = await openDevelopmentIssuer({ directory, clock: systemClock });
    const work = Array.from({ length: clients }, async (_, number) => {
      const subject = `person-${number}`;
      const token = await issuer.sign({ subject, scopes: [], roles: [], claims: {}, expiresInS: 3_600 });
      for (let call = 0; !load.isOver; call++) {
        await oneCall(load, call, { subject, token });
        if (restMs > 0) await pause(restMs);
      }
    });
    const shown = { desk: new Set<string>(), stock: new Set<string>() };
    const untilMs = performance.now() + seconds * 1_000;
    for (let look = 0; performance.now() < untilMs; look++) {
      for (const service of services) shown[service].add(await serialAt(ports[service], service));
      if (look % 20 === 19) tell(`${source}: ${load.tookMs.length} calls, ${load.failed} failed, ${shown.desk.size} and ${shown.stock.size} certificates`);
      await pause(250);
    }
    load.isOver = true;
    await Promise.all(work);
    mounts?.stop();

    await mkdir(join(directory, "authority"), { recursive: true });
    await writeFile(join(directory, "authority", "revoked"), `${pattern.idOf("desk")}\n`);
    await pause(2_000);
    const after: Load = { port: load.port, isOver: false, tookMs: [], failed: 0, unexpected: [] };
    const token = await issuer.sign({ subject: "person-0", scopes: [], roles: [], claims: {}, expiresInS: 3_600 });
    for (let call = 0; call < 20; call++) await oneCall(after, call, { subject: "person-0", token });

    const tookMs = load.tookMs.toSorted((a, b) => a - b);
    const at = (share: number): number => Math.round((tookMs[Math.floor(tookMs.length * share)] ?? 0) * 100) / 100;
    return {
      source,
      seconds,
      calls: tookMs.length,
      callsPerS: Math.round(tookMs.length / seconds),
      failed: load.failed,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      deskCertificates: shown.desk.size,
      stockCertificates: shown.stock.size,
      authorities: mounts?.authorities ?? 1,
      answeredAfterRevocation: after.tookMs.length - after.failed,
      refusedAfterRevocation: after.failed,
      unexpected: load.unexpected.slice(0, 10),
    };
  } finally {
    mounts?.stop();
    for (const server of running) await server.stop();
    await rm(directory, { recursive: true });
  }
}

/** A query and a command in turn. */
async function oneCall(load: Load, call: number, { subject, token }: { readonly subject: string; readonly token: string }): Promise<void> {
  const startedMs = performance.now();
  try {
    const response = await fetch(`http://127.0.0.1:${load.port}${call % 2 === 0 ? "/read" : "/take"}`, { method: call % 2 === 0 ? "GET" : "POST", headers: { authorization: `Bearer ${token}` } });
    const text = await response.text();
    const seen = (response.ok ? JSON.parse(text) : {}) as { readonly subject?: string; readonly by?: readonly string[] };
    if (seen.subject !== subject || seen.by?.join() !== "desk") throw new TypeError(`${response.status} ${text}`);
  } catch (error) {
    load.failed += 1;
    load.unexpected.push(String(error));
  }
  load.tookMs.push(performance.now() - startedMs);
}

/** What stands there shows its certificate to everybody, and then wants to see one. */
async function serialAt(port: number, servername: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, servername, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? "");
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

/** Replaces files as Kubernetes does: a new directory, and a link that is moved to it in one step. */
class Mounts {
  readonly directory: string;
  authorities = 0;
  #number = 0;
  #authority: Authority | undefined = undefined;
  #bundles: string[] = [];
  #timer: NodeJS.Timeout | undefined = undefined;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(directory: string): Promise<Mounts> {
    const mounts = new Mounts(directory);
    await mounts.#replace();
    mounts.#timer = setInterval(() => void mounts.#replace(), (lifeS * 1_000) / 2);
    return mounts;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Every fourth time a new authority is made known, and it issues from the next time on. */
  async #replace(): Promise<void> {
    const number = this.#number++;
    const step = number % 4;
    const next = step === 0 ? await Authority.open(join(this.directory, `authority-${number}`), { pattern, lifeMs: lifeS * 1_000, nowMs: Date.now() }) : undefined;
    if (next !== undefined) {
      this.authorities += 1;
      this.#bundles = [...this.#bundles.slice(-1), next.bundle];
    }
    const issuer = this.#authority ?? next;
    for (const service of services) {
      const { chain, key } = (issuer as Authority).issue(service, Date.now());
      const version = `${service}-${number}`;
      await mkdir(join(this.directory, version), { recursive: true });
      for (const [name, text] of [["tls.crt", chain], ["tls.key", key], ["ca.crt", this.#bundles.join("")]] as const) await writeFile(join(this.directory, version, name), text);
      await symlink(version, join(this.directory, `${service}.next`));
      await rename(join(this.directory, `${service}.next`), join(this.directory, service));
    }
    if (next !== undefined) this.#authority = next;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function keepsRotatePromise({ answeredAfterRevocation, calls, deskCertificates, failed, refusedAfterRevocation, seconds, stockCertificates }: RotateResult): boolean {
  const rotationsMin = Math.floor(seconds / lifeS);
  return failed === 0 && calls > 0 && deskCertificates > rotationsMin && stockCertificates > rotationsMin && answeredAfterRevocation === 0 && refusedAfterRevocation > 0;
}
