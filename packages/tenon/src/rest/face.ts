/**
 * REST: finds what answers a request. The face translates; who may call, what is valid and what fails how is decided by
 * the pipeline.
 *
 *     target ─► route ─► operation │ page │ mount ─► answer, with what CORS asks for
 *       400,      404, 405
 *       414
 */
import findMyWay, { type HTTPMethod } from "find-my-way";
import { describe, type Operation, type AnyContract } from "../contract/index.ts";
import { type Handler, isPromise } from "../calls/index.ts";
import { type Clock, Fault, type IdSource, type Log } from "../kernel/index.ts";
import type { Mount } from "../service/index.ts";
import type { AddressOf } from "../trust/index.ts";
import { BoundOperation, type Found } from "./bound-operation.ts";
import { BoundWebhook, type WebhookRoute } from "./bound-webhook.ts";
import type { CredentialsOptions } from "./credentials.ts";
import { CorsPolicy } from "./cors.ts";
import * as limits from "./limits.ts";
import { answerMount, mountOf } from "./mount.ts";
import { AwaitedBody, type HttpAnswer, type HttpReply, type HttpRequest } from "./ports.ts";
import { toProblem } from "./problem.ts";
import { parseTarget, type Target } from "./target.ts";

/** A path that the platform itself answers: a document, a page, a probe. */
export interface Page {
  readonly path: string;
  readonly answer: (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;
}

export interface RestOptions extends CredentialsOptions {
  readonly contracts: readonly AnyContract[];
  /** The compiled pipeline of an operation. */
  readonly handlerOf: (operation: Operation) => Handler;
  readonly operationsOf: (contract: AnyContract) => readonly Operation[];
  readonly pages: readonly Page[];
  readonly mounts: readonly Mount[];
  readonly webhooks?: readonly WebhookRoute[];
  /** Whoever sent a request, behind proxies too. Default: the peer of its connection. */
  readonly addressOf?: AddressOf;
  readonly corsOrigins: readonly string[];
  readonly bodyMaxBytes: number;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
}

/** What answers one method of one path. */
type Route = BoundOperation | BoundWebhook | Page;

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const satisfies readonly HTTPMethod[];

export class RestFace {
  readonly #router: ReturnType<typeof findMyWay>;
  readonly #mounts: readonly Mount[];
  readonly #cors: CorsPolicy;
  readonly #options: RestOptions;

