/**
 * How everything that goes wrong looks from outside: one closed table, and the two errors that carry a row of it.
 *
 * A handler fails a call by throwing a {@link DeclaredFault} (through `fail.X`, typed by the contract) or a
 * {@link Fault}. Anything else that is thrown is a bug: the edge logs it whole and answers `internal`, so a
 * stack or a SQL text never leaves the process.
 */

/** One row: how a failure looks on every wire, whether the same call may be sent again, and who has to act. */
export interface FaultRow {
  readonly http: number;
  /** gRPC status code: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
  readonly grpc: number;
  /** `never`: the same call will fail again. `if_idempotent`: it may have been applied, repeat it under its idempotency key. */
  readonly retry: "never" | "after_reread" | "after_delay" | "if_idempotent";
  readonly atFault: "caller" | "service" | "dependency" | "platform";
  readonly title: string;
}

/** The key is the public code: add freely, never rename. */
export const faultTable = {
  invalid_argument: { http: 400, grpc: 3, retry: "never", atFault: "caller", title: "The request is not valid" },
  unauthenticated: { http: 401, grpc: 16, retry: "never", atFault: "caller", title: "Who is calling is not known" },
  permission_denied: { http: 403, grpc: 7, retry: "never", atFault: "caller", title: "The caller may not do this" },
  not_found: { http: 404, grpc: 5, retry: "never", atFault: "caller", title: "There is no such thing" },
  method_not_allowed: { http: 405, grpc: 12, retry: "never", atFault: "caller", title: "This path does not answer that method" },
  not_acceptable: { http: 406, grpc: 3, retry: "never", atFault: "caller", title: "No representation that the caller accepts" },
  request_timeout: { http: 408, grpc: 1, retry: "if_idempotent", atFault: "caller", title: "The request took too long to arrive" },
  conflict: { http: 409, grpc: 10, retry: "after_reread", atFault: "caller", title: "The request does not fit the present state" },
  gone: { http: 410, grpc: 5, retry: "never", atFault: "caller", title: "It was here and is not any more" },
  precondition_failed: { http: 412, grpc: 9, retry: "after_reread", atFault: "caller", title: "A precondition does not hold" },
  payload_too_large: { http: 413, grpc: 8, retry: "never", atFault: "caller", title: "The body is too large" },
  uri_too_long: { http: 414, grpc: 3, retry: "never", atFault: "caller", title: "The URL is too long" },
  unsupported_media_type: { http: 415, grpc: 3, retry: "never", atFault: "caller", title: "The body has a type that is not read here" },
  unprocessable: { http: 422, grpc: 9, retry: "never", atFault: "caller", title: "The request is well formed and cannot be done" },
  rate_limited: { http: 429, grpc: 8, retry: "after_delay", atFault: "caller", title: "The caller sent too many requests" },
  headers_too_large: { http: 431, grpc: 3, retry: "never", atFault: "caller", title: "The headers are too large" },
  canceled: { http: 499, grpc: 1, retry: "if_idempotent", atFault: "caller", title: "The caller went away" },
  internal: { http: 500, grpc: 13, retry: "never", atFault: "service", title: "Internal error" },
  unimplemented: { http: 501, grpc: 12, retry: "never", atFault: "service", title: "Not implemented" },
  overloaded: { http: 503, grpc: 8, retry: "after_delay", atFault: "platform", title: "Too busy to take this call now" },
  unavailable: { http: 503, grpc: 14, retry: "if_idempotent", atFault: "dependency", title: "Something this call needs is out of reach" },
  deadline_exceeded: { http: 504, grpc: 4, retry: "if_idempotent", atFault: "dependency", title: "The deadline passed" },
} as const satisfies Record<string, FaultRow>;

export type FaultCode = keyof typeof faultTable;

/** What was wrong with one place of an input. `path` is a JSON Pointer (RFC 6901) into it; `""` is the whole. */
export interface FaultDetail {
  readonly path: string;
  readonly message: string;
}

export interface FaultMore {
  readonly cause?: unknown;
  readonly details?: readonly FaultDetail[] | undefined;
  /** Seconds after which a repeat makes sense: becomes `retry-after`. */
  readonly retryAfterS?: number | undefined;
  readonly facts?: Readonly<Record<string, string | number>> | undefined;
}

/** A failure the caller is meant to see. Its message is public: never put a value of a personal field in it. */
export class Fault extends Error {
  override readonly name: string = "Fault";
  readonly code: FaultCode;
  readonly details: readonly FaultDetail[];
  readonly retryAfterS: number | undefined;
  /** Facts for logs and traces. Never sent to the caller, never secret. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** `service.operation` of the call that failed, set by the pipeline of that call when it leaves it. */
  operation: string | undefined = undefined;

  constructor(code: FaultCode, message: string, more: FaultMore = {}) {
    super(message, "cause" in more ? { cause: more.cause } : undefined);
    this.code = code;
    this.details = more.details ?? [];
    this.retryAfterS = more.retryAfterS;
    this.facts = more.facts ?? {};
  }

  /** HTTP status of this failure. */
  get status(): number {
    return faultTable[this.code].http;
  }

  /** What a caller matches on: the row's code, or the contract's own name for it. */
  get publicCode(): string {
    return this.code;
  }

  /** Every `catch` at an edge goes through here, so no other shape of failure reaches a wire. */
  static from(thrown: unknown): Fault {
    if (thrown instanceof Fault) return thrown;
    return new Fault("internal", "internal error", { cause: thrown });
  }
}

/** A failure that the contract declares under `errors`: it has a name of its own, and may carry typed data. */
export class DeclaredFault<Name extends string = string, Data = unknown> extends Fault {
  override readonly name: string = "DeclaredFault";
  readonly reason: Name;
  readonly data: Data;
  readonly #status: number;

  /** @param more.message  Shown to the caller. Default: the reason. */
  constructor(reason: Name, data: Data, status: number, more: FaultMore & { readonly message?: string | undefined } = {}) {
    super(faultCodeForStatus(status), more.message ?? reason, more);
    this.reason = reason;
    this.data = data;
    this.#status = status;
  }

  override get status(): number {
    return this.#status;
  }

  override get publicCode(): string {
    return this.reason;
  }
}

const codeByStatus = new Map<number, FaultCode>();
for (const [code, row] of Object.entries(faultTable)) {
  if (!codeByStatus.has(row.http)) codeByStatus.set(row.http, code as FaultCode);
}

/** The row that a status falls under; a 4xx without one of its own is `unprocessable`, anything else `internal`. */
export function faultCodeForStatus(status: number): FaultCode {
  const exact = codeByStatus.get(status);
  if (exact !== undefined) return exact;
  return status >= 400 && status < 500 ? "unprocessable" : "internal";
}
