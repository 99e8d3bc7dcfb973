/**
 * X.509 certificates of services and of the authority that issues them, as SPIFFE asks for them: ECDSA with P-256, the
 * id in the one URI, no more rights than a service needs.
 *
 * @see https://datatracker.ietf.org/doc/html/rfc5280 section 4
 * @see https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md
 */
import { hash, type KeyObject, sign } from "node:crypto";
import { bitString, boolean, context, contextBytes, type Der, integer, objectId, octetString, sequence, set, time, utf8 } from "./der.ts";

export interface CertificateStart {
  /** `authority`: signs certificates and nothing else. `service`: shows it to others. */
  readonly kind: "authority" | "service";
  /** Of a service exactly one, its SPIFFE id. */
  readonly uris: readonly string[];
  /** Sides of a connection on which a service may show it. Default: both. */
  readonly sides?: readonly ("server" | "client")[];
  /** Shown where people look at certificates. */
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly issuer: { readonly name: string; readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly serial: Uint8Array;
  readonly fromMs: number;
  readonly untilMs: number;
}

const extendedUsages = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" } as const;
const ecdsaWithSha256 = sequence(objectId("1.2.840.10045.4.3.2"));

/** The certificate, in PEM. The issuer's key is of P-256. */
export function createCertificate(start: CertificateStart): string {
  const { fromMs, issuer, name, publicKey, serial, untilMs } = start;
  const signed = sequence(
    context(0, integer(Uint8Array.of(2))), // version 3
    integer(serial),
    ecdsaWithSha256,
    toName(issuer.name),
    sequence(time(fromMs), time(untilMs)),
    toName(name),
    spkiOf(publicKey),
    context(3, sequence(...extensionsOf(start))),
  );
  const signature = sign("sha256", signed, issuer.privateKey);
  return toPem("CERTIFICATE", sequence(signed, ecdsaWithSha256, bitString(signature)));
}

function extensionsOf({ issuer, kind, publicKey, sides = ["server", "client"], uris }: CertificateStart): readonly Der[] {
  const isAuthority = kind === "authority";
  return [
    extension("2.5.29.19", sequence(...(isAuthority ? [boolean(true), integer(Uint8Array.of(0))] : [])), "critical"), // basic constraints: nothing below what it signs
    extension("2.5.29.15", isAuthority ? bitString(Uint8Array.of(0b0000_0110), 1) : bitString(Uint8Array.of(0b1000_0000), 7), "critical"), // key usage: sign certificates and lists; signatures
    ...(isAuthority ? [] : [extension("2.5.29.37", sequence(...sides.map((side) => objectId(extendedUsages[side]))))]),
    ...(uris.length === 0 ? [] : [extension("2.5.29.17", sequence(...uris.map((uri) => contextBytes(6, Buffer.from(uri)))))]),
    extension("2.5.29.14", octetString(keyIdOf(publicKey))),
    extension("2.5.29.35", sequence(contextBytes(0, keyIdOf(issuer.publicKey)))),
  ];
}

function extension(oid: string, value: Der, critical?: "critical"): Der {
  return sequence(objectId(oid), ...(critical === undefined ? [] : [boolean(true)]), octetString(value));
}

function toName(commonName: string): Der {
  return sequence(set(sequence(objectId("2.5.4.3"), utf8(commonName))));
}

function spkiOf(key: KeyObject): Uint8Array {
  return key.export({ format: "der", type: "spki" });
}

/** RFC 7093 section 2, method 1: 160 bits of a digest, here of the whole of the key's description. */
function keyIdOf(key: KeyObject): Uint8Array {
  return hash("sha256", spkiOf(key), "buffer").subarray(0, 20);
}

function toPem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
