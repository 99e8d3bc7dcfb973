/** `node:http` that answers one of the ten routes: what Node itself takes to start. */
import { createServer } from "node:http";
import { announce, portOf } from "../control.ts";
import { product } from "./catalog.ts";

const server = createServer((request, response) => {
  if (request.url !== "/products/p-1") {
    response.writeHead(404).end();
    return;
  }
  const body = JSON.stringify(product);
  response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": Buffer.byteLength(body) }).end(body);
});
server.listen(0, "127.0.0.1", () => announce(portOf(server)));
