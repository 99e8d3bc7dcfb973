/** The service of webhooks in a process of its own, to be killed: prints where it listens. */
import { app } from "tenon";
import { startApp } from "../../src/app/index.ts";
import paidService from "./paid-service.ts";

const started = await startApp(app("shop", { services: [paidService] }), { layers: [{ name: "test", values: { PORT: "0", LOG_LEVEL: "error", ...process.env } }] });
process.stdout.write(`${started.url}\n`);
