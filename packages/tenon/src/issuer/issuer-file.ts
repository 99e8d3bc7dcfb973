/**
 * Who can sign in at the embedded issuer, and which programs may ask it for tokens: a file of JSON beside the app.
 *
 * It is for development and tests. Passwords and secrets stand in it as they are; it is not a place for real ones.
 */
import { readFile } from "node:fs/promises";

export interface IssuerPerson {
  /** What is typed to sign in. */
  readonly name: string;
  /** Left out: the name alone is enough. */
  readonly password?: string;
  /** `sub`. Default: the name. */
  readonly subject: string;
  readonly roles: readonly string[];
  /** What a token of this person may carry, of what was asked for. */
  readonly scopes: readonly string[];
  /** Further claims, in access tokens and identity tokens. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface IssuerClient {
  readonly id: string;
  /** Left out: a public client, such as an app in a browser. It cannot act for itself. */
  readonly secret?: string;
  /** Where people come back to. Empty: nobody signs in by this client. */
  readonly redirectUris: readonly string[];
  readonly signedOutUris: readonly string[];
  /** What its tokens may carry, when it acts for itself and when it acts for somebody. */
  readonly scopes: readonly string[];
  /** Claims of its tokens when it acts for itself. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** `opaque`: its tokens say nothing, and have to be asked about (RFC 7662). Default `jwt`. */
  readonly tokens: "jwt" | "opaque";
  /** Its tokens are bound to a key of its own, and so it has to be by DPoP (RFC 9449). */
  readonly dpop: boolean;
}

export interface IssuerFile {
  /** What the app is called in `aud`. */
  readonly audience: string;
  readonly people: readonly IssuerPerson[];
  readonly clients: readonly IssuerClient[];
  /** How long an access token is good, in seconds. Default 600. */
  readonly tokenLifeS: number;
}

/** The file cannot be used. The message names it, with everything that is wrong. */
export class IssuerFileError extends Error {
  override readonly name = "IssuerFileError";
}

/** @throws {IssuerFileError} */
export async function readIssuerFile(path: string): Promise<IssuerFile> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new IssuerFileError(`the issuer's file ${path} cannot be read`, { cause });
  }
  return parseIssuerFile(text, path);
}

/** @throws {IssuerFileError} */
export function parseIssuerFile(text: string, path: string): IssuerFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new IssuerFileError(`the issuer's file ${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const problems: string[] = [];
  const file = new Fields(value, "the file", problems);
  const people = file.list("people").map((each, at) => person(new Fields(each, `people[${at}]`, problems)));
  const clients = file.list("clients").map((each, at) => client(new Fields(each, `clients[${at}]`, problems)));
  for (const [what, names] of [["people", people.map(({ name }) => name)], ["clients", clients.map(({ id }) => id)]] as const) {
    const twice = names.filter((name, at) => names.indexOf(name) !== at);
    if (twice.length > 0) problems.push(`${what}: ${twice.join(", ")} stands there twice`);
  }
  const parsed = { audience: file.text("audience", "tenon"), tokenLifeS: file.number("tokenLifeS", 600), people, clients };
  file.refuseOthers();
  if (problems.length > 0) throw new IssuerFileError(`the issuer's file ${path} cannot be used:\n${problems.map((each) => `  ${each}`).join("\n")}`);
  return parsed;
}

function person(fields: Fields): IssuerPerson {
  const name = fields.text("name");
  const password = fields.text("password", "");
  const parsed = { name, subject: fields.text("subject", name), roles: fields.texts("roles"), scopes: fields.texts("scopes"), claims: fields.record("claims"), ...(password === "" ? {} : { password }) };
  fields.refuseOthers();
  return parsed;
}

function client(fields: Fields): IssuerClient {
  const secret = fields.text("secret", "");
  const tokens = fields.text("tokens", "jwt");
  if (tokens !== "jwt" && tokens !== "opaque") fields.problem('tokens: has to be "jwt" or "opaque"');
  const parsed = {
    id: fields.text("id"),
    redirectUris: fields.texts("redirectUris"),
    signedOutUris: fields.texts("signedOutUris"),
    scopes: fields.texts("scopes"),
    claims: fields.record("claims"),
    tokens: tokens === "opaque" ? ("opaque" as const) : ("jwt" as const),
    dpop: fields.flag("dpop"),
    ...(secret === "" ? {} : { secret }),
  };
  if (secret === "" && parsed.redirectUris.length === 0) fields.problem("has neither a secret nor redirectUris: nobody could get a token by it");
  fields.refuseOthers();
  return parsed;
}

/** Fields of one object, each asked for once; what is wrong is gathered. */
class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #where: string;
  readonly #problems: string[];
  readonly #asked = new Set<string>();

  constructor(value: unknown, where: string, problems: string[]) {
    const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
    if (!isObject) problems.push(`${where}: has to be an object`);
    this.#values = isObject ? (value as Readonly<Record<string, unknown>>) : {};
    this.#where = where;
    this.#problems = problems;
  }

  problem(text: string): void {
    this.#problems.push(`${this.#where}: ${text}`);
  }

  text(name: string, fallback?: string): string {
    const value = this.#get(name);
    if (typeof value === "string" && value !== "") return value;
    if (value !== undefined || fallback === undefined) this.problem(`${name}: has to be a text`);
    return fallback ?? "";
  }

  texts(name: string): readonly string[] {
    const list = this.list(name);
    if (!list.every((each) => typeof each === "string" && each !== "")) this.problem(`${name}: has to be a list of texts`);
    return list.filter((each) => typeof each === "string");
  }

  list(name: string): readonly unknown[] {
    const value = this.#get(name) ?? [];
    if (Array.isArray(value)) return value;
    this.problem(`${name}: has to be a list`);
    return [];
  }

  number(name: string, fallback: number): number {
    const value = this.#get(name) ?? fallback;
    if (typeof value === "number" && value > 0) return value;
    this.problem(`${name}: has to be a number above 0`);
    return fallback;
  }

  flag(name: string): boolean {
    const value = this.#get(name) ?? false;
    if (typeof value !== "boolean") this.problem(`${name}: has to be true or false`);
    return value === true;
  }

  record(name: string): Readonly<Record<string, unknown>> {
    const value = this.#get(name) ?? {};
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
    this.problem(`${name}: has to be an object`);
    return {};
  }

  /** A name that nobody asked for is a slip of the pen. */
  refuseOthers(): void {
    const others = Object.keys(this.#values).filter((name) => !this.#asked.has(name));
    if (others.length > 0) this.problem(`${others.join(", ")} is not known here: there are ${[...this.#asked].join(", ")}`);
  }

  #get(name: string): unknown {
    this.#asked.add(name);
    return this.#values[name];
  }
}
