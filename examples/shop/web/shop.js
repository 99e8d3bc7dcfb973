/** The shop: browse, search, fill a cart, pay, look after orders. */
import { ApiError, call, whoIs } from "./api.js";
import { askToSignIn, busy, date, h, isSignedIn, money, orderStatus, picture, route, say, sentence, setUpWho, shortId, show, signInFirst, when } from "./page.js";

const searchBox = document.querySelector(".search input");
const filter = { category: "", sort: undefined };
const browseSorts = [["newest", "Newest"], ["name", "Name"], ["price", "Price, low first"], ["-price", "Price, high first"]];

// --- browse ---

async function browse({ isCurrent }) {
  const grid = h("div.grid");
  const more = h("button", { type: "button", hidden: true }, "Show more");
  const found = h("p.quiet", { "aria-live": "polite" });
  const search = searchBox.value.trim();
  const sorts = search === "" ? browseSorts : [["", "Best match"], ...browseSorts];
  const [[firstSort]] = sorts;
  const chosen = sorts.some(([value]) => value === filter.sort) ? filter.sort : firstSort;
  const query = { search, category: filter.category, sort: chosen };
  let cursor;

  async function load() {
    const page = await call("GET", "/products", { query: { ...query, cursor } });
    if (!isCurrent()) return;
    grid.append(...page.items.map(card));
    cursor = page.nextCursor ?? undefined;
    more.hidden = cursor === undefined;
    found.textContent = grid.childElementCount === 0 ? search === "" ? "Nothing here." : `Nothing found for “${search}”.` : "";
  }
  when(more, "click", load);

  const [{ items: categories }] = await Promise.all([call("GET", "/categories"), load()]);
  if (!isCurrent()) return;
  const sort = h("select", { "aria-label": "Sort by" }, sorts.map(([value, name]) => h("option", { value, selected: value === chosen }, name)));
  sort.addEventListener("change", () => {
    filter.sort = sort.value;
    void go();
  });
  const category = categories.find((each) => each.slug === filter.category)?.name;
  const heading = search === "" ? (category ?? "Everything") : `“${search}”${category === undefined ? "" : ` in ${category}`}`;
  show(
    h(
      "div.shelf",
      {},
      h("nav.categories", { "aria-label": "Categories" }, choice("", "Everything"), categories.map(({ slug, name, products }) => choice(slug, name, products))),
      h("section", {}, h("div.tools", {}, h("h1", {}, heading), sort), found, grid, h("div.center", {}, more)),
    ),
  );
}

function choice(slug, name, count) {
  const onclick = () => {
    filter.category = slug;
    if (location.hash.length > 2) location.hash = "#/";
    else void go();
  };
  return h("button", { type: "button", onclick, "aria-pressed": String(filter.category === slug) }, name, count === undefined ? undefined : h("span.quiet", {}, ` ${count}`));
}

function card(product) {
  return h(
    "article.card",
    {},
    h("a", { href: `#/product/${product.sku}` }, picture(product), h("h2", {}, product.name)),
    h("div.row", {}, h("strong", {}, money(product.priceCents)), product.isSoldOut ? h("span.stock.none", {}, "Sold out") : addButton(product.sku)),
  );
}

function addButton(sku, quantity = () => 1) {
  const button = h("button", { type: "button" }, "Add to cart");
  when(button, "click", async () => {
    if (!isSignedIn()) return askToSignIn();
    await call("POST", "/cart/lines", { body: { sku, quantity: quantity() } });
    say("It is in your cart.", "good");
    await countCart();
  });
  return button;
}

// --- one product ---

