/** An app in a process of its own that tells which modules it has loaded: at its start, and when its document was asked for. */
import { registerHooks } from "node:module";
import * as z from "zod";

const sourceFolder = new URL("../../src/", import.meta.url).href;
const modules: string[] = [];
registerHooks({
  load(url, context, next) {
    if (url.startsWith(sourceFolder)) modules.push(url.slice(sourceFolder.length));
    return next(url, context);
  },
});

// As a program of a user has it: by the doors of the package, after the hook.
const { app, contract, query, service } = await import("tenon");
const { startApp } = await import("tenon/app");

const notes = contract("notes", { get: query({ http: "GET /notes", access: "public", output: z.object({ text: z.string() }) }) });
const started = await startApp(app("notes", { services: [service(notes, { handlers: { get: () => ({ text: "a" }) } })] }), {
  layers: [{ name: "test", values: { TENON_MODE: "production", PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error" } }],
});
await (await fetch(`${started.url}/notes`)).json();
const atStart = [...modules];
const document = (await (await fetch(`${started.url}/openapi.json`)).json()) as { readonly openapi: string };
await started.stop();
process.stdout.write(JSON.stringify({ atStart, openapi: document.openapi, later: modules.slice(atStart.length) }));
