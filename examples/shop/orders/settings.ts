/** Settings of the orders service, as the environment has them. */
import * as z from "zod";

export const settings = z.object({
  CART_ABANDONED_AFTER_H: z.int().min(1).max(720).default(24).describe("hours after which a cart that nobody touches counts as left"),
});
