/**
 * Identities that are replaced while the process runs. Looks once a second, by default: at the clock for certificates
 * of the embedded authority, which are replaced at half of their life, and at the files for mounted ones; and at the
 * list of what is revoked.
 *
 * What cannot be read, or does not fit together because it is being replaced at this moment, changes nothing: the last
 * good identity is used until it ends, and the log says so once for each reason.
 */
import type { Identities, IdPattern, ServiceIdentity } from "../identity/index.ts";
import { type Clock, Fault, type Log, type Part, type Timer } from "../kernel/index.ts";
import { Authority } from "./authority.ts";
import { readMounted } from "./mounted.ts";
import { parseRevocations, readRevocations } from "./revocations.ts";
import { toServiceIdentity } from "./service-identity.ts";

export interface IdentitiesOptions {
  /** The services of this process. */
  readonly services: readonly string[];
  readonly pattern: IdPattern;
  readonly clock: Clock;
  readonly log: Log;
  /** The list of what is revoked; there need not be a file yet. */
  readonly revokedFile: string;
  /** Default 1 000. */
  readonly lookEveryMs?: number;
}

/** Gives the identity of a service: the one that is held, where nothing has changed. */
type Source = (service: string, held: ServiceIdentity | undefined) => Promise<ServiceIdentity>;

/**
 * Certificates from the embedded authority of a directory.
 *
 * @param options.lifeMs  How long each is valid, in ms; replaced at half of it.
 */
export async function openEmbeddedIdentities(options: IdentitiesOptions & { readonly directory: string; readonly lifeMs: number }): Promise<RotatingIdentities> {
  const { clock, directory, lifeMs, pattern } = options;
  const authority = await Authority.open(directory, { pattern, lifeMs, nowMs: clock.nowMs() });
  return RotatingIdentities.open(options, async (service, held) => {
    const nowMs = clock.nowMs();
    return held !== undefined && held.expiresAtMs - nowMs > lifeMs / 2 ? held : authority.issue(service, nowMs);
  });
}

/**
 * Certificates that are mounted.
 *
 * @param options.directory  With `{service}` in it where there are several services.
 */
export async function openMountedIdentities(options: IdentitiesOptions & { readonly directory: string }): Promise<RotatingIdentities> {
  const { clock, directory, pattern } = options;
  return RotatingIdentities.open(options, async (service, held) => {
    const texts = await readMounted(directory.replaceAll("{service}", service));
    const isSame = held !== undefined && held.chain === texts.chain && held.key === texts.key && held.bundle === texts.bundle;
    return isSame ? held : toServiceIdentity(service, texts, { nowMs: clock.nowMs(), pattern });
  });
}

export class RotatingIdentities implements Identities, Part {
  readonly name = "identities of services";
  readonly #options: IdentitiesOptions;
  readonly #source: Source;
  readonly #held = new Map<string, ServiceIdentity>();
  readonly #listeners: (() => void)[] = [];
  readonly #problems = new Map<string, string>();
  #revokedText: string | undefined = undefined;
  #revoked: ReadonlySet<string> = new Set();
  #timer: Timer | undefined = undefined;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;

  private constructor(options: IdentitiesOptions, source: Source) {
    this.#options = options;
    this.#source = source;
  }

  /** @throws {Fault} a service has no identity, or the list of what is revoked cannot be read. */
  static async open(options: IdentitiesOptions, source: Source): Promise<RotatingIdentities> {
    const identities = new RotatingIdentities(options, source);
    for (const service of options.services) identities.#held.set(service, await source(service, undefined));
    await identities.#readRevoked();
    return identities;
  }

  of(service: string): ServiceIdentity {
    const held = this.#held.get(service);
    if (held === undefined) throw new Fault("unavailable", `the service ${service} has no certificate here`);
    if (this.#options.clock.nowMs() < held.expiresAtMs) return held;
    throw new Fault("unavailable", `the certificate of ${service} has expired, and nobody has replaced it`);
  }

  isRevoked(serial: string, id: string): boolean {
    return this.#revoked.size > 0 && (this.#revoked.has(id) || this.#revoked.has(serial.replace(/^0+(?=.)/, "")));
  }

  onRotate(listener: () => void): void {
    this.#listeners.push(listener);
  }

  start(): void {
    if (this.#isStopped) return;
    const { clock, lookEveryMs = 1_000 } = this.#options;
    this.#timer = clock.after(lookEveryMs, () => {
      this.#looking = this.look().finally(() => this.start());
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  /** Looks now. Tells listeners when anything has changed. Never rejects. */
  async look(): Promise<void> {
    let isChanged = false;
    for (const [service, held] of this.#held) {
      isChanged = (await this.#attempt(service, async () => {
        const next = await this.#source(service, held);
        if (next === held) return false;
        this.#held.set(service, next);
        this.#options.log.info("a service has a new certificate", { service, serial: next.serial, expires: new Date(next.expiresAtMs).toISOString() });
        return true;
      })) || isChanged;
    }
    isChanged = (await this.#attempt("the list of what is revoked", () => this.#readRevoked())) || isChanged;
    if (isChanged) for (const listener of this.#listeners) this.#tell(listener);
  }

  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#options.log.error("a new certificate was not taken over", { error });
    }
  }

  async #readRevoked(): Promise<boolean> {
    const text = await readRevocations(this.#options.revokedFile);
    if (text === this.#revokedText) return false;
    this.#revoked = parseRevocations(text);
    this.#revokedText = text;
    return true;
  }

  async #attempt(what: string, task: () => Promise<boolean>): Promise<boolean> {
    try {
      const isChanged = await task();
      this.#problems.delete(what);
      return isChanged;
    } catch (error) {
      const { message } = Fault.from(error).code === "internal" ? (error as Error) : Fault.from(error);
      if (this.#problems.get(what) !== message) this.#options.log.error("an identity could not be looked at; the last good one is used until it ends", { what, error });
      this.#problems.set(what, message);
      return false;
    }
  }
}
