/**
 * What an app that is being written tells of itself, kept where `tenon traces`, `tenon logs` and `tenon top` look: a receiver
 * in the process of `tenon dev`, which outlives the restarts of the app.
 */
import { configLayers } from "../config-layers.ts";
import { storeDirectory } from "../telemetry/store-place.ts";

/** How long telemetry waits for more: short enough that a call that was just made is there when one looks. */
const spansDelayMs = 300;
const metricsIntervalMs = 10_000;

export interface DevTelemetry extends AsyncDisposable {
  /** What sends the app's telemetry here; empty where it is not kept. Weaker than any setting of the app. */
  readonly settings: Readonly<Record<string, string>>;
  /** Why it is not kept, where the reason is not a setting. */
  readonly problem: string | undefined;
}

const elsewhere: DevTelemetry = { settings: {}, problem: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };

/**
 * Never throws: without telemetry the app runs as well.
 *
 * @param home  The app's directory, which is the working directory.
 */
export async function openDevTelemetry(home: string): Promise<DevTelemetry> {
  const isSet = (name: string): boolean => configLayers(home).some(({ values }) => (values[name] ?? "") !== "");
  if (isSet("OTEL_EXPORTER_OTLP_ENDPOINT") || isSet("OTEL_SDK_DISABLED")) return elsewhere;
  const { openOtlpReceiver, TelemetryStore } = await import("../../telemetry-store/index.ts");
  const stack = new AsyncDisposableStack();
  try {
    const store = stack.use(await TelemetryStore.open(storeDirectory({})));
    const { url } = stack.use(await openOtlpReceiver(store, { port: 0 }));
    return {
      settings: {
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        OTEL_BSP_SCHEDULE_DELAY: String(spansDelayMs),
        OTEL_BLRP_SCHEDULE_DELAY: String(spansDelayMs),
        OTEL_METRIC_EXPORT_INTERVAL: String(metricsIntervalMs),
      },
      problem: undefined,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    return { ...elsewhere, problem: (error as Error).message };
  }
}
