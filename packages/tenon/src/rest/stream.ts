/** Items as they come: server-sent events for browsers, NDJSON for programs. */
import type { Clock, Fault } from "../kernel/index.ts";
import { toProblem } from "./problem.ts";

export const sseType = "text/event-stream";

/** A comment is sent after so much silence, so that proxies keep the connection and a dead one is noticed. */
const keepAliveMs = 15_000;

/** Told of what broke a stream off after its answer had begun; gives back what the caller may know of it. */
export type StreamFailed = (thrown: unknown) => Fault;

/**
 * One JSON value a line (https://github.com/ndjson/ndjson-spec). A failure after the first item breaks the connection
 * off: a reader must not take a part for the whole.
 */
export function toNdjson(items: AsyncIterable<unknown>, failed: StreamFailed): AsyncIterable<string> {
  const iterator = items[Symbol.asyncIterator]();
  return letGo(iterator, lines(iterator, failed));
}

async function* lines(iterator: AsyncIterator<unknown>, failed: StreamFailed): AsyncGenerator<string> {
  try {
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield `${toJson(next.value)}\n`;
  } catch (thrown) {
    throw failed(thrown);
  } finally {
    await iterator.return?.();
  }
}

/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). Each item is a `message`. The
 * last event is `end`, or `error` with the problem as its data; without either, the connection broke.
 */
export function toServerSentEvents(items: AsyncIterable<unknown>, clock: Clock, failed: StreamFailed): AsyncIterable<string> {
  const iterator = items[Symbol.asyncIterator]();
  return letGo(iterator, events(iterator, clock, failed));
}

async function* events(iterator: AsyncIterator<unknown>, clock: Clock, failed: StreamFailed): AsyncGenerator<string> {
  try {
    let pending = iterator.next();
    for (;;) {
      const next = await firstOf(pending, clock);
      if (next === silence) {
        yield ": keep-alive\n\n";
        continue;
      }
      if (next.done === true) break;
      yield `data: ${toJson(next.value)}\n\n`;
      pending = iterator.next();
    }
    yield "event: end\ndata:\n\n";
  } catch (thrown) {
    yield `event: error\ndata: ${toProblem(failed(thrown), undefined).body}\n\n`;
  } finally {
    await iterator.return?.();
  }
}

/** JSON has no `undefined`; a line must not be empty. */
function toJson(item: unknown): string {
  return JSON.stringify(item) ?? "null";
}

/**
 * A generator that was never started does not run its `finally` when it is told to stop. A caller may be gone before
 * the first write, or ask with HEAD: then the source is told here.
 */
function letGo(source: AsyncIterator<unknown>, generator: AsyncGenerator<string>): AsyncIterable<string> {
  let isStarted = false;
  const iterator: AsyncIterator<string> = {
    next() {
      isStarted = true;
      return generator.next();
    },
    async return() {
      if (!isStarted) await source.return?.();
      return generator.return(undefined);
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
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
