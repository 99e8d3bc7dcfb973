/** Items as they come: server-sent events for browsers, NDJSON for programs. */
import { type Clock, Fault } from "../kernel/index.ts";
import { toProblem } from "./problem.ts";

export const sseType = "text/event-stream";

/** A comment is sent after so much silence, so that proxies keep the connection and a dead one is noticed. */
const keepAliveMs = 15_000;

/**
 * One JSON value a line (https://github.com/ndjson/ndjson-spec). A failure after the first item breaks the connection
 * off: a reader must not take a part for the whole.
 */
export async function* toNdjson(items: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const item of items) yield `${JSON.stringify(item)}\n`;
}

/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). Each item is a `message`; the
 * end is an `end` event, and a failure an `error` event with the problem as its data.
 */
export async function* toServerSentEvents(items: AsyncIterable<unknown>, clock: Clock): AsyncGenerator<string> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    let pending = iterator.next();
    for (;;) {
      const next = await firstOf(pending, clock);
      if (next === silence) {
        yield ": keep-alive\n\n";
        continue;
      }
      if (next.done === true) break;
      yield `data: ${JSON.stringify(next.value)}\n\n`;
      pending = iterator.next();
    }
    yield "event: end\ndata:\n\n";
  } catch (thrown) {
    const problem = toProblem(Fault.from(thrown), undefined);
    yield `event: error\ndata: ${String(problem.body)}\n\n`;
    throw thrown;
  } finally {
    await iterator.return?.();
  }
}

const silence = Symbol("silence");

async function firstOf<T>(pending: Promise<T>, clock: Clock): Promise<T | typeof silence> {
  const quiet = Promise.withResolvers<typeof silence>();
  const timer = clock.after(keepAliveMs, () => quiet.resolve(silence));
  try {
    return await Promise.race([pending, quiet.promise]);
  } finally {
    timer.cancel();
  }
}
