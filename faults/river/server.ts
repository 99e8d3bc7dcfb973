/** The river as a process of its own: server, relay and worker at once. Says its port over IPC, and ends with whoever started it. */
import { startApp } from "tenon/app";
import riverApp from "./app.ts";

const started = await startApp(riverApp, { layers: [{ name: "environment", values: process.env }] });
process.on("disconnect", () => process.exit(0));
process.on("SIGTERM", () => void started.stop().then(() => process.exit(0)));
process.send?.({ port: started.port });
