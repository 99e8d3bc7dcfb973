/** Two services with a river of events between them, whose every delivery can be counted afterwards. */
import { command, contract, event, query } from "tenon";
import * as z from "zod";

const Drop = z.object({ key: z.string(), n: z.int().min(1) });

export const source = contract("source", {
  put: command({ http: { route: "POST /drops", status: 202 }, access: "public", input: Drop, deadline: "10s" }),
  fell: event({ data: Drop, key: "key" }),
});

export const sink = contract("sink", {
  applied: query({ http: "GET /applied", access: "public", output: z.object({ count: z.int() }) }),
});
