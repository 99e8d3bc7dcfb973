/** A service that takes webhooks, for tests: what it handled is in its rows. */
import * as z from "zod";
import { contract, event, query, reactions, service, table } from "tenon";
import { hmacSignature, standardWebhook } from "tenon/webhooks";

export const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

export const orders = contract("orders", {
  paid: query({ http: "GET /paid", access: "public", output: z.object({ items: z.array(z.object({ orderId: z.string(), cents: z.int() })) }) }),
  captured: event({ data: z.object({ order: z.string(), cents: z.int() }), key: "order" }),
});

const tables = { paid: table({ position: z.int(), orderId: z.string(), cents: z.int() }, { key: "position", defaults: ["position"] }) };
export const config = z.object({ HOOK_SECRET: z.string().default(secret), OLD_SECRET: z.string().default(""), HANGS: z.string().default("") });
const { on, webhook } = reactions(tables, config);
const Payment = z.object({ type: z.string(), order: z.string(), cents: z.int() });

export default service(orders, {
  tables,
  config,
  migrations: new URL("webhook-migrations/", import.meta.url),
  handlers: {
    async paid({ db }) {
      return { items: await db.selectFrom("paid").select(["orderId", "cents"]).orderBy("position").execute() };
    },
  },
  subscriptions: [
    on(orders.captured, "mark-paid", async ({ config, data, db }) => {
      if (config.HANGS !== "") await new Promise((resolve) => setTimeout(resolve, 60_000));
      await db.insertInto("paid").values({ orderId: data.order, cents: data.cents }).execute();
    }),
  ],
  triggers: [
    webhook(orders.captured, {
      path: "/hooks/payments",
      verify: ({ HOOK_SECRET, OLD_SECRET }) => standardWebhook({ secret: OLD_SECRET === "" ? HOOK_SECRET : [HOOK_SECRET, OLD_SECRET] }),
      read({ body }) {
        const payment = Payment.parse(body);
        return payment.type === "payment.captured" ? { order: payment.order, cents: payment.cents } : undefined;
      },
      rateLimit: { calls: 200, per: "1m" },
    }),
    webhook(orders.captured, {
      path: "/hooks/pushes",
      verify: ({ HOOK_SECRET }) => hmacSignature({ header: "x-hub-signature-256", prefix: "sha256=", algorithm: "sha256", encoding: "hex", id: "x-github-delivery", secret: HOOK_SECRET }),
      read: ({ headers, id }) => ({ order: `${headers["x-github-event"]} ${id}`, cents: 0 }),
      bodyMaxBytes: 2_000_000,
    }),
  ],
});
