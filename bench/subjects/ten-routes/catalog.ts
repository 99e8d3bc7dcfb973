/** The data of the ten-route application, the same for every subject. No database: what is measured is the start. */

export interface Order {
  id: string;
  customerId: string;
  totalCents: number;
  status: "placed" | "paid" | "canceled";
  lines: { productId: string; quantity: number }[];
}

export const product = { id: "p-1", name: "Enamel mug", priceCents: 1_290, inStock: true, tags: ["kitchen", "white"] };
export const order: Order = { id: "o-1", customerId: "c-1", totalCents: 2_580, status: "placed", lines: [{ productId: "p-1", quantity: 2 }] };