async function productPage({ parts: [sku], isCurrent }) {
  const [product, stock] = await Promise.all([call("GET", `/products/${encodeURIComponent(sku)}`), call("GET", "/stock", { query: { sku } })]);
  if (!isCurrent()) return;
  const available = stock.items[0]?.available ?? 0;
  const quantity = h("input", { type: "number", min: 1, max: Math.max(1, Math.min(available, 999)), value: 1, "aria-label": "Quantity" });
  const stockText = available === 0 ? "Sold out" : available <= 10 ? `Only ${available} left` : "In stock";
  show(
    h(
      "article.product",
      {},
      picture(product),
      h(
        "div",
        {},
        h("p.quiet", {}, product.sku),
        h("h1", {}, product.name),
        h("p.price", {}, money(product.priceCents)),
        h("p", {}, product.description),
        h(`p.stock.${available === 0 ? "none" : available <= 10 ? "low" : "plenty"}`, {}, stockText),
        product.status === "archived" ? h("p.note", {}, "No longer sold.") : available === 0 ? undefined : h("div.row", {}, quantity, addButton(product.sku, () => Number(quantity.value) || 1)),
        h("p", {}, h("a", { href: "#/" }, "Back to the shelf")),
      ),
    ),
  );
}

// --- cart and checkout ---

const cards = [["tok_visa", "Visa test card, pays"], ["tok_declined", "Test card that is declined"], ["tok_insufficient_funds", "Test card without funds"], ["tok_late", "Test card that pays a little later"], ["tok_late_declined", "Test card that is declined a little later"]];

async function cartPage({ isCurrent }) {
  if (!isSignedIn()) return show(signInFirst("A cart belongs to somebody."));
  const [cart, profile] = await Promise.all([call("GET", "/cart"), profileOrNone()]);
  if (!isCurrent()) return;
  showCount(cart);
  if (cart.lines.length === 0) return show(h("section.empty", {}, h("h1", {}, "Your cart is empty"), h("a.main", { href: "#/" }, "Find something")));
  show(h("div.cart", {}, h("section", {}, h("h1", {}, "Your cart"), cart.lines.map(cartLine)), h("aside", {}, totals(cart), profile === undefined ? signUpForm() : checkoutForm(cart, profile))));
}

function cartLine(line) {
  const quantity = h("input", { type: "number", min: 1, max: 999, value: line.quantity, "aria-label": `How many of ${line.name ?? line.sku}`, disabled: line.name === null });
  when(quantity, "change", async () => {
    await call("PUT", `/cart/lines/${line.sku}`, { body: { quantity: Number(quantity.value) } });
    await go();
  });
  const remove = h("button.plain", { type: "button", "aria-label": `Remove ${line.name ?? line.sku}` }, "Remove");
  when(remove, "click", async () => {
    await call("DELETE", `/cart/lines/${line.sku}`);
    await go();
  });
  const problem = line.name === null ? "No longer sold" : line.available < line.quantity ? (line.available === 0 ? "Sold out" : `Only ${line.available} left`) : undefined;
  return h(
    "div.line",
    {},
    h("div", {}, h("a", { href: `#/product/${line.sku}` }, line.name ?? line.sku), problem === undefined ? undefined : h("p.trouble", {}, problem)),
    quantity,
    h("span.amount", {}, line.totalCents === null ? "–" : money(line.totalCents)),
    remove,
  );
}

function totals(order) {
  const row = (name, cents) => [h("dt", {}, name), h("dd", {}, money(cents))];
  return h("dl.totals", {}, row("Goods", order.subtotalCents), order.shippingCents === 0 ? [h("dt", {}, "Shipping"), h("dd", {}, "free")] : row("Shipping", order.shippingCents), row("Total", order.totalCents));
}

/** One key per attempt to buy: pressing the button again after a lost answer goes on with the same order. */
let attempt = { of: "", key: "" };

function keyFor(body, cart) {
  const of = JSON.stringify([body, cart.lines.map((line) => [line.sku, line.quantity])]);
  if (attempt.of !== of) attempt = { of, key: crypto.randomUUID() };
  return attempt.key;
}

