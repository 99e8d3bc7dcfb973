/**
 * The door for calls from other processes: TLS 1.3, and nobody comes in without the certificate of a service of this
 * app. Each service of this process shows its own certificate, by the name that the caller asks for (SNI).
 *
 * Certificates are replaced while it listens: connections that are open go on, new ones see the new one. A caller's
 * certificate is looked at when it connects, and its end and its revocation at every request, because connections
 * outlive certificates. Who is refused learns nothing; the log says why.
 */
import type { X509Certificate } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { type Identities, PeerRefusal, type PeerRules, type ServiceIdentity, toPeer } from "../identity/index.ts";
import { type Clock, Fault, type Log, type Part } from "../kernel/index.ts";
import { CallFace, type CallFaceOptions, type Visitor } from "./call-face.ts";
import { createServer } from "./node-https.ts";
import { headersMaxBytes, quietMs } from "./protocol.ts";

export interface CallServerOptions extends Omit<CallFaceOptions, "refused" | "pattern"> {
  /** The services that are answered here. */
  readonly services: readonly string[];
  readonly identities: Identities;
  readonly rules: PeerRules;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly host: string | undefined;
  /** How long calls under way may finish after `stop`, in ms. */
  readonly drainMs: number;
  readonly connectionsMax: number;
}

/** How long a peer may take to show who it is, in ms. */
const handshakeMaxMs = 10_000;
/** Refusals that are told of within a second: there may be thousands. All are counted. */
const toldPerSecondMax = 20;

export class CallServer implements Part {
  readonly name = "calls from other services";
  readonly #options: CallServerOptions;
  readonly #face: CallFace;
  readonly #server: ReturnType<typeof createServer>;
  readonly #visitors = new WeakMap<object, Visitor>();
  /** All that are connected, whether or not they have shown who they are: the server itself knows only those that have. */
  readonly #sockets = new Set<Socket>();
  #tellingSinceMs = Number.NEGATIVE_INFINITY;
  #told = 0;
  #contexts: ReadonlyMap<string, SecureContext>;
  #isDraining = false;
  /** Connections and calls that were refused for want of a genuine identity. */
  refusals = 0;

  constructor(options: CallServerOptions) {
    this.#options = options;
    this.#face = new CallFace({ ...options, pattern: options.rules.pattern, refused: (reason, peer) => this.#refuse(reason, { id: peer.id, serial: peer.serial }) });
    this.#contexts = this.#createContexts();
    this.#server = createServer({
      ...tlsOf(options.identities.of(options.services[0] as string)),
      SNICallback: (service, done) => done(null, this.#contexts.get(service)),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: handshakeMaxMs,
      keepAliveTimeout: quietMs.server,
      maxHeaderSize: headersMaxBytes,
      noDelay: true,
    });
    this.#server.maxConnections = options.connectionsMax;
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("secureConnection", (socket: TLSSocket) => this.#welcome(socket));
    this.#server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      // What is wrong with a certificate is beside the error, which only says that the connection was given up.
      const wrong = socket.authorizationError as unknown as string | undefined;
      this.#refuse(wrong ?? error.code ?? error.message, { address: socket.remoteAddress ?? "" });
    });
    this.#server.on("request", (incoming: IncomingMessage, response: ServerResponse) => this.#take(incoming, response));
    options.identities.onRotate(() => this.#rotate());
  }

  /** The port that is listened on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** @throws {Fault} `unavailable`: the port is taken or not allowed. */
  start(): Promise<void> {
    const { host, log, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.on("error", (cause: NodeJS.ErrnoException) => {
        if (this.#server.listening) log.error("a connection of a service could not be taken", { error: cause });
        else reject(new Fault("unavailable", `cannot listen for other services on port ${port} (${cause.code ?? cause.message}): set SERVICES_PORT to another one`, { cause }));
      });
      this.#server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
    });
  }

  /** Lets calls under way finish, within `drainMs`. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#isDraining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const cut = this.#options.clock.after(this.#options.drainMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await closed;
    cut.cancel();
  }

  #welcome(socket: TLSSocket): void {
    const certificate = socket.getPeerX509Certificate();
    // Nobody of ours resumes a session; one that is resumed would not have been held against the bundle of today.
    const peer = certificate === undefined ? new PeerRefusal("no certificate") : socket.isSessionReused() ? new PeerRefusal("a resumed session") : this.#peerOf(certificate);
    if (certificate === undefined || peer instanceof PeerRefusal) {
      this.#refuse((peer as PeerRefusal).reason, { id: (peer as PeerRefusal).id, address: socket.remoteAddress ?? "" });
      socket.destroy();
      return;
    }
    this.#visitors.set(socket, { peer, key: certificate.publicKey });
  }

  #peerOf(certificate: X509Certificate): ReturnType<typeof toPeer> {
    return toPeer(certificate, this.#options.rules, { nowMs: this.#options.clock.nowMs(), side: "client" });
  }

  #take(incoming: IncomingMessage, response: ServerResponse): void {
    const { clock, identities } = this.#options;
    const visitor = this.#visitors.get(incoming.socket);
    if (visitor === undefined) return void incoming.socket.destroy();
    const { expiresAtMs, id, serial } = visitor.peer;
    const reason = identities.isRevoked(serial, id) ? "revoked" : clock.nowMs() >= expiresAtMs ? "expired" : undefined;
    if (reason !== undefined) {
      this.#refuse(reason, { id, serial });
      return void incoming.socket.destroy();
    }
    if (this.#isDraining) response.shouldKeepAlive = false;
    void this.#face.answer(visitor, incoming, response);
  }

  #refuse(reason: string, fields: Readonly<Record<string, string>>): void {
    this.refusals += 1;
    const nowMs = this.#options.clock.elapsedMs();
    if (nowMs - this.#tellingSinceMs >= 1_000) {
      this.#tellingSinceMs = nowMs;
      this.#told = 0;
    }
    this.#told += 1;
    if (this.#told > toldPerSecondMax) return;
    this.#options.log.warn("a caller from elsewhere was refused", { reason, ...fields });
  }

  #rotate(): void {
    try {
      this.#contexts = this.#createContexts();
      this.#server.setSecureContext(tlsOf(this.#options.identities.of(this.#options.services[0] as string)));
    } catch (error) {
      this.#options.log.error("a new certificate cannot be used; the last one is shown until it ends", { error });
    }
  }

  #createContexts(): ReadonlyMap<string, SecureContext> {
    const { identities, services } = this.#options;
    return new Map(services.map((service) => [service, createSecureContext(tlsOf(identities.of(service)))]));
  }
}

function tlsOf({ bundle, chain, key }: ServiceIdentity) {
  return { cert: chain, key, ca: bundle, minVersion: "TLSv1.3" as const };
}
