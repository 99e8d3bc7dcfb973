/**
 * REST: a request becomes a call, and what the call answers becomes a response. The face translates; who may call,
 * what is valid and what fails how is decided by the pipeline.
 */
import findMyWay, { type HTTPMethod, type Instance } from "find-my-way";
import { type Bytes, describe, type Operation, type OperationDescription, type AnyContract } from "../contract/index.ts";
import { Call, type Credentials, type Handler, isPromise } from "../calls/index.ts";
import { type Clock, Fault, type IdSource, type Log } from "../kernel/index.ts";
import type { Mount } from "../service/index.ts";
import { CorsPolicy } from "./cors.ts";
import { chooseType, createEncoder, type Encoder } from "./encode.ts";
import { type InputReader, inputReader } from "./input.ts";
import * as limits from "./limits.ts";
import { answerMount } from "./mount.ts";
import { toProblem } from "./problem.ts";
import type { HttpAnswer, HttpRequest } from "./ports.ts";

/** A path that the platform itself answers: a document, a page, a probe. */
export interface Page {
  readonly path: string;
  readonly answer: (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;
}

export interface RestOptions {
  readonly contracts: readonly AnyContract[];
  /** The compiled pipeline of an operation. */
  readonly handlerOf: (operation: Operation) => Handler;
  readonly operationsOf: (contract: AnyContract) => readonly Operation[];
  readonly pages: readonly Page[];
  readonly mounts: readonly Mount[];
  readonly corsOrigins: readonly string[];
  readonly bodyMaxBytes: number;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
}

/** What answers one method of one path. */
type Target = { readonly kind: "operation"; readonly bound: BoundOperation } | { readonly kind: "page"; readonly page: Page };

interface BoundOperation {
  readonly operation: Operation;
  readonly handler: Handler;
  readonly read: InputReader;
  readonly encoder: Encoder;
}

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const satisfies readonly HTTPMethod[];

export class RestFace {
  readonly #router: Instance<never>;
  readonly #mounts: readonly Mount[];
  readonly #cors: CorsPolicy;
  readonly #options: RestOptions;

  constructor(options: RestOptions) {
    this.#options = options;
    this.#cors = new CorsPolicy(options.corsOrigins);
    // The longest path first, so that `/` takes only what no other mount does.
    this.#mounts = options.mounts.toSorted((a, b) => b.path.length - a.path.length);
    // find-my-way's own limit of 100 characters a parameter is below that of a signed id.
    this.#router = findMyWay({ caseSensitive: true, maxParamLength: limits.targetMaxChars }) as unknown as Instance<never>;
    for (const page of options.pages) this.#route("GET", page.path, { kind: "page", page });
    for (const contract of options.contracts) this.#bind(contract);
  }

  /** Answers every request, failures included; never throws. */
  readonly answer = (request: HttpRequest): HttpAnswer | Promise<HttpAnswer> => {
    let answer: HttpAnswer | Promise<HttpAnswer>;
    try {
      answer = this.#dispatch(request);
    } catch (thrown) {
      answer = this.#failed(thrown, undefined);
    }
    if (isPromise(answer)) {
      return answer.then(
        (settled) => this.#cors.decorate(request, settled),
        (thrown: unknown) => this.#cors.decorate(request, this.#failed(thrown, undefined)),
      );
    }
    return this.#cors.decorate(request, answer);
  };

  #bind(contract: AnyContract): void {
    const { bodyMaxBytes, clock, handlerOf, operationsOf } = this.#options;
    const descriptions = new Map<string, OperationDescription>(describe(contract).operations.map((each) => [each.name, each]));
    for (const operation of operationsOf(contract)) {
      const description = descriptions.get(operation.name);
      const http = description?.http;
      if (description === undefined || http === undefined) continue;
      const bound: BoundOperation = {
        operation,
        handler: handlerOf(operation),
        read: inputReader(http, bodyMaxBytes),
        encoder: createEncoder(operation, description, clock),
      };
      this.#route(http.method, http.path.replaceAll(/\{([^}]+)\}/g, ":$1"), { kind: "operation", bound });
    }
  }

