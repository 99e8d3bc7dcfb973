/** One of the services as a process of its own; says its port over IPC, and ends with whoever started it. */
import { startApp } from "tenon/app";
import rotatingApp from "./app.ts";

const started = await startApp(rotatingApp, { layers: [{ name: "environment", values: process.env }] });
process.on("disconnect", () => process.exit(0));
process.on("SIGTERM", () => void started.stop().then(() => process.exit(0)));
process.send?.({ port: started.port });
