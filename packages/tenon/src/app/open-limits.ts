/** Who counts calls for rate limits: this process, or Redis for all instances. The client is loaded only for the latter. */
import type { Clock, Log, Part } from "../kernel/index.ts";
import type { App } from "../service/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import { GuardedLimits, type LimitStore } from "../trust/index.ts";
import type { Config } from "./config.ts";

export interface OpenedLimits {
  /** Left out: each process by itself. */
  readonly store?: LimitStore;
  readonly parts: readonly Part[];
}

/** @throws {Fault} `unimplemented` when the client is not installed. */
export async function openLimits(app: App, config: Config, { clock, log, metrics }: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics }): Promise<OpenedLimits> {
  if (config.redisUrl === "") return { parts: [] };
  const { openRedisLimits } = await import("../redis/index.ts");
  const redis = await openRedisLimits({ url: config.redisUrl, prefix: app.name, log });
  const store = new GuardedLimits({ store: redis, without: config.limitsWithoutRedis, clock, log });
  metrics.watch({ name: "tenon_limits_without_store", help: "Calls whose limits were decided while Redis did not answer.", type: "counter" }, () => [{ value: store.withoutStore }]);
  return { store, parts: [redis] };
}
