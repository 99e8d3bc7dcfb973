/** The bearer token: kept for this tab alone, and gone with it. */
import { button, h, icon, pairs, replace, storedIn } from "./dom.js";

const store = storedIn("sessionStorage", "tenon-docs-token");

export const bearer = { token: "", claims: undefined };

/** @param onChange  Called whenever the token is another one. */
export function tokenView(onChange) {
  const input = h("input", { type: "password", autocomplete: "off", placeholder: "eyJhbGciOi…", "aria-label": "Bearer token", oninput: () => set(input.value) });
  const about = h("div");
  const summary = h("summary");
  const set = (text) => {
    bearer.token = text.trim().replace(/^Bearer\s+/i, "");
    bearer.claims = claimsOf(bearer.token);
    store.write(bearer.token);
    replace(summary, icon("key"), h("span", bearer.token && (bearer.claims?.sub ?? "Token set") || "Token"));
    summary.classList.toggle("is-set", bearer.token !== "");
    replace(about, bearer.token && claimsView(bearer.claims));
    onChange();
  };
  set((input.value = store.read()));
  const forget = button("", () => set((input.value = "")), "Forget");
  const details = h("details.token", summary, h("div.pop", h("p.quiet", "Sent with every call from this page. It stays in this tab."), h("form.beside", { onsubmit: (event) => event.preventDefault() }, input, forget), about));
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    details.open = false;
    summary.focus();
  });
  addEventListener("click", (event) => (details.open &&= event.composedPath().includes(details)));
  return details;
}

/** What the token says of itself. Only for showing: whether it is genuine is the service's to decide. */
function claimsOf(token) {
  try {
    const payload = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(payload, (char) => char.charCodeAt(0))));
  } catch {
    return undefined;
  }
}

function claimsView(claims) {
  if (!claims) return h("p.quiet", "Not a JSON Web Token; it is sent as it is.");
  const endMs = claims.exp * 1_000;
  const rows = { subject: claims.sub, scopes: scopesOf(claims).join(" "), roles: [claims.roles].flat().join(" "), until: endMs > 0 && new Date(endMs).toLocaleString() };
  return [pairs(Object.entries(rows)), endMs < Date.now() && h("p.note.warn", "This token has expired.")];
}

function scopesOf({ scope = "", scp = [] }) {
  return [...scope.split(" "), ...[scp].flat()];
}

/** Whether the token claims a scope or a role; `undefined` where there is no telling. */
export function holds(claim, name) {
  const { claims } = bearer;
  return claims && (claim === "role" ? [claims.roles].flat() : scopesOf(claims)).includes(name);
}
