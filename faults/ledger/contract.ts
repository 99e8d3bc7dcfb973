/** Orders whose every effect can be counted afterwards. */
import { command, contract } from "tenon";
import * as z from "zod";

export const ledger = contract("ledger", {
  place: command({
    http: { route: "POST /orders", status: 201 },
    access: "public",
    input: z.object({
      /** The client's own name for what it wants done once. Not unique in the table: a second row is what we look for. */
      reference: z.string().min(1).max(100),
      quantities: z.array(z.int().min(1)).min(1).max(20),
    }),
    output: z.object({ id: z.uuid(), reference: z.string(), lines: z.int() }),
    deadline: "10s",
  }),
});
