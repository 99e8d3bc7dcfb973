/** Certificates as nobody should show them, and good ones, signed by whom the test says. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { type CertificateStart, createCertificate } from "../../src/certificates/index.ts";

export interface Signer {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  /** In PEM; of an authority. */
  readonly certificate: string;
}

export interface Shown {
  readonly cert: string;
  readonly key: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export type Forgery = Partial<Pick<CertificateStart, "kind" | "uris" | "sides" | "fromMs" | "untilMs" | "serial" | "name">> & { readonly signer?: Signer };

export function createSigner(name: string, uri: string): Signer {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const nowMs = Date.now();
  const certificate = createCertificate({ kind: "authority", uris: [uri], name, publicKey, issuer: { name, privateKey, publicKey }, serial: randomBytes(8), fromMs: nowMs - 60_000, untilMs: nowMs + 3_600_000 });
  return { name, privateKey, publicKey, certificate };
}

/** The embedded authority of a directory, by the text of its file. */
export function toSigner(name: string, pem: string): Signer {
  const privateKey = createPrivateKey(pem);
  return { name, privateKey, publicKey: createPublicKey(privateKey), certificate: pem.slice(pem.indexOf("-----BEGIN CERTIFICATE-----")) };
}

/** Signed by itself where no signer is given. */
export function forge({ signer, ...start }: Forgery): Shown {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const nowMs = Date.now();
  const name = start.name ?? "desk";
  const cert = createCertificate({ kind: "service", uris: [], name, publicKey, issuer: signer ?? { name, privateKey, publicKey }, serial: randomBytes(12), fromMs: nowMs - 30_000, untilMs: nowMs + 600_000, ...start });
  return { cert, key: privateKey.export({ format: "pem", type: "pkcs8" }), privateKey, publicKey };
}
