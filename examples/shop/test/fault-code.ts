/** How a call ends, in one word: for tests that ask who may do what. */
import assert from "node:assert/strict";
import { Fault } from "tenon";

/** The public code of the failure that a call ends with, or `none`. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "none";
  } catch (error) {
    assert.ok(error instanceof Fault, String(error));
    return error.publicCode;
  }
}
