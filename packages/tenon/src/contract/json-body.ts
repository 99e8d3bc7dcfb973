/** Whether an operation has a JSON body over HTTP: one answer for the face that reads it, the client and the document. */
import type { OperationDescription } from "./description.ts";

/** An input whose fields have no names, such as a record, is the body as a whole. */
export function hasJsonBody(operation: OperationDescription): boolean {
  const { body, http, input } = operation;
  if (http === undefined || body !== undefined || input === undefined) return false;
  if (http.fields.some((place) => place.in === "body")) return true;
  return http.fields.length === 0 && http.method !== "GET" && http.method !== "DELETE";
}
