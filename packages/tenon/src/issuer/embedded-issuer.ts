/**
 * An issuer of tokens for development and tests: a real one, by the standards, with people and clients from a file.
 * OpenID Connect with PKCE, refresh, client credentials, introspection, revocation, DPoP, resource indicators; access
 * tokens are JWTs for the app (RFC 9068).
 *
 * It listens at once, and loads the library when somebody comes: most starts of an app in development never sign
 * anybody in. What it has given out is in memory, so a restart forgets who is signed in, and keeps its key.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { default as Provider } from "oidc-provider";
import { Fault, type Log, type Part } from "../kernel/index.ts";
import type { IssuerClient, IssuerFile } from "./issuer-file.ts";
import { pagePolicy, problemPage, signInPage } from "./pages.ts";
import { createProvider, grantAsked, signInPath } from "./provider.ts";

export interface EmbeddedIssuerOptions {
  readonly file: IssuerFile;
  /** A client besides those of the file, asked for when the library is loaded: where it is may be known only then. */
  readonly appClient?: () => IssuerClient;
  /** Signs everything: a private key on P-256, as a JSON Web Key. */
  readonly jwk: Readonly<Record<string, string>>;
  /** 0 lets the system choose. */
  readonly port: number;
  /** What happens where the port is taken: `fail`, or the system chooses another one. Default `fail`. */
  readonly whenTaken?: "fail" | "choose";
  readonly log: Log;
}

/** A form to sign in with holds a name and a password. */
const formMaxBytes = 16_384;
/** What of a form that is too large is still received, and not kept: whoever sends reads the answer only then. */
const discardMaxBytes = 1024 * 1024;

type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export class EmbeddedIssuer implements Part {
  readonly name = "embedded issuer";
  readonly #options: EmbeddedIssuerOptions;
  readonly #server: Server;
  #provider: Promise<{ readonly provider: Provider; readonly handle: Handle }> | undefined = undefined;

  constructor(options: EmbeddedIssuerOptions) {
    this.#options = options;
    this.#server = process.getBuiltinModule("node:http").createServer((request, response) => void this.#answer(request, response));
  }

  /** Known once it has started. */
  get issuer(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** @throws {Fault} `unavailable`: the port is taken. */
  async start(): Promise<void> {
    const { port, whenTaken = "fail" } = this.#options;
    try {
      await this.#listen(port);
    } catch (cause) {
      if (whenTaken === "choose" && cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE") return this.#listen(0);
      throw new Fault("unavailable", `the embedded issuer cannot listen on port ${port}: give it another one`, { cause });
    }
  }

  #listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, host: "localhost" }, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { handle, provider } = await (this.#provider ??= this.#load());
      const path = URL.parse(request.url ?? "/", this.issuer)?.pathname ?? "/";
      if (path.startsWith(`${signInPath}/`)) await this.#signIn(provider, { request, response });
      else await handle(request, response);
    } catch (error) {
      if (!response.headersSent) this.#refuse(response, error);
    }
  }

  #refuse(response: ServerResponse, error: unknown): void {
    if (error instanceof Fault && error.status < 500) {
      response.shouldKeepAlive = false; // what is left of the request is not read
      return send(response, error.status, problemPage(error.code, error.message));
    }
    // A visit whose time is over, most often: the library says which.
    if (error instanceof Error && "error_description" in error) return send(response, 400, problemPage(error.message, String(error.error_description)));
    this.#options.log.error("the embedded issuer failed", { error });
    send(response, 500, problemPage("server_error", error instanceof Fault ? error.message : "Look at the log of the issuer."));
  }

  async #load(): Promise<{ readonly provider: Provider; readonly handle: Handle }> {
    const { appClient, file, jwk } = this.#options;
    const clients = appClient === undefined ? file.clients : [...file.clients, appClient()];
    const provider = await createProvider({ issuer: this.issuer, file: { ...file, clients }, jwk });
    provider.on("server_error", (_: unknown, error: Error) => this.#options.log.error("the embedded issuer failed", { error }));
    return { provider, handle: provider.callback() };
  }

  /** Two steps of the library's: who is it, and what is granted. Only the first one shows a page. */
  async #signIn(provider: Provider, { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse }): Promise<void> {
    const { file } = this.#options;
    const interaction = await provider.interactionDetails(request, response);
    if (interaction.prompt.name === "consent") {
      return provider.interactionFinished(request, response, { consent: { grantId: await grantAsked(provider, file, interaction) } }, { mergeWithLastSubmission: true });
    }
    const form = { action: `${signInPath}/${interaction.uid}`, client: String(interaction.params["client_id"]), names: file.people.map(({ name }) => name), hasPasswords: file.people.some(({ password }) => password !== undefined) };
    if (request.method !== "POST") return send(response, 200, signInPage(form));
    const typed = new URLSearchParams(await readForm(request));
    const name = typed.get("name") ?? "";
    const person = file.people.find((each) => each.name === name && (each.password ?? "") === (typed.get("password") ?? ""));
    if (person === undefined) return send(response, 401, signInPage({ ...form, wrongName: name }));
    return provider.interactionFinished(request, response, { login: { accountId: person.subject } }, { mergeWithLastSubmission: false });
  }
}

/** @throws {Fault} `payload_too_large` */
async function readForm(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The connection stays, so that the answer gets through.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= formMaxBytes) chunks.push(chunk);
    if (bytes > discardMaxBytes) break;
  }
  if (bytes > formMaxBytes) throw new Fault("payload_too_large", `The form is larger than ${formMaxBytes} bytes, which is the most that a name and a password may take.`);
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": pagePolicy,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  response.end(html);
}
