/**
 * How Vault is asked: over its HTTP API, by a token that was given, or by logging in as a Kubernetes service account; the
 * latter logs in again when two thirds of its token's time are over, or when the token is refused. However many ask at once,
 * one login is under way. A token that was given is used as it is: whoever gives it renews it.
 *
 * @see https://developer.hashicorp.com/vault/api-docs/auth/kubernetes#login
 */
import type { Clock } from "../kernel/index.ts";

export interface VaultConnectionOptions {
  /** `https://vault.example:8200`. */
  readonly address: string;
  readonly namespace?: string | undefined;
  /** Read anew at each use: it may be in a file that somebody keeps fresh. Left out: Kubernetes. */
  readonly token?: (() => string | undefined) | undefined;
  readonly kubernetes?: { readonly role: string; readonly mount: string; readonly readJwt: () => Promise<string> } | undefined;
  readonly clock: Clock;
  /** The longest that one request may take, in ms. Default 5 000. */
  readonly timeoutMs?: number;
}

export class VaultError extends Error {
  override readonly name = "VaultError";
  readonly status: number | undefined;

  constructor(message: string, more: { readonly status?: number; readonly cause?: unknown } = {}) {
    super(message, "cause" in more ? { cause: more.cause } : undefined);
    this.status = more.status;
  }
}

interface Login {
  readonly token: string;
  readonly renewAtMs: number;
}

export class VaultConnection {
  readonly #options: VaultConnectionOptions;
  #login: Login | undefined = undefined;
  /** The login under way, which all wait for who need one. */
  #pending: Promise<string> | undefined = undefined;

  constructor(options: VaultConnectionOptions) {
    this.#options = options;
  }

  /** Asks as whoever this app is. @throws {VaultError} */
  async ask(method: "GET" | "POST", target: string, body?: object): Promise<unknown> {
    const sent = body === undefined ? {} : { body };
    const token = await this.#token();
    try {
      return await this.#request(method, target, { token, ...sent });
    } catch (error) {
      if (!(error instanceof VaultError) || error.status !== 403 || this.#isGiven(token)) throw error;
      // Taken back before its time. Another one who was refused may have a new one already, which is left alone.
      if (this.#login?.token === token) this.#login = undefined;
      return this.#request(method, target, { token: await this.#token(), ...sent });
    }
  }

  #isGiven(token: string): boolean {
    return this.#options.token?.() === token;
  }

  async #token(): Promise<string> {
    const { clock, kubernetes, token } = this.#options;
    const given = token?.();
    if (given !== undefined && given !== "") return given;
    if (kubernetes === undefined) throw new VaultError("there is no token for Vault: VAULT_TOKEN, VAULT_TOKEN_FILE or VAULT_ROLE");
    if (this.#login !== undefined && clock.elapsedMs() < this.#login.renewAtMs) return this.#login.token;
    this.#pending ??= this.#logIn(kubernetes).finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #logIn({ mount, readJwt, role }: NonNullable<VaultConnectionOptions["kubernetes"]>): Promise<string> {
    const body = await this.#request("POST", `auth/${mount}/login`, { body: { role, jwt: (await readJwt()).trim() } });
    const auth = objectAt(body, "auth");
    const { client_token: issued, lease_duration: leaseS } = auth ?? {};
    if (typeof issued !== "string" || typeof leaseS !== "number") throw new VaultError(`Vault's answer to the login as ${role} holds no token`);
    // 0 is a token without an end.
    this.#login = { token: issued, renewAtMs: leaseS === 0 ? Number.POSITIVE_INFINITY : this.#options.clock.elapsedMs() + (leaseS * 2_000) / 3 };
    return issued;
  }

  async #request(method: "GET" | "POST", target: string, { body, token }: { readonly body?: object; readonly token?: string }): Promise<unknown> {
    const { address, namespace, timeoutMs = 5_000 } = this.#options;
    const headers: Record<string, string> = { "x-vault-request": "true" };
    if (token !== undefined) headers["x-vault-token"] = token;
    if (namespace !== undefined && namespace !== "") headers["x-vault-namespace"] = namespace;
    let response: Response;
    try {
      response = await fetch(`${address.replace(/\/+$/, "")}/v1/${target}`, { method, headers, redirect: "error", signal: AbortSignal.timeout(timeoutMs), ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    } catch (cause) {
      throw new VaultError(`Vault at ${address} does not answer`, { cause });
    }
    const text = await response.text();
    if (!response.ok) throw new VaultError(`Vault answered ${response.status} to ${method} ${target}: ${reasonOf(response.status, text)}`, { status: response.status });
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new VaultError(`Vault's answer to ${method} ${target} is not JSON`, { cause });
    }
  }
}

/** Vault's own words: `{ "errors": ["permission denied"] }`. */
function reasonOf(status: number, text: string): string {
  try {
    const { errors } = JSON.parse(text) as { readonly errors?: unknown };
    if (Array.isArray(errors) && errors.length > 0) return errors.join("; ").slice(0, 200);
  } catch {
    return "no reason given"; // a proxy's page, say
  }
  return status === 404 ? "there is nothing there" : "no reason given";
}

export function objectAt(value: unknown, key: string): Readonly<Record<string, unknown>> | undefined {
  const found = typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
  return typeof found === "object" && found !== null ? (found as Readonly<Record<string, unknown>>) : undefined;
}
