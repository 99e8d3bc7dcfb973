/** Lets go of an answer's body that nobody will read: whoever makes it stops, and gives back what it holds. */
import type { HttpAnswer } from "./ports.ts";

/** Does not wait, and does not fail: there is nobody left to tell. */
export function closeBody(body: HttpAnswer["body"]): void {
  if (typeof body !== "object" || body instanceof Uint8Array) return;
  if ("destroy" in body && typeof body.destroy === "function") {
    // A stream of Node's: leaving an iteration that has not begun would leave its file open.
    body.destroy();
    return;
  }
  // A source that fails while it is told to stop has failed for nobody.
  Promise.resolve(body[Symbol.asyncIterator]().return?.()).catch(() => undefined);
}
