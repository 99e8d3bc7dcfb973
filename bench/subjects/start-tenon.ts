/**
 * Starts an app as `tenon start` does, in production mode with all the standard parts on, and tells the benchmark. The
 * only settings are those that every subject is given: where tokens come from, the database, the size of its pool.
 */
import type { App } from "tenon";
import { startApp } from "tenon/app";
import { announce } from "./control.ts";
import { poolSize } from "./order-db/pool-size.ts";

export async function startTenon(app: App): Promise<void> {
  const settings = {
    TENON_MODE: "production",
    HOST: "127.0.0.1",
    PORT: "0",
    OIDC_ISSUER: process.env["BENCH_ISSUER"],
    OIDC_AUDIENCE: process.env["BENCH_AUDIENCE"],
    DATABASE_URL: process.env["DATABASE_URL"],
    DATABASE_POOL_MAX: String(poolSize),
  };
  const started = await startApp(app, { layers: [{ name: "bench", values: settings }], migrate: "always" });
  announce(started.port);
}
