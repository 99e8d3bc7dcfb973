/**
 * The order and its lines by hand: `node:http`, `pg` with a pool, one transaction as pg's own page on transactions has
 * it. Two statements with parameters between `BEGIN` and `COMMIT`. No token, no validation, no log.
 */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Pool } from "pg";
import { announce, portOf } from "../control.ts";
import { type NewOrder, type PlacedOrder, placeOrder } from "../order/place-order.ts";
import { poolSize } from "./pool-size.ts";

const orderColumns =
  "id, customer_id, email, currency, shipping_address, billing_same_as_shipping, note, placed_at, priority, channel, coupon_code, tags, status, total_cents";
const insertOrder = `insert into orders (${orderColumns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`;
const lineColumns = ["order_id", "line_number", "sku", "name", "quantity", "unit_cents", "gift_wrap"];

const pool = new Pool({ connectionString: process.env["DATABASE_URL"], max: poolSize });
await pool.query(readFileSync(new URL("migrations/0001_orders.sql", import.meta.url), "utf8"));

const server = createServer((request, response) => {
  if (request.method !== "POST" || request.url !== "/orders") {
    response.writeHead(404).end();
    return;
  }
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    answer(chunks, response).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      response.writeHead(500).end();
    });
  });
});
server.listen(0, "127.0.0.1", () => announce(portOf(server)));

async function answer(chunks: readonly Buffer[], response: ServerResponse<IncomingMessage>): Promise<void> {
  const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  const placed = placeOrder(JSON.parse(bytes.toString("utf8")) as NewOrder);
  await store(placed);
  const body = JSON.stringify(placed);
  response.writeHead(201, { "content-type": "application/json; charset=utf-8", "content-length": Buffer.byteLength(body) }).end(body);
}

async function store(order: PlacedOrder): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query(insertOrder, [
      order.id,
      order.customerId,
      order.email,
      order.currency,
      JSON.stringify(order.shippingAddress),
      order.billingSameAsShipping,
      order.note,
      order.placedAt,
      order.priority,
      order.channel,
      order.couponCode,
      JSON.stringify(order.tags),
      order.status,
      order.totalCents,
    ]);
    await client.query(insertLines(order.lines.length), lineValues(order));
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

/** One statement for all lines: `values ($1, …, $7), ($8, …, $14), …`. */
function insertLines(count: number): string {
  const width = lineColumns.length;
  const rows = Array.from({ length: count }, (_, row) => `(${lineColumns.map((_column, index) => `$${row * width + index + 1}`).join(", ")})`);
  return `insert into order_lines (${lineColumns.join(", ")}) values ${rows.join(", ")}`;
}

function lineValues({ id, lines }: PlacedOrder): unknown[] {
  return lines.flatMap((line, index) => [id, index + 1, line.sku, line.name, line.quantity, line.unitCents, line.giftWrap]);
}
