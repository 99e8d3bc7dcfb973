/** Comparing a text that a stranger has sent with a secret one, or one that must not be found letter by letter. */
import { timingSafeEqual } from "node:crypto";

/** In a time that tells nothing but whether the lengths are the same. Lengths in bytes: letters beyond ASCII have more than one. */
export function isSameText(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.byteLength === other.byteLength && timingSafeEqual(one, other);
}
