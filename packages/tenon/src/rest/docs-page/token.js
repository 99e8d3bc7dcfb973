/** The bearer token: kept for this tab alone, and gone with it. */
import { h, icon, replace } from "./dom.js";

const place = "tenon-docs-token";

export const tokenBox = { token: "", claims: undefined, view: tokenView };

function tokenView() {
  const input = h("input", { type: "password", value: "", autocomplete: "off", spellcheck: "false", placeholder: "eyJhbGciOi…", "aria-label": "Bearer token" });
  const about = h("div.claims");
  const summary = h("summary");
  const set = (text) => {
    tokenBox.token = text.trim().replace(/^Bearer\s+/i, "");
    tokenBox.claims = claimsOf(tokenBox.token);
    keep(tokenBox.token);
    replace(summary, icon("key"), h("span", tokenBox.token === "" ? "Token" : (tokenBox.claims?.sub ?? "Token set")));
    summary.classList.toggle("is-set", tokenBox.token !== "");
    replace(about, claimsView());
    dispatchEvent(new Event("tenon-token"));
  };
  input.addEventListener("input", () => set(input.value));
  input.value = kept();
  set(input.value);
  const clear = h("button", { type: "button", onclick: () => set((input.value = "")) }, "Forget");
  const details = h("details.token", summary, h("div.pop", h("p.quiet", "Sent with every call from this page. It stays in this tab."), h("div.beside", input, clear), about));
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    details.open = false;
    summary.focus();
  });
  addEventListener("click", (event) => {
    if (!details.contains(event.target)) details.open = false;
  });
  return details;
}

/** What the token says of itself. Only for showing: whether it is genuine is the service's to decide. */
function claimsOf(token) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (char) => char.charCodeAt(0))));
  } catch {
    return undefined;
  }
}

function claimsView() {
  const { claims, token } = tokenBox;
  if (token === "") return undefined;
  if (claims === undefined) return h("p.quiet", "Not a JSON Web Token; it is sent as it is.");
  const until = claims.exp === undefined ? "no end" : new Date(claims.exp * 1_000).toLocaleString();
  const rows = { subject: claims.sub, scopes: [claims.scope, claims.scp].flat().filter(Boolean).join(" "), roles: [claims.roles].flat().filter(Boolean).join(" "), "valid until": until };
  const isOver = claims.exp !== undefined && claims.exp * 1_000 < Date.now();
  return [h("dl", Object.entries(rows).filter(([, value]) => value).map(([name, value]) => [h("dt", name), h("dd", String(value))])), isOver ? h("p.note", "This token has expired.") : undefined];
}

/** Whether the token claims a scope or a role; `undefined` where there is no telling. */
export function holds(name, claim) {
  const { claims } = tokenBox;
  if (claims === undefined) return undefined;
  const all = claim === "role" ? [claims.roles].flat() : [claims.scope, claims.scp].flat().filter(Boolean).flatMap((text) => String(text).split(" "));
  return all.includes(name);
}

// Storage may be switched off; the token then lasts as long as the page.
function kept() {
  try {
    return sessionStorage.getItem(place) ?? "";
  } catch {
    return "";
  }
}

function keep(token) {
  try {
    if (token === "") sessionStorage.removeItem(place);
    else sessionStorage.setItem(place, token);
  } catch {
    // see above
  }
}
