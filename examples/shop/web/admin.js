/** The admin's side: orders, refunds, shipping, stock that runs out, accounts. */
import { ApiError, call } from "./api.js";
import { busy, date, h, isSignedIn, money, orderStatus, route, say, setUpWho, shortId, show, signInFirst, when } from "./page.js";

const filter = { status: "", search: "" };
const statuses = ["", "pending", "paid", "shipped", "canceled", "failed"];

function signedIn(page) {
  return (at) => (isSignedIn() ? page(at) : show(signInFirst("This page is for admins.")));
}

// --- orders ---

async function ordersPage({ isCurrent }) {
  const rows = h("tbody");
  const more = h("button", { type: "button", hidden: true }, "Show more");
  let cursor;
  async function load() {
    const page = await call("GET", "/admin/orders", { query: { ...filter, cursor, limit: 25 } });
    if (!isCurrent()) return;
    rows.append(...page.items.map(orderRow));
    cursor = page.nextCursor ?? undefined;
    more.hidden = cursor === undefined;
  }
  when(more, "click", load);
  await load();
  if (!isCurrent()) return;
  const search = h("input", { type: "search", value: filter.search, placeholder: "Order or account", "aria-label": "Order or account" });
  const status = h("select", { "aria-label": "Status" }, statuses.map((each) => h("option", { value: each, selected: each === filter.status }, each === "" ? "any status" : each)));
  search.addEventListener("change", () => {
    filter.search = search.value.trim();
    void go();
  });
  status.addEventListener("change", () => {
    filter.status = status.value;
    void go();
  });
  show(
    h(
      "section",
      {},
      h("div.tools", {}, h("h1", {}, "Orders"), search, status),
      h("div.scroll", {}, h("table", {}, head("Order", "Placed", "Account", "Status", "Total", "Refunded"), rows)),
      rows.childElementCount === 0 ? h("p.quiet", {}, "No orders.") : undefined,
      h("div.center", {}, more),
    ),
  );
}

function head(...names) {
  return h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col", class: ["Total", "Refunded", "On hand", "Reserved", "Available"].includes(name) ? "number" : undefined }, name))));
}

function orderRow(order) {
  return h(
    "tr",
    {},
    h("td", {}, h("a", { href: `#/order/${order.id}` }, h("code", {}, shortId(order.id)))),
    h("td", {}, date(order.placedAt)),
    h("td", {}, order.accountId),
    h("td", {}, orderStatus(order)),
    h("td.number", {}, money(order.totalCents)),
    h("td.number", {}, order.refundedCents === 0 ? "–" : money(order.refundedCents)),
  );
}

async function orderPage({ parts: [id], isCurrent }) {
  const order = await call("GET", `/admin/orders/${encodeURIComponent(id)}`);
  if (!isCurrent()) return;
  const { shipTo } = order;
  show(
    h(
      "section.detail",
      {},
      h("p", {}, h("a", { href: "#/orders" }, "All orders")),
      h("div.tools", {}, h("h1", {}, `Order ${shortId(order.id)}`), orderStatus(order)),
      h("p.quiet", {}, order.accountId, " · ", date(order.placedAt), order.trackingCode === null ? undefined : ` · tracking ${order.trackingCode}`, order.failureReason === null ? undefined : ` · ${order.failureReason}`),
      h("table", {}, h("tbody", {}, order.lines.map((line) => h("tr", {}, h("td", {}, h("code", {}, line.sku), ` ${line.name}`), h("td.number", {}, `${line.quantity} × ${money(line.unitPriceCents)}`), h("td.number", {}, money(line.totalCents)))))),
      h("dl.totals", {}, h("dt", {}, "Shipping"), h("dd", {}, money(order.shippingCents)), h("dt", {}, "Refunded"), h("dd", {}, money(order.refundedCents)), h("dt", {}, "Total"), h("dd", {}, money(order.totalCents))),
      h("address", {}, shipTo.recipient, h("br"), shipTo.street, h("br"), `${shipTo.postalCode} ${shipTo.city}, ${shipTo.country}`),
      order.refunds.length === 0 ? undefined : h("ul", {}, order.refunds.map((refund) => h("li", {}, `${money(refund.amountCents)}: ${refund.reason} (${refund.refundedBy}, `, date(refund.refundedAt), ")"))),
      actionsFor(order),
    ),
  );
}

