/** What every `KeyWrapper` must do. An adapter's own test is one call to this. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { KeyWrapper } from "./key-wrapper.ts";

export interface OpenedWrapper {
  readonly wrapper: KeyWrapper;
  /** Another master key of the same kind. */
  readonly other: KeyWrapper;
  close?(): Promise<void>;
}

export function keyWrapperContract(adapter: string, open: () => OpenedWrapper | Promise<OpenedWrapper>, options: { readonly skip?: string | false } = {}): void {
  describe(`${adapter} keeps the KeyWrapper contract`, { skip: options.skip ?? false }, () => {
    async function opened(task: (wrappers: OpenedWrapper) => Promise<void>): Promise<void> {
      const wrappers = await open();
      try {
        await task(wrappers);
      } finally {
        await wrappers.close?.();
      }
    }
    const key = Uint8Array.from({ length: 32 }, (_, i) => i * 7);

    test("what it wrapped it unwraps, and what it wrapped is not the key", () =>
      opened(async ({ wrapper }) => {
        const wrapped = await wrapper.wrap(key, "subject ada");
        assert.equal(Buffer.from(wrapped).includes(Buffer.from(key)), false);
        assert.deepEqual(Buffer.from(await wrapper.unwrap(wrapped, "subject ada")), Buffer.from(key));
      }));

    test("it wraps a key differently each time", () =>
      opened(async ({ wrapper }) => {
        assert.notDeepEqual(Buffer.from(await wrapper.wrap(key, "a")), Buffer.from(await wrapper.wrap(key, "a")));
      }));

    test("another context does not open it, nor does another master key", () =>
      opened(async ({ other, wrapper }) => {
        const wrapped = await wrapper.wrap(key, "subject ada");
        await assert.rejects(async () => wrapper.unwrap(wrapped, "subject bob"));
        await assert.rejects(async () => other.unwrap(wrapped, "subject ada"));
        assert.notEqual(wrapper.name, other.name);
      }));

    test("a changed byte is noticed", () =>
      opened(async ({ wrapper }) => {
        const wrapped = Buffer.from(await wrapper.wrap(key, "a"));
        wrapped[wrapped.length - 20] = (wrapped[wrapped.length - 20] ?? 0) ^ 1;
        await assert.rejects(async () => wrapper.unwrap(wrapped, "a"));
      }));
  });
}