function checkoutForm(cart, profile) {
  const address = h("select", { name: "address" }, profile.addresses.map((each) => h("option", { value: each.id }, `${each.recipient}, ${each.street}, ${each.postalCode} ${each.city}`)));
  const card = h("select", { name: "card" }, cards.map(([value, name]) => h("option", { value }, name)));
  const pay = h("button.main", { disabled: !cart.isOrderable }, `Pay ${money(cart.totalCents)}`);
  const form = h("form.checkout", {}, h("label", {}, "Ship to", address), h("label", {}, "Pay with", card), pay);
  if (profile.addresses.length === 0) form.replaceChildren(addressForm());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (profile.addresses.length === 0) return;
    const body = { addressId: address.value, card: card.value };
    void busy(pay, async () => {
      try {
        const order = await call("POST", "/orders", { body, key: keyFor(body, cart) });
        attempt = { of: "", key: "" };
        location.hash = `#/order/${order.id}`;
      } catch (error) {
        if (!(error instanceof ApiError) || error.status === 401) throw error;
        await explainCheckout(error);
      }
    });
  });
  return form;
}

async function explainCheckout(error) {
  if (error.isUnknown) return say("The shop has not answered. Press Pay again: it is one order and one charge.", "bad");
  attempt = { of: "", key: "" };
  if (error.code === "OutOfStock") say(`There ${error.data.available === 1 ? "is" : "are"} only ${error.data.available} of ${error.data.sku}.`, "bad");
  else say(sentence(error.message), "bad");
  await go();
}

async function profileOrNone() {
  try {
    return await call("GET", "/me");
  } catch (error) {
    if (error instanceof ApiError && error.code === "NoProfile") return undefined;
    throw error;
  }
}

function field(name, label, more = {}) {
  return h("label", {}, label, h("input", { name, required: true, ...more }));
}

function signUpForm() {
  const button = h("button.main", {}, "Create account");
  const form = h("form.checkout", {}, h("h2", {}, "Who are you?"), field("name", "Name", { autocomplete: "name", maxlength: 120 }), field("email", "E-mail", { type: "email", autocomplete: "email" }), button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void busy(button, async () => {
      await call("POST", "/accounts", { body: Object.fromEntries(new FormData(form)) });
      await go();
    });
  });
  return form;
}

function addressForm() {
  const button = h("button.main", { type: "button" }, "Save address");
  const fields = h(
    "div.checkout",
    {},
    h("h2", {}, "Where to?"),
    field("recipient", "Name", { autocomplete: "name" }),
    field("street", "Street and number", { autocomplete: "address-line1" }),
    field("postalCode", "Postal code", { autocomplete: "postal-code" }),
    field("city", "City", { autocomplete: "address-level2" }),
    field("country", "Country, two letters", { pattern: "[A-Z]{2}", maxlength: 2, autocomplete: "country" }),
    button,
  );
  button.addEventListener("click", () => {
    const inputs = [...fields.querySelectorAll("input")];
    if (!inputs.every((input) => input.reportValidity())) return;
    void busy(button, async () => {
      await call("POST", "/me/addresses", { body: Object.fromEntries(inputs.map((input) => [input.name, input.value])) });
      await go();
    });
  });
  return fields;
}

async function countCart() {
  if (isSignedIn()) showCount(await call("GET", "/cart"));
  else showCount({ lines: [] });
}

function showCount(cart) {
  const count = cart.lines.reduce((sum, line) => sum + line.quantity, 0);
  const badge = document.getElementById("cart-count");
  badge.textContent = count;
  badge.hidden = count === 0;
}

// --- orders ---

async function ordersPage({ isCurrent }) {
  if (!isSignedIn()) return show(signInFirst("Orders belong to somebody."));
  const list = h("div.orders");
  const more = h("button", { type: "button", hidden: true }, "Show more");
  let cursor;
  async function load() {
    const page = await call("GET", "/orders", { query: { cursor, limit: 20 } });
    list.append(...page.items.map(orderRow));
    cursor = page.nextCursor ?? undefined;
    more.hidden = cursor === undefined;
  }
  when(more, "click", load);
  await load();
  if (!isCurrent()) return;
  show(h("section", {}, h("h1", {}, "Your orders"), list.childElementCount === 0 ? h("p.quiet", {}, "None yet.") : list, h("div.center", {}, more)));
}

