/** An app whose every call hands over spans, and that says what became of them. */
import { app, type App, contract, query, service } from "tenon";
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
});

/** @param exporter  Left out: spans are made all the same, and go nowhere. */
export function tellingApp(exporter: Exporter | undefined): App {
  let handed = 0;
  return app("telling", {
    services: [
      service(telling, {
        handlers: {
          told() {
            for (let each = 0; each < spansOfCall; each += 1) {
              handed += 1;
              const startMs = performance.timeOrigin + performance.now();
              const span = {
                traceId: handed.toString(16).padStart(32, "0"),
                spanId: handed.toString(16).padStart(16, "0"),
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
              exporter?.spans([span]);
            }
            return { done: true };
          },
          counts() {
            const [tally] = exporter?.tallies ?? [];
            return { handed, sent: tally?.sent ?? 0, dropped: tally?.lost ?? 0, backlogItems: exporter?.backlog.items ?? 0, backlogBytes: exporter?.backlog.bytes ?? 0, heapBytes: process.memoryUsage().heapUsed };
          },
        },
      }),
    ],
  });
}
