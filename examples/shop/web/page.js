/** What both pages are built with: elements, money, messages, and the box to sign in with. */
import { ApiError, goToSignIn, hasSignInPage, signOut, useToken, whoIs } from "./api.js";

/**
 * An element. Text stays text: nothing that comes from the API is ever read as HTML.
 *
 * @param {string} tag          With classes: `p.note`.
 * @param {object} [attributes] `onclick` and the like are listeners; `undefined` and `false` are left out.
 * @param {...(Node | string | number | undefined | Array)} children
 */
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length > 0) element.className = classes.join(" ");
  set(element, attributes);
  element.append(...children.flat().filter((child) => child !== undefined));
  return element;
}

export function svg(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  set(element, attributes);
  element.append(...children);
  return element;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

const moneyFormat = new Intl.NumberFormat("en", { style: "currency", currency: "EUR" });
export function money(cents) {
  return moneyFormat.format(cents / 100);
}

const dateFormat = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
export function date(text) {
  return h("time", { datetime: text }, dateFormat.format(new Date(text)));
}

export function shortId(id) {
  return id.slice(0, 8);
}

/** Shows what is new in place of what was there, and puts the reader at its start. */
export function show(...children) {
  const view = document.getElementById("view");
  view.replaceChildren(...children.flat().filter((child) => child !== undefined));
  return view;
}

/** A message that goes away by itself. */
export function say(text, kind = "info") {
  const box = document.querySelector(".messages") ?? document.body.appendChild(h("div.messages", { role: "status", "aria-live": "polite" }));
  const message = h(`p.message.${kind}`, {}, text);
  box.append(message);
  setTimeout(() => message.remove(), kind === "bad" ? 8_000 : 4_000);
}

/** Runs what a button does: the button waits, and a failure is said. */
export async function busy(button, work) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) {
      if (hasSignInPage) return goToSignIn(); // the session is over
      await signOut();
      askToSignIn("Your token is not valid any more.");
    } else say(sentence(error.message), "bad");
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}

/** Does `work` when the element is used, and keeps it from being used again meanwhile. */
export function when(element, event, work) {
  element.addEventListener(event, () => void busy(element, work));
}

export function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;
}

export function orderStatus(order) {
  const refunded = order.refundedCents === 0 ? "" : order.refundedCents === order.totalCents ? ", refunded" : ", partly refunded";
  const words = { pending: "payment under way", paid: "paid", shipped: "shipped", canceled: "canceled", failed: "not paid" };
  return h(`span.status.${order.status}`, {}, `${words[order.status]}${refunded}`);
}

let changed = () => {};

/** The button in the bar: who is signed in, and the way out. `onChange` runs when that is somebody else. */
export function setUpWho(onChange) {
  const button = document.getElementById("who");
  changed = () => {
    label(button, whoIs());
    onChange();
  };
  button.addEventListener("click", () => {
    if (whoIs() === undefined) return askToSignIn();
    void busy(button, async () => {
      await signOut();
      changed();
    });
  });
  label(button, whoIs());
}

function label(button, who) {
  button.textContent = who === undefined ? "Sign in" : `${who.subject} · sign out`;
  button.title = who === undefined ? "" : `Sign out ${who.subject}`;
}

/**
 * To the page of the issuer. Without one, whoever runs the shop makes tokens at a terminal; a token stays in this tab
 * and is gone with it.
 */
export function askToSignIn(why = "") {
  if (hasSignInPage) return goToSignIn();
  const input = h("textarea", { name: "token", rows: 5, required: true, spellcheck: "false", placeholder: "eyJhbGciOi…", "aria-label": "Token" });
  const trouble = h("p.trouble", { role: "alert" }, why);
  const isAdmin = document.body.classList.contains("admin");
  const dialog = h(
    "dialog.sign-in",
    { onclose: () => dialog.remove() },
    h(
      "form",
      {
        method: "dialog",
        onsubmit: (event) => {
          const text = input.value.trim();
          if (whoIs(text) === undefined) {
            event.preventDefault();
            trouble.textContent = "That is not a token.";
            return;
          }
          useToken(text);
          changed();
        },
      },
      h("h2", {}, "Sign in as"),
      h("p", {}, "Make a token in the shop's directory, and paste it here:"),
      h("pre", {}, h("code", {}, `npx tenon token --sub ${isAdmin ? "olga --role admin" : "alice"}`)),
      input,
      trouble,
      h("div.actions", {}, h("button", { type: "button", onclick: () => dialog.close() }, "Not now"), h("button.main", {}, "Sign in")),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}

/** What stands in place of a page that needs somebody. */
export function signInFirst(what) {
  return h("section.empty", {}, h("h1", {}, "Sign in first"), h("p", {}, what), h("button.main", { type: "button", onclick: () => askToSignIn() }, "Sign in"));
}

export function isSignedIn() {
  return whoIs() !== undefined;
}

/** A picture for a product that has none: quiet, and the same one every time. */
export function tile(product) {
  const hue = ([...product.category].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 997, 7) * 137) % 360;
  const seed = [...product.sku].reduce((sum, char) => (sum * 33 + char.charCodeAt(0)) % 997, 3);
  const words = product.name.split(" ");
  const letters = `${words.at(-2)?.charAt(0) ?? ""}${words.at(-1)?.charAt(0) ?? ""}`.toUpperCase();
  return svg(
    "svg",
    { viewBox: "0 0 200 150", class: "tile", "aria-hidden": "true" },
    svg("rect", { width: 200, height: 150, fill: `hsl(${hue} 32% 88%)` }),
    svg("circle", { cx: 30 + (seed % 140), cy: 20 + (seed % 90), r: 34 + (seed % 40), fill: `hsl(${(hue + 18) % 360} 36% 80%)` }),
    svg("circle", { cx: 170 - (seed % 130), cy: 120 - (seed % 50), r: 18 + (seed % 26), fill: `hsl(${(hue + 340) % 360} 34% 74%)` }),
    svg("text", { x: 100, y: 94, "text-anchor": "middle", "font-size": 52, "font-family": "Georgia, serif", fill: `hsl(${hue} 40% 30%)` }, letters),
  );
}

export function picture(product) {
  return product.imagePath === null ? tile(product) : h("img.tile", { src: product.imagePath, alt: "", loading: "lazy" });
}

/** Runs the page of the hash, and again when it changes. A page that was left while it loaded shows nothing. */
export function route(pages, fallback) {
  let latest = 0;
  const go = async () => {
    const [, name = "", ...rest] = location.hash.slice(1).split("/");
    const page = pages[name] ?? fallback;
    const mine = ++latest;
    const isCurrent = () => mine === latest;
    for (const link of document.querySelectorAll(".links a")) {
      if (link.getAttribute("href") === `#/${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    try {
      await page({ parts: rest.map(decodeURIComponent), isCurrent });
    } catch (error) {
      if (!isCurrent() || error.name === "AbortError") return;
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) {
        if (hasSignInPage) show(signInFirst("Your session is over."));
        else await signOut().then(changed);
      } else show(h("section.empty", {}, h("h1", {}, error.status === 403 ? "Not for you" : error.status === 404 ? "Not found" : "Something went wrong"), h("p", {}, sentence(error.message))));
    }
  };
  addEventListener("hashchange", () => {
    scrollTo(0, 0);
    void go();
  });
  void go();
  return go;
}
