/** An issuer of tokens of the test's own, over HTTP: whom the shop trusts is a setting, and here it is this one. */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Who {
  readonly subject: string;
  readonly roles?: readonly string[];
  readonly scopes?: readonly string[];
}

export class TokenIssuer {
  readonly url: string;
  readonly audience = "shop";
  readonly #server: Server;
  readonly #key: KeyObject;

  private constructor(url: string, server: Server, key: KeyObject) {
    this.url = url;
    this.#server = server;
    this.#key = key;
  }

  static async open(): Promise<TokenIssuer> {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const jwk = { ...publicKey.export({ format: "jwk" }), kid: "1", alg: "ES256", use: "sig" };
    const server = createServer((request, response) => {
      const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const isDiscovery = request.url === "/.well-known/openid-configuration";
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(isDiscovery ? { issuer, jwks_uri: `${issuer}/jwks` } : { keys: [jwk] }));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TokenIssuer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, privateKey);
  }

  tokenOf({ roles = [], scopes = [], subject }: Who): string {
    const nowS = Math.floor(Date.now() / 1_000);
    const claims = { iss: this.url, aud: this.audience, sub: subject, client_id: "test", jti: randomUUID(), iat: nowS, exp: nowS + 600, roles, scope: scopes.join(" ") };
    const signed = [{ alg: "ES256", typ: "at+jwt", kid: "1" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    const signature = sign("sha256", Buffer.from(signed), { key: this.#key, dsaEncoding: "ieee-p1363" });
    return `${signed}.${signature.toString("base64url")}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}
