/** Node.js as a host: the HTTP server, and text written off the path of calls. */
export { FileAnchor, readCheckpoints } from "./file-anchor.ts";
export { MadeOnceError, readOrMake } from "./file-made-once.ts";
export type { HttpLimits } from "./http-host.ts";
export { HttpServer, type HttpServerOptions } from "./http-server.ts";
export { LineOutput } from "./line-output.ts";
export { LoopDelay } from "./loop-delay.ts";
export { pause } from "./pause.ts";
export { ProcessWatch } from "./process-watch.ts";
