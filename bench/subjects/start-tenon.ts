/**
 * Starts an app as `tenon start` does, in production mode with all the standard parts on, and tells the benchmark. The
 * only settings are those that every subject is given: where tokens come from, the database, the size of its pool.
 */
import type { App } from "tenon";
import { startApp } from "tenon/app";
import { announce } from "./control.ts";
import { poolSize } from "./order-db/pool-size.ts";

/**
 * @param more settings that only this subject has.
 * @param seed  Whether the service's own rows are made first.
 */
export async function startTenon(app: App, more: Readonly<Record<string, string | undefined>> = {}, seed: "yes" | "no" = "no"): Promise<void> {
  const settings = {
    TENON_MODE: "production",
    HOST: "127.0.0.1",
    PORT: "0",
    OIDC_ISSUER: process.env["BENCH_ISSUER"],
    OIDC_AUDIENCE: process.env["BENCH_AUDIENCE"],
    DATABASE_URL: process.env["DATABASE_URL"],
    PRIVACY_MASTER_KEY: Buffer.alloc(32, "bench").toString("base64"), // of no use to anybody
    DATABASE_POOL_MAX: String(poolSize),
    ...more,
  };
  const started = await startApp(app, { layers: [{ name: "bench", values: settings }], migrate: "always", seed });
  announce(started.port);
}
