/** An app whose every call makes spans, which are handed to an exporter while one is wanted; it says what became of them. */
import { app, type App, command, contract, query, service } from "tenon";
import * as z from "zod";
import type { Exporter } from "../../packages/tenon/src/otlp/index.ts";

/** What one call makes: itself, two statements and an event, say. */
const spansOfCall = 4;

const telling = contract("telling", {
  told: query({ http: "GET /told", access: "public", output: z.object({ done: z.boolean() }) }),
  counts: query({
    http: "GET /counts",
    access: "public",
    output: z.object({ handed: z.int(), sent: z.int(), dropped: z.int(), backlogItems: z.int(), backlogBytes: z.int(), heapBytes: z.int() }),
  }),
  /** Opens an exporter, or stops the one that there is. `fill`: so many spans at once, as a queue that has not been emptied for long has them. */
  export: command({ http: "POST /export", access: "public", input: z.object({ want: z.enum(["on", "off"]), fill: z.int().min(0) }), output: z.object({ done: z.boolean() }) }),
});

/** @param open  A new exporter to the collector. */
export function tellingApp(open: () => Promise<Exporter>): App {
  let exporter: Exporter | undefined;
  let made = 0;
  let handed = 0;
  /** Of the exporters that were stopped. */
  const past = { sent: 0, dropped: 0 };

  function tell(): void {
    made += 1;
    const startMs = performance.timeOrigin + performance.now();
    const span = {
      traceId: made.toString(16).padStart(32, "0"),
      spanId: made.toString(16).padStart(16, "0"),
      parentSpanId: "",
      traceState: "",
      name: "GET /told",
      kind: "server",
      startMs,
      endMs: startMs + 0.1,
      status: "unset",
      message: "",
      attributes: { "http.request.method": "GET", "http.route": "/told", "http.response.status_code": 200, "tenon.operation": "telling.told" },
      links: [],
      events: [],
    } as const;
    if (exporter === undefined) return; // made all the same, and goes nowhere
    handed += 1;
    exporter.spans([span]);
  }

  return app("telling", {
    services: [
      service(telling, {
        handlers: {
          told() {
            for (let each = 0; each < spansOfCall; each += 1) tell();
            return { done: true };
          },
          counts() {
            const [tally] = exporter?.tallies ?? [];
            return { handed, sent: past.sent + (tally?.sent ?? 0), dropped: past.dropped + (tally?.lost ?? 0), backlogItems: exporter?.backlog.items ?? 0, backlogBytes: exporter?.backlog.bytes ?? 0, heapBytes: process.memoryUsage().heapUsed };
          },
          async export({ input: { fill, want } }) {
            if (want === "off" && exporter !== undefined) {
              const stopped = exporter;
              exporter = undefined;
              await stopped.stop();
              past.sent += stopped.tallies[0]?.sent ?? 0;
              past.dropped += stopped.tallies[0]?.lost ?? 0;
            } else if (want === "on") exporter ??= await open();
            for (let each = 0; each < fill; each += 1) tell();
            return { done: true };
          },
        },
      }),
    ],
  });
}
