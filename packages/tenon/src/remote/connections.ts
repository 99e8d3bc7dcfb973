/**
 * The connections of one service with one certificate of it. When the certificate is replaced, a new set takes its
 * place: what is under way here ends in its own time, and connections are closed as they become free.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { Agent as HttpsAgent } from "node:https";
import { boundTokenOf } from "../calls/index.ts";
import type { Caller, Operation } from "../contract/index.ts";
import { createDelegation, delegationLifeMs, PeerRefusal, type PeerRules, type ServiceIdentity, toPeer } from "../identity/index.ts";
import type { Clock } from "../kernel/index.ts";
import { Agent } from "./node-https.ts";
import { quietMs } from "./protocol.ts";

/** To one target; further calls wait for a free one, until their deadline. */
const connectionsMax = 256;

/** A token is used again while it holds for longer than this, in ms: the deadlines of most calls are shorter. */
const restMinMs = 30_000;

interface Made {
  readonly token: string;
  readonly useUntilMs: number;
}

/** The other side is not the service that was to be called. */
export class WrongServerError extends Error {
  override readonly name = "WrongServerError";
  readonly code = "TENON_WRONG_SERVER";
}

export class Connections {
  readonly identity: ServiceIdentity;
  readonly agent: HttpsAgent;
  readonly #key: KeyObject;
  readonly #rules: PeerRules;
  readonly #clock: Clock;
  readonly #delegations = new WeakMap<Caller, Map<string, Made>>();

  constructor(identity: ServiceIdentity, rules: PeerRules, clock: Clock) {
    this.identity = identity;
    this.#key = createPrivateKey(identity.key);
    this.#rules = rules;
    this.#clock = clock;
    this.agent = new Agent({
      keepAlive: true,
      maxSockets: connectionsMax,
      scheduling: "lifo", // those beyond what is needed get quiet, and close
      timeout: quietMs.client,
      maxCachedSessions: 0, // a resumed session would not show its certificate anew
      minVersion: "TLSv1.3",
      cert: identity.chain,
      key: identity.key,
      ca: identity.bundle,
      checkServerIdentity: (service, { raw }) => this.#problemOf(service, new X509Certificate(raw)),
    });
  }

  /** For whom the service calls; one token for the calls of a minute. `undefined` for an anonymous caller. */
  delegationFor(caller: Caller | undefined, operation: Operation): string | undefined {
    if (caller === undefined || caller.kind === "anonymous") return undefined;
    const nowMs = this.#clock.nowMs();
    let made = this.#delegations.get(caller);
    if (made === undefined) this.#delegations.set(caller, (made = new Map()));
    const known = made.get(operation.service);
    if (known !== undefined && nowMs < known.useUntilMs) return known.token;
    const { pattern } = this.#rules;
    const { id: issuer, thumbprint } = this.identity;
    const token = createDelegation({ caller, boundToken: boundTokenOf(caller)?.token, issuer, audience: pattern.idOf(operation.service), thumbprint, key: this.#key, nowMs, idOf: (service) => pattern.idOf(service) });
    made.set(operation.service, { token, useUntilMs: nowMs + delegationLifeMs - restMinMs });
    return token;
  }

  /** No connection is used for another call. Calls under way are not disturbed. */
  retire(): void {
    this.agent.keepSocketAlive = () => false;
    for (const sockets of Object.values(this.agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }

  #problemOf(service: string, certificate: X509Certificate): Error | undefined {
    const peer = toPeer(certificate, this.#rules, { nowMs: this.#clock.nowMs(), side: "server" });
    if (peer instanceof PeerRefusal) return new WrongServerError(`what answers for ${service} is refused: ${peer.reason}${peer.id === "" ? "" : ` (${peer.id})`}`);
    return peer.service === service ? undefined : new WrongServerError(`what answers for ${service} is ${peer.id}`);
  }
}
