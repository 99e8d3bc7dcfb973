/**
 * An issuer of tokens for a run: an ES256 key made for the occasion, tokens for as many callers as there are
 * connections, and a discovery document with the key, served on localhost for the subjects that look it up.
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

const keyId = "bench";
const audience = "bench";
/** A run is over long before. */
const lifetimeSeconds = 3_600;

export class Issuer {
  readonly #server: Server;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;

  private constructor(server: Server, privateKey: KeyObject, publicKey: KeyObject) {
    this.#server = server;
    this.#privateKey = privateKey;
    this.#publicKey = publicKey;
  }

  static async open(): Promise<Issuer> {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const issuer = new Issuer(server, privateKey, publicKey);
    server.on("request", (request, response) => {
      const document = issuer.#documentAt(request.url ?? "");
      response.writeHead(document === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(document ?? {}));
    });
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What a subject needs to trust the tokens. */
  get env(): Readonly<Record<string, string>> {
    return {
      BENCH_ISSUER: this.url,
      BENCH_AUDIENCE: audience,
      BENCH_PUBLIC_KEY: this.#publicKey.export({ type: "spki", format: "pem" }),
      BENCH_JWKS: JSON.stringify(this.#keys()),
    };
  }

  /** A token for each of `count` callers. */
  tokens(count: number): readonly string[] {
    return Array.from({ length: count }, (_, index) => this.#token(`customer-${index}`));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** RFC 7515 section 7.1, with the signature as RFC 7518 section 3.4 wants it: R and S side by side. */
  #token(subject: string): string {
    const nowSeconds = Math.floor(Date.now() / 1_000);
    const header = { alg: "ES256", typ: "JWT", kid: keyId };
    const claims = {
      iss: this.url,
      aud: audience,
      sub: subject,
      scope: "orders:read orders:write profile",
      iat: nowSeconds,
      exp: nowSeconds + lifetimeSeconds,
      jti: `${subject}-${nowSeconds}`,
    };
    const signed = `${toBase64Url(header)}.${toBase64Url(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), { key: this.#privateKey, dsaEncoding: "ieee-p1363" });
    return `${signed}.${signature.toString("base64url")}`;
  }

  #keys(): { readonly keys: readonly object[] } {
    return { keys: [{ ...this.#publicKey.export({ format: "jwk" }), kid: keyId, alg: "ES256", use: "sig" }] };
  }

  #documentAt(path: string): object | undefined {
    if (path === "/.well-known/jwks.json") return this.#keys();
    if (path !== "/.well-known/openid-configuration") return undefined;
    return { issuer: this.url, jwks_uri: `${this.url}/.well-known/jwks.json`, id_token_signing_alg_values_supported: ["ES256"] };
  }
}

function toBase64Url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
