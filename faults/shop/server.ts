/**
 * The shop as a process of its own, whose objectives go by a faster clock; says its port over IPC, and ends with whoever
 * started it. With `DRILL_FAIL_EVERY`, it is a bad release: every so many calls of `catalog.get` run into a bug.
 */
import { app } from "tenon";
import { startApp } from "tenon/app";
import shop from "../../examples/shop/app.ts";
import { drillClock } from "./drill-clock.ts";

const { DRILL_FAIL_EVERY = "0", DRILL_ORIGIN_MS, DRILL_SCALE } = process.env;
const failEvery = Number(DRILL_FAIL_EVERY);
let calls = 0;

const services = shop.services.map((service) => {
  if (service.name !== "catalog" || failEvery === 0) return service;
  const get = service.handlers["get"] as (context: never) => unknown;
  const buggy = (context: never): unknown => {
    calls += 1;
    if (calls % failEvery === 0) throw new TypeError("the bug of this release");
    return get(context);
  };
  return { ...service, handlers: { ...service.handlers, get: buggy } };
});

const started = await startApp(app("shop", { services }), {
  layers: [{ name: "environment", values: process.env }],
  migrate: "always",
  seed: "yes",
  objectivesClock: drillClock({ originMs: Number(DRILL_ORIGIN_MS), scale: Number(DRILL_SCALE) }),
});
process.on("disconnect", () => process.exit(0));
process.on("SIGTERM", () => void started.stop().then(() => process.exit(0)));
process.send?.({ port: started.port });
