/** Tenon with everything on: token, scope, validation, rate limit, histogram, access line, response cut to the contract. */
import { app, service } from "tenon";
import { startTenon } from "../start-tenon.ts";
import { orders } from "./order-contract.ts";
import { placeOrder } from "./place-order.ts";

const ordersService = service(orders, { handlers: { place: ({ input }) => placeOrder(input) } });

await startTenon(app("order", { services: [ordersService] }));