  #route(method: HTTPMethod, path: string, target: Target): void {
    this.#router.on(method, path, () => undefined, target);
  }

  #dispatch(request: HttpRequest): HttpAnswer | Promise<HttpAnswer> {
    const { target } = request;
    if (target.length > limits.targetMaxChars) throw new Fault("uri_too_long", `the URL is longer than ${limits.targetMaxChars} characters`);
    const mark = target.indexOf("?");
    const path = mark < 0 ? target : target.slice(0, mark);
    const query = mark < 0 ? "" : target.slice(mark + 1);
    const method = request.method === "HEAD" ? "GET" : request.method;

    if (method === "OPTIONS") return this.#answerOptions(request, path);
    const found = this.#router.find(method as HTTPMethod, path);
    if (found === null) return this.#unrouted(request, path);
    const route = found.store as Target;
    if (route.kind === "page") return route.page.answer(request);
    return this.#call(route.bound, request, { path: found.params, query });
  }

  #call(bound: BoundOperation, request: HttpRequest, at: { readonly path: Record<string, string | undefined>; readonly query: string }): HttpAnswer | Promise<HttpAnswer> {
    const { operation, encoder } = bound;
    const type = chooseType(encoder, request.header("accept"));
    if (type === undefined) throw new Fault("not_acceptable", `${operation.id} answers ${encoder.offered.join(" or ")}`);
    const timeout = request.header("request-timeout-ms");
    const call = new Call({
      operation,
      id: this.#options.ids(),
      startedAtMs: request.receivedAtMs,
      input: () => bound.read(request, at.path, at.query),
      body: operation.body === undefined ? undefined : uploadOf(operation, request),
      credentials: credentialsOf(request.header("authorization")),
      idempotencyKey: operation.kind === "command" ? request.header("idempotency-key") : undefined,
      timeoutMs: timeout === undefined ? undefined : parseTimeout(timeout),
      address: request.address,
    });
    request.onClose(() => call.cancel());

    const how = { type, ifNoneMatch: request.header("if-none-match") };
    let result: unknown;
    try {
      result = bound.handler(call);
    } catch (thrown) {
      return this.#failed(thrown, call);
    }
    if (!isPromise(result)) return encoder.encode(call, result, how);
    return result.then(
      (value) => encoder.encode(call, value, how),
      (thrown: unknown) => this.#failed(thrown, call),
    );
  }

  /** Nothing answers this method here: another one does (405), a mount takes it, or there is nothing (404). */
  #unrouted(request: HttpRequest, path: string): HttpAnswer | Promise<HttpAnswer> {
    const mounted = this.#mounts.find((each) => each.path === "/" || path === each.path || path.startsWith(`${each.path}/`));
    const allowed = this.#allowed(path);
    if (allowed.length > 0) {
      const answer = toProblem(new Fault("method_not_allowed", `${path} answers ${allowed.join(", ")}`), undefined);
      answer.headers.push("allow", allowed.join(", "));
      return answer;
    }
    if (mounted !== undefined) return answerMount(mounted, request, this.#options.bodyMaxBytes);
    throw new Fault("not_found", `nothing answers ${request.method} ${path}`);
  }

  #answerOptions(request: HttpRequest, path: string): HttpAnswer | Promise<HttpAnswer> {
    const allowed = path === "*" ? [...methods] : this.#allowed(path);
    if (allowed.length === 0) return this.#unrouted(request, path);
    const preflight = this.#cors.preflight(request, allowed);
    return preflight ?? { status: 204, headers: ["allow", allowed.join(", ")], body: undefined };
  }

  #allowed(path: string): string[] {
    const own = methods.filter((method) => this.#router.find(method, path) !== null);
    if (own.length === 0) return [];
    return [...own, ...(own.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
  }

  #failed(thrown: unknown, call: Call | undefined): HttpAnswer {
    const fault = Fault.from(thrown);
    // A failure inside a call was recorded by the pipeline; one before or after it is recorded here.
    if (call === undefined && fault.code === "internal") this.#options.log.error("a request failed by a bug", { error: fault.cause ?? fault });
    const answer = toProblem(fault, call?.id);
    if (call !== undefined) answer.headers.push("x-request-id", call.id);
    return answer;
  }
}

const none: Credentials | undefined = undefined;

/** RFC 6750 section 2.1. Another scheme is passed on as a token that cannot be valid, so that it is refused, not ignored. */
function credentialsOf(authorization: string | undefined): Credentials | undefined {
  if (authorization === undefined) return none;
  const isBearer = authorization.length > 7 && authorization.slice(0, 7).toLowerCase() === "bearer ";
  return { bearer: isBearer ? authorization.slice(7).trim() : "" };
}

/** @throws {Fault} `invalid_argument` */
function parseTimeout(text: string): number {
  if (!/^\d{1,8}$/.test(text)) throw new Fault("invalid_argument", "request-timeout-ms is a whole number of milliseconds");
  return Number(text);
}

/** @throws {Fault} `unsupported_media_type` */
function uploadOf(operation: Operation, request: HttpRequest): Bytes {
  const { mediaTypes, maxBytes } = operation.body ?? { mediaTypes: [], maxBytes: 0 };
  const mediaType = (request.header("content-type") ?? "application/octet-stream").toLowerCase();
  const [name = ""] = mediaType.split(";");
  const fits = mediaTypes.some((each) => each === "*/*" || each === name.trim() || (each.endsWith("/*") && name.startsWith(each.slice(0, -1))));
  if (!fits) throw new Fault("unsupported_media_type", `${operation.id} takes ${mediaTypes.join(", ")}`);
  const announced = request.header("content-length");
  return { mediaType, content: request.streamBody(maxBytes), length: announced === undefined ? undefined : Number(announced) };
}
