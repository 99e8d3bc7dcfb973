/**
 * A master key that never leaves AWS KMS. What a key is for goes along as encryption context, as a digest: the context
 * stands in the logs of CloudTrail, and would tell of persons there. KMS rotates such a key by itself.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
 */
import { hash } from "node:crypto";
import { Fault } from "../kernel/index.ts";
import type { KeyWrapper } from "../privacy/index.ts";

export interface KmsOptions {
  /** Identifier, ARN or alias of a symmetric key. */
  readonly key: string;
  readonly region: string;
  /** Default: the public one of the region. */
  readonly endpoint?: string | undefined;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string | undefined };
  /** The longest that one request may take, in ms. Default 5 000. */
  readonly timeoutMs?: number;
}

/** Tries besides the first, where KMS is busy or fails: `aws4fetch` waits between them. */
const retries = 2;

/** @throws {Fault} `unimplemented`: `aws4fetch` is not installed. */
export async function openKmsWrapper(options: KmsOptions): Promise<KeyWrapper> {
  const { credentials: { accessKeyId, secretAccessKey, sessionToken }, key, region, timeoutMs = 5_000 } = options;
  const { AwsClient } = await import("aws4fetch").catch((cause: unknown) => {
    throw new Fault("unimplemented", "PRIVACY_KEY_WRAPPER=kms needs the package aws4fetch: npm install aws4fetch", { cause });
  });
  const client = new AwsClient({ accessKeyId, secretAccessKey, service: "kms", region, retries, ...(sessionToken === undefined ? {} : { sessionToken }) });
  const endpoint = options.endpoint ?? `https://kms.${region}.amazonaws.com/`;

  async function ask(what: "Decrypt" | "Encrypt", body: object, field: "CiphertextBlob" | "Plaintext"): Promise<Uint8Array> {
    let response: Response;
    let text: string;
    try {
      const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": `TrentService.${what}` };
      response = await client.fetch(endpoint, { method: "POST", headers, body: JSON.stringify({ KeyId: key, ...body }), redirect: "error", signal: AbortSignal.timeout(timeoutMs) });
      text = await response.text();
    } catch (cause) {
      throw new Fault("unavailable", `AWS KMS at ${endpoint} does not answer`, { cause });
    }
    const answer = read(text);
    const found = answer[field];
    if (response.ok && typeof found === "string") return Buffer.from(found, "base64");
    const type = (textOf(answer, "__type") ?? String(response.status)).replace(/^.*#/, "");
    if (type === "InvalidCiphertextException" || type === "IncorrectKeyException") throw new Fault("internal", `a key in the database was not wrapped by the KMS key ${key}: ${type}`);
    throw new Fault("unavailable", `AWS KMS refused to ${what.toLowerCase()} with ${key}: ${type} ${(textOf(answer, "message") ?? textOf(answer, "Message") ?? "").slice(0, 200)}`);
  }

  return {
    name: `kms:${key}`,
    wrap: (plain, context) => ask("Encrypt", { Plaintext: Buffer.from(plain).toString("base64"), EncryptionContext: contextOf(context) }, "CiphertextBlob"),
    unwrap: (wrapped, context) => ask("Decrypt", { CiphertextBlob: Buffer.from(wrapped).toString("base64"), EncryptionContext: contextOf(context) }, "Plaintext"),
  };
}

function contextOf(context: string): Readonly<Record<string, string>> {
  return { tenon: hash("sha256", context, "base64url") };
}

function textOf(answer: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = answer[name];
  return typeof value === "string" ? value : undefined;
}

/** KMS answers JSON; a proxy may answer anything. */
function read(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
