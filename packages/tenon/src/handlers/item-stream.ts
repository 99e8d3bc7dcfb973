/**
 * The items that a handler yields, on their way to the caller: each is cut to the contract, and a failure becomes the
 * operation's own. The handler is told to stop whenever nobody reads on, so that its `finally` runs.
 */
import type { Call } from "../calls/index.ts";

export interface ItemStreamOptions {
  readonly call: Call;
  /** One item, cut to the contract. */
  readonly cut: (item: unknown) => unknown;
  /** What a handler threw, as its own operation's failure, without what is classified. */
  readonly ownFault: (thrown: unknown) => unknown;
}

/**
 * Waits for the first item before answering, so that a failure before it still has a status of its own and the
 * deadline covers the way to it. From then on the caller sets the pace.
 */
export async function startStream(items: AsyncIterable<unknown>, options: ItemStreamOptions): Promise<AsyncIterable<unknown>> {
  const stream = new ItemStream(items[Symbol.asyncIterator](), options);
  const first = await stream.pull();
  const { canceled } = options.call;
  if (canceled === undefined) return stream.startingWith(first);
  await stream.return(); // nobody waits for the answer any more, so nobody will read it
  throw canceled;
}

/** Not a generator: one that was never started would not tell the handler, which was started for the first item. */
class ItemStream implements AsyncIterator<unknown>, AsyncIterable<unknown> {
  readonly #source: AsyncIterator<unknown>;
  readonly #options: ItemStreamOptions;
  #first: IteratorResult<unknown> | undefined = undefined;

  constructor(source: AsyncIterator<unknown>, options: ItemStreamOptions) {
    this.#source = source;
    this.#options = options;
  }

  startingWith(first: IteratorResult<unknown>): this {
    this.#first = first;
    return this;
  }

  async pull(): Promise<IteratorResult<unknown>> {
    let at: IteratorResult<unknown>;
    try {
      at = await this.#source.next();
    } catch (thrown) {
      throw this.#options.ownFault(thrown);
    }
    if (at.done === true) return { done: true, value: undefined };
    try {
      return { done: false, value: await this.#options.cut(at.value) };
    } catch (error) {
      await this.return();
      throw this.#options.ownFault(error);
    }
  }

  async next(): Promise<IteratorResult<unknown>> {
    const first = this.#first;
    if (first === undefined) return this.pull();
    this.#first = undefined;
    return first;
  }

  async return(): Promise<IteratorResult<unknown>> {
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
