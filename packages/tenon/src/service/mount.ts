/** Any handler of the web's own shape, `(request: Request) => Response`, under a path of its own. */

/** https://fetch.spec.whatwg.org: what Hono, Yoga, Better Auth and many others export. */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

export interface Mount {
  /** `/graphql` answers `/graphql` and everything below; `/` whatever no operation answers. */
  readonly path: string;
  readonly handler: FetchHandler;
}

/**
 * Mounts a handler in an app. It gets the request as it came; access rules, limits and records of operations do not
 * apply to it.
 *
 * @param path  Starts with `/`, without a slash at the end (but for `/` itself).
 */
export function mount(path: `/${string}`, handler: FetchHandler): Mount {
  return { path: path.length > 1 ? path.replace(/\/+$/, "") : path, handler };
}
