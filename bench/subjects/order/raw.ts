/** `node:http` and JSON, by hand: no token, no validation, no limit, no histogram, no log. The floor. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { announce, portOf } from "../control.ts";
import { type NewOrder, placeOrder } from "./place-order.ts";

const server = createServer((request, response) => {
  if (request.method !== "POST" || request.url !== "/orders") {
    response.writeHead(404).end();
    return;
  }
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => answer(chunks, response));
});
server.listen(0, "127.0.0.1", () => announce(portOf(server)));

function answer(chunks: readonly Buffer[], response: ServerResponse<IncomingMessage>): void {
  const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  const placed = placeOrder(JSON.parse(bytes.toString("utf8")) as NewOrder);
  const body = JSON.stringify(placed);
  response.writeHead(201, { "content-type": "application/json; charset=utf-8", "content-length": Buffer.byteLength(body) }).end(body);
}
