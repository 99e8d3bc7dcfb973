/** Tenon as a process that handles jobs, ten at once; says that it does over IPC, and ends with whoever started it. */
import { startApp } from "tenon/app";
import jobsApp from "./app.ts";

const settings = { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", DELIVERIES_MAX: "10", DATABASE_POOL_MAX: "12" };
process.on("disconnect", () => process.exit(0));
const started = await startApp(jobsApp, { layers: [{ name: "drill", values: settings }, { name: "environment", values: process.env }] });
process.send?.({ port: started.port });
