/**
 * A server that speaks the part of Vault's documented HTTP API that is used here: reading version 2 of the key-value engine,
 * logging in with a Kubernetes service account, tokens that end and are taken back, and the transit engine with keys of kind
 * `aes256-gcm96`, which authenticate `associated_data`. It is not Vault: what Vault does beyond
 * its documentation is not tried.
 *
 * @see https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
 * @see https://developer.hashicorp.com/vault/api-docs/auth/kubernetes
 * @see https://developer.hashicorp.com/vault/api-docs/secret/transit
 */
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

export class VaultServer {
  readonly #server: Server;
  readonly #secrets = new Map<string, Readonly<Record<string, unknown>>>();
  readonly #tokens = new Set<string>(["root"]);
  /** Keys of the transit engine, by mount and name. */
  readonly keys = new Map<string, Buffer>();
  /** `role` to the token of its service account. */
  readonly accounts = new Map<string, string>();
  readonly requests: { readonly path: string; readonly namespace: string | undefined }[] = [];
  logins = 0;
  leaseS = 3_600;
  isSealed = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<VaultServer> {
    const server = createServer();
    const vault = new VaultServer(server);
    server.on("request", (request, response) => {
      void vault.#answer(request).then(({ body, status }) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return vault;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  put(path: string, data: Readonly<Record<string, unknown>>): void {
    this.#secrets.set(path, data);
  }

  grant(token: string): void {
    this.#tokens.add(token);
  }

  revokeAll(): void {
    this.#tokens.clear();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage): Promise<{ readonly status: number; readonly body: unknown }> {
    const path = (request.url ?? "").replace("/v1/", "");
    this.requests.push({ path, namespace: request.headers["x-vault-namespace"] as string | undefined });
    if (this.isSealed) return { status: 503, body: { errors: ["Vault is sealed"] } };
    if (request.method === "POST" && path === "auth/kubernetes/login") {
      const { jwt, role } = (await json(request)) as { readonly jwt?: string; readonly role?: string };
      if (this.accounts.get(role ?? "") !== jwt) return { status: 403, body: { errors: ["permission denied"] } };
      const token = `hvs.${randomUUID()}`;
      this.#tokens.add(token);
      this.logins += 1;
      return { status: 200, body: { auth: { client_token: token, lease_duration: this.leaseS, renewable: true } } };
    }
    if (!this.#tokens.has(String(request.headers["x-vault-token"]))) return { status: 403, body: { errors: ["permission denied"] } };
    const [mount = "", data, ...rest] = path.split("/");
    const key = this.keys.get(`${mount}/${rest.join("/")}`);
    if (request.method === "POST" && key !== undefined) return transit(data, key, (await json(request)) as Readonly<Record<string, string>>);
    const found = data === "data" && request.method === "GET" ? this.#secrets.get(`${mount}/${rest.map(decodeURIComponent).join("/")}`) : undefined;
    if (found === undefined) return { status: 404, body: { errors: [] } };
    return { status: 200, body: { data: { data: found, metadata: { version: 1, destroyed: false } } } };
  }
}

/** The ciphertext is text: `vault:v1:` and base64 of nonce, what was sealed, and its tag. */
function transit(what: string | undefined, key: Buffer, { associated_data: associated = "", ciphertext = "", plaintext = "" }: Readonly<Record<string, string>>): { readonly status: number; readonly body: unknown } {
  if (what === "encrypt") {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(associated, "base64"));
    return { status: 200, body: { data: { ciphertext: `vault:v1:${Buffer.concat([nonce, cipher.update(plaintext, "base64"), cipher.final(), cipher.getAuthTag()]).toString("base64")}`, key_version: 1 } } };
  }
  if (!ciphertext.startsWith("vault:v1:")) return { status: 400, body: { errors: ["invalid ciphertext: no prefix"] } };
  const sealed = Buffer.from(ciphertext.slice(9), "base64");
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12), { authTagLength: 16 }).setAAD(Buffer.from(associated, "base64")).setAuthTag(sealed.subarray(-16));
    return { status: 200, body: { data: { plaintext: Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString("base64") } } };
  } catch {
    return { status: 400, body: { errors: ["cipher: message authentication failed"] } };
  }
}
