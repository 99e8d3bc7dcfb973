/** Tenon, with everything that every operation has: access rule, admission, deadline, metrics, access line, request id. */
import { app, contract, query, service } from "tenon";
import * as z from "zod";
import { startTenon } from "../start-tenon.ts";

const greetings = contract("greetings", {
  hello: query({ http: "GET /hello", access: "public", output: z.object({ hello: z.string() }) }),
});

await startTenon(app("hello", { services: [service(greetings, { handlers: { hello: () => ({ hello: "world" }) } })] }));
