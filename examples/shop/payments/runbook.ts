/**
 * What to do when the payment provider is in trouble. Orders come to an end by themselves, whatever it does; these steps are
 * for whoever cannot wait: they say how many customers do, and ask about charges of which the provider should have told.
 */
import { reactions } from "tenon";
import * as z from "zod";
import { payments } from "./contract.ts";
import { closePayment, findPayment, type PaymentsDb, toEnd, writePayment } from "./payment-rows.ts";
import { providerOf, settings } from "./settings.ts";
import { tables } from "./tables.ts";

const { runbook, step } = reactions(tables, settings);

/** Charges to ask about: those that have waited for longer, the oldest first. */
const Which = z.object({ waitedMinutes: z.int().min(0).default(5), limit: z.int().min(1).max(200).default(20) });

export const providerInTrouble = runbook(
  "provider-in-trouble",
  { about: "Charges fail, take long, or the provider does not tell how they ended", for: [payments.charge, "hear-provider"] },
  [
    step("count-processing", {
      about: "How many charges the provider has not ended, and how long the oldest has waited",
      async run({ db }) {
        const { count, oldest } = await db
          .selectFrom("payments")
          .select((row) => [row.fn.countAll<number>().as("count"), row.fn.min("createdAt").as("oldest")])
          .where("status", "=", "processing")
          .executeTakeFirstOrThrow();
        return { processing: count, oldest };
      },
    }),
    step("ask-provider", {
      about: "Asks how charges ended that have been processing for long, and lets their checkouts go on; a charge that is not there is never made afterwards",
      input: Which,
      async dryRun({ db, input }) {
        const waiting = await processing(db, input);
        return { wouldAsk: waiting.length, orders: waiting };
      },
      async run({ config, db, dependency, emit, input, read, remainingMs, signal }) {
        const provider = providerOf(config, { dependency, signal, remainingMs, attempts: 2 });
        const orders = await processing(read, input);
        const charges = new Map<string, Awaited<ReturnType<typeof provider.settle>>>();
        for (const orderId of orders) charges.set(orderId, await provider.settle(orderId)); // one by one: it has trouble enough
        const ended = { captured: 0, declined: 0, processing: 0 };
        for (const [orderId, charge] of charges) {
          const before = await findPayment(db, orderId);
          if (before?.status !== "processing") continue; // told in the meantime
          const now = charge === null ? await closePayment(db, orderId) : await writePayment(db, orderId, charge);
          if (now === undefined) continue;
          ended[now.status] += 1;
          if (now.status !== "processing") await emit(payments.chargeEnded, toEnd(now));
        }
        return { asked: orders.length, ...ended };
      },
    }),
  ],
);

async function processing(db: PaymentsDb, { limit, waitedMinutes }: z.output<typeof Which>): Promise<readonly string[]> {
  const before = new Date(Date.now() - waitedMinutes * 60_000).toISOString();
  const rows = await db.selectFrom("payments").select("orderId").where("status", "=", "processing").where("createdAt", "<=", before).orderBy("createdAt").limit(limit).execute();
  return rows.map(({ orderId }) => orderId);
}
