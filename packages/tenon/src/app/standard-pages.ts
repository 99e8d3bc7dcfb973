/**
 * Paths that the platform answers itself: documents of operations and events, the page that shows them, probes, metrics.
 * What makes documents is loaded when somebody asks for one: most processes are never asked.
 */
import { describe } from "../contract/index.ts";
import type { Database } from "../data/index.ts";
import type { AsyncApiDocument, OpenApiDocument, SubscriptionDescription } from "../documents/index.ts";
import type { Page } from "../rest/index.ts";
import type { App } from "../service/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import { metricsPage } from "./metrics-page.ts";
import type { Readiness } from "./readiness.ts";

/** How long the readiness probe waits for the database, in ms: below the usual time-out of a probe, 1 s. */
const probeTimeoutMs = 800;

export interface StandardPagesOptions {
  readonly app: App;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly database: Database | undefined;
}

export function standardPages(options: StandardPagesOptions): readonly Page[] {
  const { app, database, metrics, readiness } = options;
  const hasEvents = subscriptionsOf(app).length > 0 || app.services.some((service) => describe(service.contract).events.length > 0);
  let docs: string | undefined;

  return [
    documentAt("/openapi.json", () => openApiOf(app)),
    ...(hasEvents ? [documentAt("/asyncapi.json", () => asyncApiOf(app))] : []),
    {
      path: "/docs",
      async answer() {
        const { docsPage, docsPagePolicy } = await import("../documents/index.ts");
        return {
          status: 200,
          headers: ["content-type", "text/html; charset=utf-8", "cache-control", "no-cache", "x-content-type-options", "nosniff", "content-security-policy", docsPagePolicy()],
          body: (docs ??= docsPage(app.name, { hasEvents })),
        };
      },
    },
    { path: "/health/live", answer: () => json(200, { status: "live" }) },
    {
      path: "/health/ready",
      async answer() {
        if (!readiness.isReady) return json(503, { status: "stopping" });
        const reason = database === undefined ? undefined : await databaseProblem(database);
        return reason === undefined ? json(200, { status: "ready" }) : json(503, { status: "not ready", reason });
      },
    },
    metricsPage(metrics),
  ];
}

/** Made at the first question, and kept: the contracts of a running app do not change. */
function documentAt(path: string, make: () => Promise<unknown>): Page {
  let body: string | undefined;
  return {
    path,
    async answer() {
      body ??= JSON.stringify(await make());
      return { status: 200, headers: ["content-type", "application/json", "cache-control", "no-cache"], body };
    },
  };
}

/** The OpenAPI document of an app. */
export async function openApiOf(app: App): Promise<OpenApiDocument> {
  const { toOpenApi } = await import("../documents/index.ts");
  const descriptions = app.services.map((service) => describe(service.contract));
  return toOpenApi(descriptions, { title: app.name, version: versionOf(descriptions.map((each) => each.version)) });
}

/** The AsyncAPI document of an app; one without channels where it has no events. */
export async function asyncApiOf(app: App): Promise<AsyncApiDocument> {
  const { toAsyncApi } = await import("../documents/index.ts");
  const descriptions = app.services.map((service) => describe(service.contract));
  return toAsyncApi(descriptions, { title: app.name, version: versionOf(descriptions.map((each) => each.version)), subscriptions: subscriptionsOf(app) });
}

/** The one place where subscriptions of services enter documents. */
function subscriptionsOf(app: App): readonly SubscriptionDescription[] {
  return app.services.flatMap((service) => service.subscriptions.map(({ event, name }) => ({ service: service.name, name, event: event.id })));
}

function json(status: number, body: unknown): Awaited<ReturnType<Page["answer"]>> {
  return { status, headers: ["content-type", "application/json", "cache-control", "no-store"], body: JSON.stringify(body) };
}

async function databaseProblem(database: Database): Promise<string | undefined> {
  try {
    const session = await database.acquire({ service: "", mode: "admin", timeoutMs: probeTimeoutMs });
    try {
      await session.query("select 1", []);
      return undefined;
    } finally {
      session.release();
    }
  } catch {
    return `the database does not answer: ${database.label}`;
  }
}

/** An app has no version of its own: its document changes with the newest of its contracts. */
function versionOf(versions: readonly string[]): string {
  return versions.toSorted((a, b) => b.localeCompare(a, "en", { numeric: true }))[0] ?? "0.0.0";
}