function actionsFor(order) {
  const remaining = order.totalCents - order.refundedCents;
  const forms = [];
  if (order.status === "paid" && remaining > 0) forms.push(form("Ship", [["trackingCode", "Tracking code"]], (values) => call("POST", `/admin/orders/${order.id}/ship`, { body: values }), "The order is shipped."));
  if ((order.status === "paid" || order.status === "shipped") && remaining > 0) {
    const fields = [["amount", `Amount, up to ${(remaining / 100).toFixed(2)}`, { type: "number", step: "0.01", min: "0.01", max: (remaining / 100).toFixed(2), value: (remaining / 100).toFixed(2) }], ["reason", "Reason"]];
    forms.push(form("Refund", fields, ({ amount, reason }) => call("POST", `/admin/orders/${order.id}/refunds`, { body: { amountCents: Math.round(Number(amount) * 100), reason } }), "The money is on its way back."));
  }
  if (order.status === "paid") forms.push(form("Cancel and refund", [], () => call("POST", `/orders/${order.id}/cancel`), "The order is canceled, and the money is on its way back."));
  if (order.status === "pending") forms.push(form("Cancel", [], () => call("POST", `/orders/${order.id}/cancel`), "The order is canceled."));
  return h("div.forms", {}, forms);
}

function form(name, fields, send, done) {
  const button = h(fields.length === 0 ? "button" : "button.main", {}, name);
  const element = h("form", {}, fields.map(([field, label, more = {}]) => h("label", {}, label, h("input", { name: field, required: true, ...more }))), button);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    void busy(button, async () => {
      await send(Object.fromEntries(new FormData(element)));
      say(done, "good");
      await go();
    });
  });
  return element;
}

// --- stock ---

async function stockPage({ isCurrent }) {
  const { items } = await call("GET", "/admin/low-stock", { query: { limit: 100 } });
  if (!isCurrent()) return;
  show(
    h(
      "section",
      {},
      h("div.tools", {}, h("h1", {}, "Low stock")),
      items.length === 0 ? h("p.quiet", {}, "There is enough of everything.") : undefined,
      h("div.scroll", {}, h("table", {}, head("SKU", "On hand", "Reserved", "Available", "A delivery"), h("tbody", {}, items.map(stockRow)))),
    ),
  );
}

function stockRow(stock) {
  const row = h("tr");
  const amount = h("input", { type: "number", min: 1, max: 100_000, value: 50, "aria-label": `How many of ${stock.sku}` });
  const button = h("button", { type: "button" }, "Book in");
  when(button, "click", async () => {
    const after = await call("POST", `/stock/${stock.sku}/adjustments`, { body: { delta: Number(amount.value), reason: "delivery" } });
    say(`${after.available} of ${after.sku} are available.`, "good");
    fill(after);
  });
  function fill(now) {
    row.replaceChildren(
      h("td", {}, h("a", { href: `/#/product/${now.sku}` }, h("code", {}, now.sku))),
      h("td.number", {}, now.onHand),
      h("td.number", {}, now.reserved),
      h("td.number", {}, h(`span.stock.${now.available === 0 ? "none" : now.available <= now.lowAt ? "low" : "plenty"}`, {}, now.available)),
      h("td", {}, h("div.row", {}, amount, button)),
    );
  }
  fill(stock);
  return row;
}

// --- accounts ---

let accountSearch = "";

async function accountsPage({ isCurrent }) {
  const rows = h("tbody");
  const more = h("button", { type: "button", hidden: true }, "Show more");
  let cursor;
  async function load() {
    const page = await call("GET", "/accounts", { query: { search: accountSearch, cursor, limit: 25 } });
    if (!isCurrent()) return;
    rows.append(...page.items.map(accountRow));
    cursor = page.nextCursor ?? undefined;
    more.hidden = cursor === undefined;
  }
  when(more, "click", load);
  await load();
  if (!isCurrent()) return;
  const search = h("input", { type: "search", value: accountSearch, placeholder: "Name or e-mail", "aria-label": "Name or e-mail" });
  search.addEventListener("change", () => {
    accountSearch = search.value.trim();
    void go();
  });
  show(h("section", {}, h("div.tools", {}, h("h1", {}, "Accounts"), search), h("div.scroll", {}, h("table", {}, head("Account", "Name", "E-mail", "Since", "Status", ""), rows)), h("div.center", {}, more)));
}

function accountRow(account) {
  const isActive = account.status === "active";
  const button = h("button", { type: "button" }, isActive ? "Suspend" : "Reinstate");
  when(button, "click", async () => {
    const after = await call("POST", `/accounts/${encodeURIComponent(account.id)}/${isActive ? "suspend" : "reinstate"}`, isActive ? { body: { reason: "by an admin" } } : {});
    row.replaceWith(accountRow(after));
  });
  const row = h("tr", {}, h("td", {}, account.id), h("td", {}, account.name), h("td", {}, account.email), h("td", {}, date(account.createdAt)), h("td", {}, h(`span.status.${isActive ? "paid" : "failed"}`, {}, account.status)), h("td", {}, button));
  return row;
}

const go = route({ order: signedIn(orderPage), stock: signedIn(stockPage), accounts: signedIn(accountsPage), orders: signedIn(ordersPage) }, signedIn(ordersPage));
setUpWho(() => void go());
if (location.hash === "") history.replaceState(null, "", "#/orders");
addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof ApiError) say(event.reason.message, "bad");
});