  constructor(options: RestOptions) {
    this.#options = options;
    this.#cors = new CorsPolicy(options.corsOrigins);
    // The longest path first, so that `/` takes only what no other mount does.
    this.#mounts = options.mounts.toSorted((a, b) => b.path.length - a.path.length);
    this.#router = findMyWay({
      caseSensitive: true,
      maxParamLength: limits.targetMaxChars, // its own limit of 100 characters is below that of a signed id
      onBadUrl: ignore, // without it, a path that is not encoded properly would be one that is not there
      querystringParser: ignore, // the fields of an operation are read by its contract
    });
    for (const page of options.pages) this.#route("GET", page.path, page);
    for (const contract of options.contracts) this.#bind(contract);
    const { addressOf = peerOf, clock, ids } = options;
    for (const route of options.webhooks ?? []) this.#route("POST", route.path, new BoundWebhook({ route, addressOf, clock, ids }));
  }

  /** Answers every request, failures included; never throws. */
  readonly answer = (request: HttpRequest): HttpReply => {
    let reply: HttpReply;
    try {
      reply = this.#dispatch(request);
    } catch (thrown) {
      reply = this.#failed(thrown);
    }
    if (!(reply instanceof AwaitedBody)) return this.#finish(request, reply);
    if (this.#cors.isEmpty) return reply;
    const awaited = reply;
    return new AwaitedBody(awaited.maxBytes, (body) => this.#finish(request, awaited.answer(body)));
  };

  #finish(request: HttpRequest, answer: HttpAnswer | Promise<HttpAnswer>): HttpAnswer | Promise<HttpAnswer> {
    if (!isPromise(answer)) return this.#cors.decorate(request, answer);
    return answer.then(
      (settled) => this.#cors.decorate(request, settled),
      (thrown: unknown) => this.#cors.decorate(request, this.#failed(thrown)),
    );
  }

  #bind(contract: AnyContract): void {
    const { addressOf = peerOf, bodyMaxBytes, clock, handlerOf, ids, log, operationsOf, publicOrigin, sessionCookie } = this.#options;
    const descriptions = new Map(describe(contract).operations.map((each) => [each.name, each]));
    for (const operation of operationsOf(contract)) {
      const description = descriptions.get(operation.name);
      const http = description?.http;
      if (description === undefined || http === undefined) continue;
      const bound = new BoundOperation({ operation, description, handler: handlerOf(operation), addressOf, bodyMaxBytes, clock, ids, log, publicOrigin, sessionCookie });
      this.#route(http.method, http.path.replaceAll(/\{([^}]+)\}/g, ":$1"), bound);
    }
  }

  #route(method: HTTPMethod, path: string, route: Route): void {
    this.#router.on(method, path, ignore, route);
  }

  #dispatch(request: HttpRequest): HttpReply {
    const { method } = request;
    const target = parseTarget(method, request.target);
    if (method === "OPTIONS") return this.#answerOptions(request, target);
    const found = this.#find((method === "HEAD" ? "GET" : method) as HTTPMethod, target.path);
    if (found === undefined) return this.#unrouted(request, target);
    const { params, route } = found;
    return route instanceof BoundOperation ? route.answer(request, { path: params, query: target.query }) : route.answer(request);
  }

  /** @throws {Fault} `invalid_argument` */
  #find(method: HTTPMethod, path: string): { readonly route: Route; readonly params: Found["path"] } | undefined {
    const found = this.#router.find(method, path);
    if (found === null) return undefined;
    const { params, store } = found;
    if (store === null) throw new Fault("invalid_argument", "the path of the URL is not encoded properly");
    // `/orders/` is not the order without an id: more likely a client has lost it.
    for (const name in params) {
      if (params[name] === "") return undefined;
    }
    return { route: store as Route, params };
  }

  /** Nothing answers this method here: another one does (405), a mount takes it, or there is nothing (404). */
  #unrouted(request: HttpRequest, target: Target): HttpAnswer | Promise<HttpAnswer> {
    const allowed = this.#allowed(target.path);
    if (allowed.length > 0) {
      const answer = toProblem(new Fault("method_not_allowed", `this path answers ${allowed.join(", ")}`), undefined);
      answer.headers.push("allow", allowed.join(", "));
      return answer;
    }
    const mount = mountOf(this.#mounts, target.path);
    if (mount !== undefined) return answerMount(mount, request, { target, maxBytes: this.#options.bodyMaxBytes });
    throw new Fault("not_found", `nothing answers ${request.method} ${shortened(target.path)}`);
  }

  #answerOptions(request: HttpRequest, target: Target): HttpAnswer | Promise<HttpAnswer> {
    const allowed = target.path === "*" ? [...methods, "HEAD", "OPTIONS"] : this.#allowed(target.path);
    if (allowed.length === 0) return this.#unrouted(request, target);
    const preflight = this.#cors.preflight(request, allowed);
    return preflight ?? { status: 204, headers: ["allow", allowed.join(", ")], body: undefined };
  }

  /** @throws {Fault} `invalid_argument` */
  #allowed(path: string): string[] {
    const own: string[] = methods.filter((method) => this.#find(method, path) !== undefined);
    if (own.length === 0) return [];
    return [...own, ...(own.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
  }

  /** A failure outside of a call, which nobody else has recorded. */
  #failed(thrown: unknown): HttpAnswer {
    const fault = Fault.from(thrown);
    if (fault.code === "internal") this.#options.log.error("a request failed by a bug", { error: fault.cause ?? fault });
    return toProblem(fault, undefined);
  }
}

/** What the router is asked for is found beside its handlers, which are never called. */
function peerOf({ address }: Pick<HttpRequest, "address">): string {
  return address;
}

function ignore(): undefined {
  return undefined;
}

/** An answer must not outgrow its question by much. */
function shortened(path: string): string {
  return path.length <= 100 ? path : `${path.slice(0, 100)}…`;
}
