/** An embedded issuer on a port of its own, with some people and clients. */
import { generateKeyPairSync, hash } from "node:crypto";
import { EmbeddedIssuer, parseIssuerFile } from "../../src/issuer/index.ts";

export const callback = "http://127.0.0.1:9/callback";
const scopes = ["orders:read", "orders:write", "catalog:write"];

export const file = {
  audience: "shop",
  people: [
    { name: "alice", subject: "user-1", scopes: ["orders:read", "orders:write"], claims: { email: "alice@example.com" } },
    { name: "olga", password: "open sesame", roles: ["admin"], scopes },
  ],
  clients: [
    { id: "web", secret: "web-secret", redirectUris: [callback], signedOutUris: ["http://127.0.0.1:9/bye"], scopes },
    { id: "page", redirectUris: [callback], scopes },
    { id: "job", secret: "job-secret", scopes: ["orders:read"], claims: { team: "nightly" } },
    { id: "bound-job", secret: "bound-secret", scopes: ["orders:read"], dpop: true },
    { id: "quiet-job", secret: "quiet-secret", scopes: ["orders:read"], tokens: "opaque" },
    { id: "app", secret: "app-secret" },
  ],
};

export function newKey(): Readonly<Record<string, string>> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { d = "", x = "", y = "" } = privateKey.export({ format: "jwk" });
  return { kty: "EC", crv: "P-256", x, y, d, alg: "ES256", kid: hash("sha256", JSON.stringify({ crv: "P-256", kty: "EC", x, y }), "base64url") };
}

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

export async function openIssuer(more: object = {}): Promise<EmbeddedIssuer> {
  const issuer = new EmbeddedIssuer({ file: parseIssuerFile(JSON.stringify({ ...file, ...more }), "issuer.json"), jwk: newKey(), port: 0, log: silent });
  await issuer.start();
  return issuer;
}
