/** Two services that run apart: `desk` asks `stock` for whoever asks it. */
import { app, calledBy, command, contract, query, service } from "tenon";
import * as z from "zod";

const Seen = z.object({ subject: z.string(), by: z.array(z.string()), number: z.int() });

export const stock = contract("stock", {
  read: query({ access: { allOf: [calledBy("desk"), "signed-in"] }, output: Seen }),
  take: command({ access: { allOf: [calledBy("desk"), "signed-in"] }, output: Seen }),
});

export const desk = contract("desk", {
  read: query({ http: "GET /read", access: "signed-in", output: Seen }),
  take: command({ http: "POST /take", access: "signed-in", output: Seen }),
});

let number = 0;

const stockService = service(stock, {
  handlers: {
    read: ({ caller }) => ({ subject: caller.subject, by: [...(caller.actors ?? [])], number }),
    take: ({ caller }) => ({ subject: caller.subject, by: [...(caller.actors ?? [])], number: ++number }),
  },
});

const deskService = service(desk, { handlers: { read: ({ call }) => call(stock.read), take: ({ call }) => call(stock.take) } });

export default app("rotating", { services: [deskService, stockService] });
