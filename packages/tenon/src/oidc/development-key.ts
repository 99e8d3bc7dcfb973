/** The key file of the development issuer: a private JWK (RFC 7517), made once and shared by every process that opens it. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, sign, verify } from "node:crypto";
import { join } from "node:path";
import { MadeOnceError, readOrMake } from "../node/index.ts";

/** An ES256 key (RFC 7518 section 6.2) whose `kid` is its thumbprint (RFC 7638). */
export interface DevelopmentKey {
  readonly [member: string]: string;
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  readonly d: string;
  readonly kid: string;
  readonly alg: "ES256";
}

/** The key file cannot be used. The message names it and says what to do. */
export class DevelopmentKeyError extends Error {
  override readonly name = "DevelopmentKeyError";
  readonly file: string;

  constructor(file: string, problem: string, remedy: string, cause?: unknown) {
    super(`the key of the development issuer, ${file}, ${problem}. ${remedy}`, cause === undefined ? undefined : { cause });
    this.file = file;
  }
}

/** Reads `<directory>/issuer.json`, and makes it first where it is not there. @throws {DevelopmentKeyError} */
export async function openDevelopmentKey(directory: string): Promise<{ readonly file: string; readonly jwk: DevelopmentKey }> {
  const file = join(directory, "issuer.json");
  try {
    return { file, jwk: parse(file, await readOrMake(file, () => `${JSON.stringify(generate(), undefined, 2)}\n`)) };
  } catch (cause) {
    if (!(cause instanceof MadeOnceError)) throw cause;
    const problem = cause.cause === undefined ? cause.problem : `${cause.problem} (${cause.code})`;
    throw new DevelopmentKeyError(file, problem, remedies(directory)[cause.problem], cause);
  }
}

function remedies(directory: string): Readonly<Record<MadeOnceError["problem"], string>> {
  return {
    "cannot be read": "Give yourself the right to read it, or delete it: a new one is made.",
    "cannot be made": `Make ${directory} a directory that you can write to.`,
    "was removed while it was made": "Start again.",
  };
}

function generate(): DevelopmentKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x = "", y = "", d = "" } = privateKey.export({ format: "jwk" });
  return { kty: "EC", crv: "P-256", x, y, d, alg: "ES256", kid: thumbprint(x, y) };
}

function thumbprint(x: string, y: string): string {
  return hash("sha256", JSON.stringify({ crv: "P-256", kty: "EC", x, y }), "base64url");
}

function parse(file: string, text: string): DevelopmentKey {
  const remedy = "Delete it: a new one is made, and tokens signed with the old one stop working.";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DevelopmentKeyError(file, "is not JSON", remedy, cause);
  }
  const jwk = value as DevelopmentKey | null;
  const isEs256 = jwk?.kty === "EC" && jwk.crv === "P-256" && [jwk.x, jwk.y, jwk.d].every((part) => typeof part === "string");
  if (!isEs256) throw new DevelopmentKeyError(file, "is not a private JSON Web Key on the curve P-256", remedy);
  assertPair(file, jwk, remedy);
  return { kty: "EC", crv: "P-256", x: jwk.x, y: jwk.y, d: jwk.d, alg: "ES256", kid: thumbprint(jwk.x, jwk.y) };
}

/** A key whose halves do not belong together would sign tokens that are all refused. */
function assertPair(file: string, jwk: DevelopmentKey, remedy: string): void {
  let isPair: boolean;
  try {
    const { d: _, ...half } = jwk;
    const text = Buffer.from("tenon");
    const signature = sign("sha256", text, createPrivateKey({ key: jwk, format: "jwk" }));
    isPair = verify("sha256", text, createPublicKey({ key: half, format: "jwk" }), signature);
  } catch (cause) {
    throw new DevelopmentKeyError(file, "is not a key that can be used", remedy, cause);
  }
  if (!isPair) throw new DevelopmentKeyError(file, "holds two halves that do not belong together", remedy);
}
