/** `node:http` and JSON, by hand: the floor. */
import { createServer } from "node:http";
import { announce, portOf } from "../control.ts";

const server = createServer((request, response) => {
  if (request.method !== "GET" || request.url !== "/hello") {
    response.writeHead(404).end();
    return;
  }
  const body = JSON.stringify({ hello: "world" });
  response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": Buffer.byteLength(body) }).end(body);
});
server.listen(0, "127.0.0.1", () => announce(portOf(server)));
