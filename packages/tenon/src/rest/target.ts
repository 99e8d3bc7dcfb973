/**
 * Takes a request target apart (RFC 9112 section 3.2). Whoever looks at a target looks at what comes out here: two
 * readers who disagree about a path are how guards are passed by.
 */
import { Fault } from "../kernel/index.ts";
import { targetMaxChars } from "./limits.ts";

export interface Target {
  /** Starts with `/`, still percent-encoded; `*` of `OPTIONS *`. */
  readonly path: string;
  /** What follows the first `?`; `""` where nothing does. */
  readonly query: string;
  /** Of the absolute form, `http://authority/path`, which proxies are sent. It counts instead of the Host header. */
  readonly authority: string | undefined;
}

/** @throws {Fault} `uri_too_long` or `invalid_argument` */
export function parseTarget(method: string, target: string): Target {
  if (target.length > targetMaxChars) throw new Fault("uri_too_long", `the URL is longer than ${targetMaxChars} characters`);
  // A fragment is never sent. Where one is, one reader would see it as a part of the path and the next one would not.
  if (target.includes("#")) throw new Fault("invalid_argument", 'the URL has a "#" in it: write %23');
  if (target.charCodeAt(0) === slash) return split(target, undefined);
  if (target === "*" && method === "OPTIONS") return { path: "*", query: "", authority: undefined };
  const absolute = /^https?:\/\/([^/?]+)([/?].*)?$/i.exec(target);
  if (absolute === null) throw new Fault("invalid_argument", "the target of the request is neither a path nor a URL");
  const [, authority, rest = "/"] = absolute;
  return split(rest.startsWith("/") ? rest : `/${rest}`, authority);
}

const slash = 0x2f;

function split(target: string, authority: string | undefined): Target {
  const mark = target.indexOf("?");
  return mark < 0 ? { path: target, query: "", authority } : { path: target.slice(0, mark), query: target.slice(mark + 1), authority };
}

/**
 * @param text  `host` or `host:port`, as in a Host header.
 * @throws {Fault} `invalid_argument`
 */
export function assertAuthority(text: string): void {
  if (/^(?:[\w.~!$&'()*+;=%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/.test(text) || text === "") return;
  throw new Fault("invalid_argument", "the Host header is not the name of a host");
}
