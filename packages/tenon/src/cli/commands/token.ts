/** `tenon token`: a token of the local development issuer, for curl and for clients that are being written. */
import { type Duration, parseDuration } from "../../kernel/index.ts";
import { enterApp } from "../app-location.ts";
import { appOperand, type CommandSpec } from "../command.ts";
import { wholeLayers } from "../config-layers.ts";
import { CommandProblem } from "../problem.ts";
import type { Terminal } from "../terminal.ts";

interface TokenOptions {
  readonly sub?: string;
  readonly scope: readonly string[];
  readonly role: readonly string[];
  readonly claim: readonly string[];
  readonly expires?: string;
}

/** Long enough for a morning's work at a terminal, short enough to be forgotten safely. */
const defaultExpires: Duration = "1h";

export const tokenCommand: CommandSpec<TokenOptions> = {
  name: "token",
  operands: appOperand,
  summary: "print a token of the local development issuer",
  description: [
    "Prints a token that this app accepts while it is developed: signed with the key in its TENON_DIRECTORY.",
    "Whoever has the key can be anybody, so production takes tokens of a real issuer (OIDC_ISSUER) alone.",
  ].join(" "),
  options: [
    { flags: "--sub <subject>", about: 'who the caller is (required): "user-1"' },
    { flags: "--scope <scope>", about: 'a scope: "orders:write"; may be repeated', isRepeatable: true },
    { flags: "--role <role>", about: 'a role: "admin"; may be repeated', isRepeatable: true },
    { flags: "--claim <name=value>", about: "a further claim; a value that is JSON is taken as JSON; may be repeated", isRepeatable: true },
    { flags: "--expires <duration>", about: `how long it is good for: "15m", "1h", "30d" (default: "${defaultExpires}")` },
  ],
  examples: [
    ["tenon token --sub user-1 --scope orders:write", "may write orders for an hour"],
    ["tenon token --sub ann --role admin --expires 1d", "an admin for a day"],
    ['curl -H "authorization: Bearer $(tenon token --sub user-1)" localhost:3000/me', "calls with it at once"],
  ],
  async run({ operands, options, terminal }) {
    const asked = parseOptions(options);
    const location = enterApp(operands[0]);
    const { parseConfig, systemClock } = await import("../../app/index.ts");
    const { openDevelopmentIssuer } = await import("../../oidc/index.ts");
    const { config } = parseConfig(await wholeLayers(location.home));
    warnIfRefused(config, terminal);
    const issuer = await openDevelopmentIssuer({ directory: config.dataDirectory, clock: systemClock });
    const expiresAt = new Date(systemClock.nowMs() + asked.expiresInS * 1_000).toISOString();
    const token = await issuer.sign(asked);
    const { expiresInS, roles, scopes, subject } = asked;
    return { text: token, data: { token, subject, scopes, roles, issuer: issuer.issuer, audience: issuer.audience, expiresInS, expiresAt } };
  },
};

interface AskedToken {
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
  readonly expiresInS: number;
}

function parseOptions(options: TokenOptions): AskedToken {
  if (options.sub === undefined || options.sub === "") {
    throw new CommandProblem("a token needs a subject: who is calling?", { remedy: "tenon token --sub user-1", exitCode: 2 });
  }
  const expires = options.expires ?? defaultExpires;
  const expiresMs = parseDuration(expires);
  if (expiresMs === undefined || expiresMs < 1_000) {
    throw new CommandProblem(`--expires ${expires} is not a length of time`, { remedy: "a number and a unit, a second at least: 90s, 15m, 1h, 30d", exitCode: 2 });
  }
  return {
    subject: options.sub,
    scopes: options.scope.flatMap((scope) => scope.split(/[\s,]+/).filter((each) => each !== "")),
    roles: options.role.flatMap((role) => role.split(/[\s,]+/).filter((each) => each !== "")),
    claims: Object.fromEntries(options.claim.map(parseClaim)),
    expiresInS: Math.round(expiresMs / 1_000),
  };
}

function parseClaim(text: string): readonly [string, unknown] {
  const [, name, value = ""] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new CommandProblem(`--claim ${text} has no value`, { remedy: "--claim tenant=acme", exitCode: 2 });
  try {
    return [name, JSON.parse(value) as unknown];
  } catch {
    return [name, value]; // a plain text needs no quotes
  }
}

/** A token that will be refused is still printed: the settings may be those of this shell, and not of the app that runs. */
function warnIfRefused(config: { readonly mode: string; readonly oidcIssuer: string }, terminal: Terminal): void {
  if (config.oidcIssuer !== "") terminal.warn(`with OIDC_ISSUER=${config.oidcIssuer} this app takes that issuer's tokens, and refuses this one`);
  else if (config.mode === "production") terminal.warn("with TENON_MODE=production this app has no development issuer, and refuses this one");
}
