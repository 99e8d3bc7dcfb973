/**
 * Reports of what was done with somebody's data, signed with a key of the app, so that whoever gets one can show it to
 * others: a compact JSON Web Signature (RFC 7515) by Ed25519 (RFC 8037).
 */
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from "node:crypto";
import { type RunStatement, SealError } from "../data/index.ts";
import { keyBytes } from "./key-wrapper.ts";
import type { Vault } from "./vault.ts";

/** PKCS #8 of an Ed25519 key, up to its 32 bytes (RFC 8410 section 7). */
const pkcs8Head = Buffer.from("302e020100300506032b657004220420", "hex");

export interface PublicJwk {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
  /** RFC 7638. */
  readonly kid: string;
}

export class ReportSigner {
  readonly publicJwk: PublicJwk;
  readonly #key: KeyObject;

  constructor(seed: Uint8Array) {
    if (seed.byteLength !== keyBytes) throw new RangeError(`an Ed25519 key has ${keyBytes} bytes`);
    this.#key = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: "der", type: "pkcs8" });
    const x = createPublicKey(this.#key).export({ format: "jwk" }).x as string;
    this.publicJwk = { kty: "OKP", crv: "Ed25519", x, kid: hash("sha256", JSON.stringify({ crv: "Ed25519", kty: "OKP", x }), "base64url") };
  }

  sign(report: object): string {
    const head = Buffer.from(JSON.stringify({ alg: "EdDSA", typ: "tenon-report+jws", kid: this.publicJwk.kid })).toString("base64url");
    const signed = `${head}.${Buffer.from(JSON.stringify(report)).toString("base64url")}`;
    return `${signed}.${sign(null, Buffer.from(signed), this.#key).toString("base64url")}`;
  }

  /** @returns What the report says; `undefined` where it is not one that this app has signed. */
  verify(text: string): unknown {
    const parts = text.trim().split(".");
    const [head, payload, signature] = parts;
    if (parts.length !== 3 || head === undefined || payload === undefined || signature === undefined) return undefined;
    if (!verify(null, Buffer.from(`${head}.${payload}`), createPublicKey(this.#key), Buffer.from(signature, "base64url"))) return undefined;
    return JSON.parse(Buffer.from(payload, "base64url").toString()) as unknown;
  }
}

/** The signer of a database: its key is made at the first report, and kept wrapped by the master key. */
export async function openSigner(vault: Vault, run: RunStatement): Promise<ReportSigner> {
  const key = (await vault.keys.of("signing", [""], run)).get("");
  if (key === undefined) throw new SealError("the key that signs reports could not be made");
  return new ReportSigner(key.bytes);
}
