/**
 * The app of `order`, with its telemetry on or off. `BENCH_TELEMETRY=on`: each call's span is recorded and exported with
 * metrics and log lines to the collector, and each call has its access line. `off`: no span, no trace, no line, no export;
 * metrics are counted still, since they cannot be switched off.
 */
import { app, service } from "tenon";
import { orders } from "../order/order-contract.ts";
import { placeOrder } from "../order/place-order.ts";
import { startTenon } from "../start-tenon.ts";

const endpoint = process.env["OTEL_EXPORTER_OTLP_ENDPOINT"];
const telemetry: Readonly<Record<string, string | undefined>> =
  process.env["BENCH_TELEMETRY"] === "on"
    ? { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_LOGS_EXPORTER: process.env["BENCH_LOGS"] ?? "none" }
    : { OTEL_TRACES_SAMPLER: "always_off", OTEL_SDK_DISABLED: "true", LOG_LEVEL: "error" };

await startTenon(app("order", { services: [service(orders, { handlers: { place: ({ input }) => placeOrder(input) } })] }), telemetry);