function orderRow(order) {
  const things = order.lines.reduce((sum, line) => sum + line.quantity, 0);
  return h("a.order", { href: `#/order/${order.id}` }, h("code", {}, shortId(order.id)), date(order.placedAt), h("span.quiet", {}, things === 1 ? "1 thing" : `${things} things`), orderStatus(order), h("strong", {}, money(order.totalCents)));
}

async function orderPage({ parts: [id], isCurrent }) {
  if (!isSignedIn()) return show(signInFirst("Orders belong to somebody."));
  const order = await call("GET", `/orders/${encodeURIComponent(id)}`);
  if (!isCurrent()) return;
  void countCart();
  if (order.status === "pending") void follow(order, isCurrent);
  const { shipTo } = order;
  const act = (name, path, done) => {
    const button = h("button", { type: "button" }, name);
    when(button, "click", async () => {
      await call("POST", `/orders/${order.id}/${path}`);
      say(done, "good");
      await go();
    });
    return button;
  };
  show(
    h(
      "section.detail",
      {},
      h("p", {}, h("a", { href: "#/orders" }, "All orders")),
      h("div.tools", {}, h("h1", {}, `Order ${shortId(order.id)}`), orderStatus(order)),
      h("p.quiet", {}, "Placed ", date(order.placedAt), order.trackingCode === null ? undefined : ` · tracking ${order.trackingCode}`),
      noteOf(order),
      h("table", {}, h("tbody", {}, order.lines.map((line) => h("tr", {}, h("td", {}, h("a", { href: `#/product/${line.sku}` }, line.name)), h("td.number", {}, `${line.quantity} × ${money(line.unitPriceCents)}`), h("td.number", {}, money(line.totalCents)))))),
      totals(order),
      order.refundedCents === 0 ? undefined : h("p", {}, `${money(order.refundedCents)} were given back.`),
      h("address", {}, shipTo.recipient, h("br"), shipTo.street, h("br"), `${shipTo.postalCode} ${shipTo.city}, ${shipTo.country}`),
      h("div.actions", {}, order.status === "paid" || order.status === "pending" ? act("Cancel order", "cancel", "The order is canceled.") : undefined),
    ),
  );
}

const failures = {
  card_declined: "The card was declined.",
  insufficient_funds: "There is not enough money on the card.",
  order_closed: "The payment took too long.",
  out_of_stock: "Somebody else was quicker, and there is not enough left.",
};

function noteOf(order) {
  if (order.status === "pending") return h("p.note.waiting", { role: "status" }, "Your payment is under way. This page says when it is through; you need not wait for it.");
  if (order.status === "failed") return h("p.note", {}, failures[order.failureReason] ?? "The payment did not go through.", " You were not charged, and the goods are ", h("a", { href: "#/cart" }, "back in your cart"), ".");
  if (order.status === "canceled" && order.refundedCents === 0) return h("p.note", {}, "What you paid, if anything, goes back by itself.");
  return undefined;
}

/** Looks after a pending order until something has become of it: soon at first, then less often. */
async function follow(order, isCurrent) {
  for (let waitMs = 300; isCurrent(); waitMs = Math.min(waitMs * 1.5, 5_000)) {
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (!isCurrent()) return;
    const now = await call("GET", `/orders/${order.id}`).catch((error) => {
      if (!(error instanceof ApiError) || !error.isUnknown) throw error;
      return order; // out of reach for a moment: the next look may find it
    });
    if (now.status === "pending" || !isCurrent()) continue;
    if (now.status === "paid") say("Thank you. Your order is paid.", "good");
    return go();
  }
}

// --- start ---

let typing;
searchBox.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    filter.sort = undefined;
    if (location.hash.length > 2) location.hash = "#/";
    else void go();
  }, 200);
});
searchBox.form.addEventListener("submit", (event) => event.preventDefault());

const go = route({ product: productPage, cart: cartPage, orders: ordersPage, order: orderPage }, browse);
const refresh = () => {
  countCart().catch((error) => {
    if (!(error instanceof ApiError)) throw error; // the page itself says what is wrong
  });
  void go();
};
setUpWho(refresh);
if (whoIs() !== undefined) countCart().catch(() => showCount({ lines: [] }));
