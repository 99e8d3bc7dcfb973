/** Failures as they go from process to process: all that a caller in the same process could see of them. */
import { DeclaredFault, Fault, type FaultCode, type FaultDetail, type FaultMore, faultTable } from "../kernel/index.ts";

interface FaultJson {
  readonly code: string;
  readonly message: string;
  /** Of a declared failure: its name in the contract, with its data and its status. */
  readonly reason?: string;
  readonly data?: unknown;
  readonly status?: number;
  readonly details?: readonly FaultDetail[];
  readonly retryAfterS?: number | undefined;
  /** `service.operation` that failed: the called one, or one that it called. */
  readonly operation?: string | undefined;
}

/** Its cause and its facts stay where they are: they are for logs, and may hold what nobody else is to see. */
export function toFaultJson(fault: Fault): object {
  const { code, details, message, operation, retryAfterS } = fault;
  const own = fault instanceof DeclaredFault ? { reason: fault.reason, data: fault.data, status: fault.status } : {};
  return { code, message, ...own, ...(details.length === 0 ? {} : { details }), retryAfterS, operation } satisfies FaultJson;
}

/** What the other side has failed with. Something that is no failure is one of its own: `internal`. */
export function fromFaultJson(value: unknown): Fault {
  const json = (typeof value === "object" && value !== null ? value : {}) as Partial<FaultJson>;
  const code = typeof json.code === "string" && Object.hasOwn(faultTable, json.code) ? (json.code as FaultCode) : "internal";
  const message = typeof json.message === "string" ? json.message : "internal error";
  const more: FaultMore = {
    details: Array.isArray(json.details) ? (json.details as readonly FaultDetail[]) : [],
    retryAfterS: typeof json.retryAfterS === "number" ? json.retryAfterS : undefined,
  };
  const fault = typeof json.reason === "string" && typeof json.status === "number" ? new DeclaredFault(json.reason, json.data, json.status, { ...more, message }) : new Fault(code, message, more);
  if (typeof json.operation === "string") fault.operation = json.operation;
  return fault;
}
