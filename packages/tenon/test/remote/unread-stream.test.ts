/** Streams from another process: one that nobody reads is ended, and gives its connection back; one item has its limit. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as z from "zod";
import { type StartedApp, startApp } from "../../src/app/index.ts";
import type { Fault } from "../../src/kernel/index.ts";
import { app, calledBy, contract, query, service, stream } from "../../src/index.ts";

const source = contract("source", {
  long: query({ access: calledBy("reader"), input: z.object({ lengths: z.array(z.int()) }), output: stream(z.object({ text: z.string() })) }),
  items: query({ access: calledBy("reader"), output: stream(z.object({ n: z.int(), text: z.string() })) }),
});
const reader = contract("reader", {
  ignore: query({ http: "GET /ignore", access: "public", deadline: "300ms", output: z.object({ done: z.boolean() }) }),
  lengths: query({ http: "GET /lengths", access: "public", input: z.object({ upTo: z.coerce.number() }), output: z.object({ read: z.array(z.int()), failure: z.string().optional() }) }),
  slow: query({ http: "GET /slow", access: "public", deadline: "300ms", output: stream(z.object({ n: z.int() })) }),
});
let ended = 0;
const reading = app("reading", {
  services: [
    service(source, {
      handlers: {
        async *long({ input }) {
          for (const length of input.lengths) yield { text: "é\n".repeat(length / 3) };
        },
        async *items() {
          try {
            for (let n = 0; n < 50; n += 1) yield { n, text: "x".repeat(100_000) };
          } finally {
            ended += 1;
          }
        },
      },
    }),
    service(reader, {
      handlers: {
        async ignore({ call }) {
          await call(source.items);
          return { done: true };
        },
        async lengths({ call, input }) {
          const read: number[] = [];
          try {
            for await (const { text } of await call(source.long, { lengths: [3, 1_200_000, input.upTo, 3] })) read.push(Buffer.byteLength(text));
          } catch (thrown) {
            return { read, failure: `${(thrown as Fault).code}: ${((thrown as Fault).cause as Error).message}` };
          }
          return { read };
        },
        async *slow({ call }) {
          for await (const { n } of await call(source.items)) {
            if (n === 1) await new Promise((resolve) => setTimeout(resolve, 600));
            yield { n };
          }
        },
      },
    }),
  ],
});

describe("a stream from another process", () => {
  let directory: string;
  let there: StartedApp;
  let here: StartedApp;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-unread-"));
    const start = (values: Readonly<Record<string, string>>) =>
      startApp(reading, { layers: [{ name: "test", values: { PORT: "0", HOST: "127.0.0.1", SERVICES_PORT: "0", TENON_DIRECTORY: directory, DRAIN_MS: "500", LOG_LEVEL: "error", ...values } }], output: { isTerminal: false, hasColors: false, fd: 2 } });
    there = await start({ SERVICES_ONLY: "source" });
    here = await start({ SERVICES_ONLY: "reader", SERVICE_URLS: `source=https://127.0.0.1:${there.servicesPort}` });
  });
  after(async () => {
    await here.stop();
    await there.stop();
    await rm(directory, { recursive: true });
  });

  test("that nobody begins to read ends with the deadline of the call", async () => {
    assert.deepEqual(await (await fetch(`${here.url}/ignore`)).json(), { done: true });
    for (let i = 0; i < 300 && ended === 0; i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(ended, 1);
  });

  test("that is being read goes on beyond it", async () => {
    const text = await (await fetch(`${here.url}/slow`, { headers: { accept: "application/x-ndjson" } })).text();
    assert.equal(text.trim().split("\n").length, 50, text.slice(0, 200));
  });

  test("comes whole item by item, however its bytes arrive, and ends at one that is longer than 16 MiB", async () => {
    const lengthsUpTo = async (bytes: number): Promise<unknown> => (await fetch(`${here.url}/lengths?upTo=${bytes}`)).json();
    assert.deepEqual(await lengthsUpTo(9_000_000), { read: [3, 1_200_000, 9_000_000, 3] });
    assert.deepEqual(await lengthsUpTo(15_000_000), {
      read: [3, 1_200_000],
      failure: "internal: an item of source.long is longer than 16777216 bytes: let it give smaller items, or bytes",
    });
  });
});
