/** Failures as `application/problem+json` (RFC 9457): the one shape in which a failure leaves over HTTP. */
import { type Fault, faultTable } from "../kernel/index.ts";
import type { HttpAnswer } from "./ports.ts";
import { securityHeaders } from "./security-headers.ts";

export const problemType = "application/problem+json";

export type ProblemAnswer = HttpAnswer & { readonly body: string };

/** How to show who is calling: by a token, where nothing else is said. */
function challengeOf({ facts }: Fault): string {
  if (facts["challenge"] !== undefined) return String(facts["challenge"]);
  return facts["reason"] === "no_credentials" ? "Bearer" : 'Bearer error="invalid_token"';
}

/** The answer to a failure. `callId` lets a person find the call in the log. */
export function toProblem(fault: Fault, callId: string | undefined): ProblemAnswer {
  const isDeclared = fault.publicCode !== fault.code;
  const detail = fault.code === "internal" ? undefined : fault.message;
  const problem: Record<string, unknown> = {
    type: `urn:tenon:fault:${isDeclared && fault.operation !== undefined ? `${fault.operation}:` : ""}${fault.publicCode}`,
    title: isDeclared ? fault.publicCode : faultTable[fault.code].title,
    status: fault.status,
    code: fault.publicCode,
  };
  if (detail !== undefined && detail !== problem["title"]) problem["detail"] = detail;
  if (callId !== undefined) problem["call"] = callId;
  if (fault.details.length > 0) problem["errors"] = fault.details;
  const data: unknown = "data" in fault ? fault.data : undefined;
  if (data !== undefined) problem["data"] = data;

  const headers = ["content-type", problemType, "cache-control", "no-store", ...securityHeaders];
  if (fault.retryAfterS !== undefined) headers.push("retry-after", String(Math.max(1, Math.ceil(fault.retryAfterS))));
  // RFC 6750 section 3: no error code where nothing was shown.
  if (fault.code === "unauthenticated") headers.push("www-authenticate", challengeOf(fault));
  if (fault.code === "unauthenticated" && "nonce" in fault.facts) headers.push("dpop-nonce", String(fault.facts["nonce"])); // RFC 9449 section 8.2
  return { status: fault.status, headers, body: JSON.stringify(problem) };
}
