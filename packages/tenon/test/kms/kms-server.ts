/**
 * A server that speaks the part of the documented API of AWS KMS that is used here, Encrypt and Decrypt with an encryption
 * context, and checks the signature of each request (Signature Version 4) by a computation of its own. It is not KMS: what
 * that does beyond its documentation is not tried.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class KmsServer {
  readonly keys = new Map<string, Buffer>();
  readonly contexts: unknown[] = [];
  readonly secrets = new Map([["AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"]]);
  /** So many requests are answered as by a server that is too busy. */
  busy = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<KmsServer> {
    const server = createServer();
    const kms = new KmsServer(server);
    server.on("request", (request, response) => {
      void kms.#answer(request).then(({ body, status }) => response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(body)));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return kms;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const body = await text(request);
    if (this.busy > 0) {
      this.busy -= 1;
      return { status: 500, body: { __type: "KMSInternalException" } };
    }
    if (!this.#isSigned(request, body)) return refused("InvalidSignatureException");
    const asked = JSON.parse(body) as { readonly KeyId: string; readonly Plaintext: string; readonly CiphertextBlob: string; readonly EncryptionContext: object };
    const key = this.keys.get(asked.KeyId);
    if (key === undefined) return refused("NotFoundException");
    this.contexts.push(asked.EncryptionContext);
    const context = Buffer.from(JSON.stringify(asked.EncryptionContext));
    if (request.headers["x-amz-target"] === "TrentService.Encrypt") {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(context);
      return { status: 200, body: { KeyId: asked.KeyId, CiphertextBlob: Buffer.concat([nonce, cipher.update(asked.Plaintext, "base64"), cipher.final(), cipher.getAuthTag()]).toString("base64") } };
    }
    try {
      const sealed = Buffer.from(asked.CiphertextBlob, "base64");
      const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12), { authTagLength: 16 }).setAAD(context).setAuthTag(sealed.subarray(-16));
      return { status: 200, body: { KeyId: asked.KeyId, Plaintext: Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString("base64") } };
    } catch {
      return refused("InvalidCiphertextException");
    }
  }

  #isSigned({ headers, method, url }: IncomingMessage, body: string): boolean {
    const found = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/kms\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(headers.authorization ?? "");
    const [, id = "", day = "", region = "", names = "", signature] = found ?? [];
    const secret = this.secrets.get(id);
    if (found === null || secret === undefined || !["host", "x-amz-date", "x-amz-target"].every((name) => names.split(";").includes(name))) return false;
    const canonical = [method, url, "", ...names.split(";").map((name) => `${name}:${String(headers[name]).trim()}`), "", names, createHash("sha256").update(body).digest("hex")].join("\n");
    const toSign = ["AWS4-HMAC-SHA256", headers["x-amz-date"], `${day}/${region}/kms/aws4_request`, createHash("sha256").update(canonical).digest("hex")].join("\n");
    const hmac = (key: Buffer | string, value: string): Buffer => createHmac("sha256", key).update(value).digest();
    const signing = [region, "kms", "aws4_request"].reduce((key, value) => hmac(key, value), hmac(`AWS4${secret}`, day));
    return hmac(signing, toSign).toString("hex") === signature;
  }
}

function refused(type: string): Answer {
  return { status: 400, body: { __type: type, message: `${type} as documented` } };
}
