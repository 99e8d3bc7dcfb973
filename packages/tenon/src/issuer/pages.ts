/** The pages of the embedded issuer: HTML without any script, which works with a keyboard, a reader of screens and no style. */
import { createHash } from "node:crypto";

const style = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { margin: 0; display: grid; place-items: center; min-height: 100vh }
main { width: min(22rem, 90vw) }
h1 { font-size: 1.4rem }
label { display: block; margin-top: 1rem }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; margin-top: .25rem }
button { font: inherit; margin-top: 1.25rem; padding: .5rem 1.25rem }
.problem { border-inline-start: .25rem solid #c00; padding-inline-start: .75rem }
.note { opacity: .8; font-size: .9rem }
`;

/** No script, no other host, in no frame. Forms may be sent on: a sign-in ends at the app, which is another origin. */
export const pagePolicy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; base-uri 'none'; frame-ancestors 'none'`;

export interface SignInPage {
  /** Where the form goes. */
  readonly action: string;
  /** The program that asks. */
  readonly client: string;
  readonly names: readonly string[];
  readonly hasPasswords: boolean;
  /** What was typed before, and was wrong. */
  readonly wrongName?: string;
}

export function signInPage({ action, client, hasPasswords, names, wrongName }: SignInPage): string {
  const problem = wrongName === undefined ? "" : `<p class="problem" role="alert" id="problem">Name or password is wrong.</p>`;
  const described = wrongName === undefined ? "" : ' aria-describedby="problem" aria-invalid="true"';
  return page("Sign in", `
    <h1>Sign in to ${text(client)}</h1>
    ${problem}
    <form method="post" action="${text(action)}">
      <label>Name <input name="name" autocomplete="username" list="names" required autofocus value="${text(wrongName ?? "")}"${described}></label>
      <datalist id="names">${names.map((name) => `<option value="${text(name)}">`).join("")}</datalist>
      ${hasPasswords ? '<label>Password <input name="password" type="password" autocomplete="current-password"></label>' : ""}
      <button type="submit">Sign in</button>
    </form>
    <p class="note">This issuer is for development. Its people stand in a file: ${names.map(text).join(", ")}.</p>`);
}

/** @param form  The library's own, whose id is `op.logoutForm`. */
export function signOutPage(form: string): string {
  return page("Sign out", `
    <h1>Sign out?</h1>
    ${form}
    <button type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
    <button type="submit" form="op.logoutForm">Stay signed in</button>`);
}

export function signedOutPage(): string {
  return page("Signed out", "<h1>You are signed out</h1>");
}

export function problemPage(error: string, description: string): string {
  return page("Something is wrong", `<h1>That did not work</h1><p>${text(description)}</p><p class="note">${text(error)}</p>`);
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${style}</style></head>
<body><main>${body}
</main></body>
</html>
`;
}

function text(value: string): string {
  return value.replaceAll(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
