/** Rows of the inventory. The SQL that builds them is in migrations/. */
import { table } from "tenon";
import * as z from "zod";
import { ReservationStatus } from "./contract.ts";

export const tables = {
  stock: table({ sku: z.string(), onHand: z.int(), reserved: z.int(), lowAt: z.int() }, { key: "sku", defaults: ["reserved", "lowAt"] }),
  reservations: table(
    { orderId: z.uuid(), status: ReservationStatus, createdAt: z.iso.datetime(), updatedAt: z.iso.datetime() },
    { key: "orderId", defaults: ["createdAt", "updatedAt"] },
  ),
  reservationLines: table({ orderId: z.uuid(), sku: z.string(), quantity: z.int() }, { key: ["orderId", "sku"] }),
  stockMovements: table(
    { id: z.uuid(), sku: z.string(), delta: z.int(), reason: z.string(), movedBy: z.string(), movedAt: z.iso.datetime() },
    { key: "id", defaults: ["movedAt"] },
  ),
};
