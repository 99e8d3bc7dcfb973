/** From texts in PEM to the identity of a service, if they are one. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { canSign, type IdPattern, type PeerRules, PeerRefusal, type ServiceIdentity, toPeer } from "../identity/index.ts";
import { Fault } from "../kernel/index.ts";

export interface IdentityTexts {
  readonly chain: string;
  readonly key: string;
  readonly bundle: string;
}

/** Nobody's own certificate is on a list that only others read. */
const nothingRevoked: PeerRules["identities"] = { isRevoked: () => false };

/** @throws {Fault} `unavailable` with what is wrong. Nothing of the key is in it. */
export function toServiceIdentity(service: string, texts: IdentityTexts, { nowMs, pattern }: { readonly nowMs: number; readonly pattern: IdPattern }): ServiceIdentity {
  const { bundle, chain, key } = texts;
  const certificate = parsed("the certificate", () => new X509Certificate(chain));
  const privateKey: KeyObject = parsed("the key", () => createPrivateKey(key));
  parsed("the bundle", () => new X509Certificate(bundle));
  if (!certificate.checkPrivateKey(privateKey)) throw new Fault("unavailable", "the key is not that of the certificate");
  if (!canSign(privateKey)) throw new Fault("unavailable", "the key is of a kind that is not used here: take ECDSA with P-256 or P-384, Ed25519, or RSA of 2048 bits and more");
  const rules = { pattern, services: new Set([service]), identities: nothingRevoked };
  const asClient = toPeer(certificate, rules, { nowMs, side: "client" });
  const own = asClient instanceof PeerRefusal ? asClient : toPeer(certificate, rules, { nowMs, side: "server" });
  if (own instanceof PeerRefusal) {
    throw new Fault("unavailable", `the certificate${own.id === "" ? "" : ` of ${own.id}`} is no good: ${own.reason}; the service ${service} needs one for ${pattern.idOf(service)}`);
  }
  return { service, id: own.id, chain, key, bundle, expiresAtMs: own.expiresAtMs, serial: own.serial, thumbprint: own.thumbprint };
}

function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new Fault("unavailable", `${what} cannot be read: PEM is what is needed`, { cause });
  }
}
