/** What `tenon dev` and the process that runs the app say to each other. */

/** To the app's process, in this order. */
export type Order =
  /** Get ready for an app with an embedded database. For a process that waits. */
  | { readonly kind: "warm" }
  /** Import the app and report. Nothing of it is opened yet, so the process before may still be closing. */
  | { readonly kind: "load"; readonly file: string }
  /**
   * Open and listen. Sent when the process before is gone: the embedded database has one owner at a time. `unlikely`:
   * the database was up to date a moment ago, and what was saved since is no migration. `settings` count where the app has
   * none of its own.
   */
  | { readonly kind: "open"; readonly migrations: "likely" | "unlikely"; readonly settings: Readonly<Record<string, string>> }
  /** Close everything and end. */
  | { readonly kind: "stop" };

/** From the app's process. */
export type Report =
  /** Further files that were imported; of packages too, for they may be linked and edited. */
  | { readonly kind: "files"; readonly files: readonly string[] }
  | { readonly kind: "loaded" }
  | { readonly kind: "ready"; readonly app: string; readonly url: string; readonly services: number; readonly database: "embedded" | "other" }
  | { readonly kind: "failed"; readonly problem: ReportedProblem };

/** A problem as it crosses the border between two processes. */
export interface ReportedProblem {
  readonly message: string;
  readonly remedy?: string;
  readonly excerpt: readonly string[];
  readonly stack?: string;
}
