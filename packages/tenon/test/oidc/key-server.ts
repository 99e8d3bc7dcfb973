/** An issuer as the network sees it: metadata and keys over real HTTP, with everything that can go wrong. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface IssuerKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: Record<string, unknown>;
}

export function createKey(kid: string): IssuerKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { kid, privateKey, publicJwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" } };
}

export function signToken(key: IssuerKey, claims: object, header: object = {}): string {
  const parts = [{ alg: "ES256", kid: key.kid, ...header }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const signature = sign("sha256", Buffer.from(parts.join(".")), { key: key.privateKey, dsaEncoding: "ieee-p1363" });
  return `${parts.join(".")}.${signature.toString("base64url")}`;
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export class KeyServer {
  keys: readonly IssuerKey[];
  /** Replaces the usual answer to a path. */
  readonly answers = new Map<string, Answer>();
  /** Paths in the order in which they were asked for. */
  readonly asked: string[] = [];
  readonly #server: Server;

  static async open(keys: readonly IssuerKey[]): Promise<KeyServer> {
    const server = new KeyServer(keys);
    await server.listen(0);
    return server;
  }

  private constructor(keys: readonly IssuerKey[]) {
    this.keys = keys;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "";
    this.asked.push(path);
    const own = this.answers.get(path);
    if (own !== undefined) own(request, response);
    else if (path === "/.well-known/openid-configuration") json(response, { issuer: this.issuer, jwks_uri: `${this.issuer}/keys` });
    else if (path === "/keys") json(response, { keys: this.keys.map((key) => key.publicJwk) });
    else response.writeHead(404).end();
  }
}

export function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}
