/**
 * An authority for development and tests: processes of one machine that share a directory believe each other. Its key
 * lies in a file that only its owner can read, and every process issues the certificates of its own services with it.
 * That is its limit too: whoever can read the file is every service, so in production certificates come from SPIRE,
 * cert-manager or an authority that keeps its key to itself.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from "node:crypto";
import { join } from "node:path";
import type { IdPattern, ServiceIdentity } from "../identity/index.ts";
import { Fault } from "../kernel/index.ts";
import { readOrMake } from "../node/index.ts";
import { createCertificate } from "./certificate.ts";
import { toServiceIdentity } from "./service-identity.ts";

/** A laptop is kept for fewer years than this. */
const authorityLifeMs = 10 * 365 * 86_400_000;
/** A certificate is valid from a little before it was made, in ms, so that a clock that is behind takes it too. */
const backdateMs = 60_000;
const fileName = "authority.pem";

export interface AuthorityOptions {
  readonly pattern: IdPattern;
  /** How long the certificates of services are valid, in ms. */
  readonly lifeMs: number;
}

export class Authority {
  /** In PEM: whom to believe. */
  readonly bundle: string;
  readonly #name: string;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #options: AuthorityOptions;

  private constructor(pem: string, options: AuthorityOptions) {
    this.#options = options;
    this.#privateKey = createPrivateKey(pem);
    this.#publicKey = createPublicKey(this.#privateKey);
    this.bundle = pem.slice(pem.indexOf("-----BEGIN CERTIFICATE-----"));
    this.#name = nameOf(options.pattern);
    const { subject, subjectAltName } = new X509Certificate(this.bundle);
    if (subject !== `CN=${this.#name}`) {
      throw new Fault("invalid_argument", `the authority there issues for ${subjectAltName?.replace("URI:", "") ?? subject}, and this app is in ${options.pattern.trustDomain}: use another directory, or remove it`);
    }
  }

  /**
   * The authority of a directory, made where there is none yet. Of several processes that start at once, one makes it.
   *
   * @throws {Fault} `invalid_argument`: what is there is no authority, or that of another trust domain.
   * @throws {MadeOnceError} it cannot be read or made.
   */
  static async open(directory: string, options: AuthorityOptions & { readonly nowMs: number }): Promise<Authority> {
    const path = join(directory, fileName);
    const pem = await readOrMake(path, () => create(options));
    try {
      return new Authority(pem, options);
    } catch (cause) {
      const why = cause instanceof Fault ? cause.message : "it cannot be read; remove it, and a new one is made";
      throw new Fault("invalid_argument", `${path}: ${why}`, { cause });
    }
  }

  /** A new key, and a certificate for it. */
  issue(service: string, nowMs: number): ServiceIdentity {
    const { lifeMs, pattern } = this.#options;
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const certificate = createCertificate({
      kind: "service",
      uris: [pattern.idOf(service)],
      name: service,
      publicKey,
      issuer: { name: this.#name, privateKey: this.#privateKey, publicKey: this.#publicKey },
      serial: createSerial(),
      fromMs: nowMs - backdateMs,
      untilMs: nowMs + lifeMs,
    });
    const key = privateKey.export({ format: "pem", type: "pkcs8" });
    return toServiceIdentity(service, { chain: certificate, key, bundle: this.bundle }, { nowMs, pattern });
  }
}

/** A new key and its certificate, in PEM. */
function create({ nowMs, pattern }: AuthorityOptions & { readonly nowMs: number }): string {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const name = nameOf(pattern);
  const certificate = createCertificate({
    kind: "authority",
    uris: [`spiffe://${pattern.trustDomain}`],
    name,
    publicKey,
    issuer: { name, privateKey, publicKey },
    serial: createSerial(),
    fromMs: nowMs - backdateMs,
    untilMs: nowMs + authorityLifeMs,
  });
  return `${privateKey.export({ format: "pem", type: "pkcs8" })}${certificate}`;
}

function nameOf(pattern: IdPattern): string {
  return `Tenon development authority of ${pattern.trustDomain}`;
}

/** RFC 5280 section 4.1.2.2: positive, 20 bytes at most; drawn, so that nobody foresees it. */
function createSerial(): Uint8Array {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  return serial;
}
