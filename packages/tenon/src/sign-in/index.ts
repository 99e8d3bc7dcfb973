/** Browsers that sign in: the pages, the sessions, and where these are kept. */
export { openDatabaseSessions } from "./database-sessions.ts";
export { memorySessions } from "./memory-sessions.ts";
export { signInPages, signInPath, type SignInOptions } from "./pages.ts";
export type { SessionStore, StoredSession } from "./ports.ts";
export { RelyingParty, type RelyingPartyOptions, type SignedIn } from "./relying-party.ts";
export { sessionCookie } from "./session-cookie.ts";
export { Sessions, type SessionsOptions } from "./sessions.ts";
