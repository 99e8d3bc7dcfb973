/**
 * The app of `order` with and without asking who calls. `BENCH_TRUST=on`: as it stands, with a verified token, a scope and a
 * rate limit. `off`: the same contract, open to anybody and without a limit; the token that comes along is not looked at.
 */
import { app, service } from "tenon";
import { openOrders, orders } from "../order/order-contract.ts";
import { placeOrder } from "../order/place-order.ts";
import { startTenon } from "../start-tenon.ts";

const ordersService =
  process.env["BENCH_TRUST"] === "on"
    ? service(orders, { handlers: { place: ({ input }) => placeOrder(input) } })
    : service(openOrders, { handlers: { place: ({ input }) => placeOrder(input) } });

await startTenon(app("order", { services: [ordersService] }));
