/** The shop: five services, the rights of the persons whose data they hold, and the pages that use them. */
import { app, mount, role } from "tenon";
import accounts from "./accounts/service.ts";
import catalog from "./catalog/service.ts";
import inventory from "./inventory/service.ts";
import orders from "./orders/service.ts";
import payments from "./payments/service.ts";
import { storefront } from "./storefront.ts";

export default app("shop", {
  services: [accounts, catalog, inventory, orders, payments],
  subjectRights: { access: role("privacy") },
  mounts: [mount("/", storefront(new URL("web/", import.meta.url)))],
});
