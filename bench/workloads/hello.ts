/** `GET /hello`, answered by a constant: what is left is the price of the server itself. */
import { toRequestBytes } from "../load/http-connection.ts";
import type { Workload } from "./workload.ts";

export const hello: Workload = {
  name: "hello",
  status: 200,

  requests(target) {
    return [toRequestBytes({ method: "GET", path: "/hello", target, headers: { accept: "application/json" } })];
  },

  problemOf(body) {
    return body === '{"hello":"world"}' ? undefined : `not the greeting: ${body}`;
  },
};
