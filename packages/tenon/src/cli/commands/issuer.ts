/** `tenon issuer`: the embedded issuer as a process of its own. */
import type { Log, LogFields } from "../../kernel/index.ts";
import type { CommandSpec } from "../command.ts";
import { CommandProblem } from "../problem.ts";
import type { Terminal } from "../terminal.ts";

interface IssuerOptions {
  readonly port?: string;
  readonly file?: string;
  readonly directory?: string;
}

const defaultPort = "3100";
const defaultFile = "issuer.json";

export const issuerCommand: CommandSpec<IssuerOptions> = {
  name: "issuer",
  operands: "",
  summary: "run an issuer of tokens for development, with people and clients from a file",
  description: [
    "Runs an OpenID Connect issuer until it is stopped: sign-in with PKCE, refresh, client credentials, introspection, revocation, DPoP.",
    "It is for development and tests: passwords stand in its file, and who is signed in is forgotten when it ends.",
    "It needs a package: npm install --save-dev oidc-provider.",
  ].join(" "),
  options: [
    { flags: "--port <port>", about: `TCP port; 0 lets the system choose (default: ${defaultPort})` },
    { flags: "--file <path>", about: `people and clients (default: ${defaultFile})` },
    { flags: "--directory <path>", about: "where its key is kept (default: .tenon)" },
  ],
  examples: [
    ["tenon issuer", "the people of issuer.json can sign in at http://localhost:3100"],
    ["tenon issuer --port 9000 --file test/people.json", "others, elsewhere"],
  ],
  async run({ options, terminal }) {
    const port = /^\d{1,5}$/.test(options.port ?? defaultPort) ? Number(options.port ?? defaultPort) : Number.NaN;
    if (!(port <= 65_535)) throw new CommandProblem(`--port ${options.port} is not a TCP port`, { remedy: "a whole number from 0 to 65535", exitCode: 2 });
    const { EmbeddedIssuer, IssuerFileError, readIssuerFile } = await import("../../issuer/index.ts");
    const { openDevelopmentKey } = await import("../../oidc/index.ts");
    const path = options.file ?? defaultFile;
    const file = await readIssuerFile(path).catch((thrown: unknown) => {
      if (!(thrown instanceof IssuerFileError)) throw thrown;
      throw new CommandProblem(thrown.message, { remedy: 'the page about identity shows one: { "audience": "shop", "people": [{ "name": "alice" }], "clients": [] }', cause: thrown });
    });
    const { jwk } = await openDevelopmentKey(options.directory ?? ".tenon");
    const issuer = new EmbeddedIssuer({ file, jwk, port, log: logOf(terminal) });
    await issuer.start();
    const data = { issuer: issuer.issuer, discovery: `${issuer.issuer}/.well-known/openid-configuration`, audience: file.audience, people: file.people.map(({ name }) => name), clients: file.clients.map(({ id }) => id) };
    terminal.print(terminal.isJson ? JSON.stringify(data) : `The issuer is ${data.issuer}\n  tokens are for  ${data.audience}\n  people          ${data.people.join(", ") || "nobody"}\n  clients         ${data.clients.join(", ") || "none"}`);
    await new Promise((resolve) => process.once("SIGINT", resolve).once("SIGTERM", resolve));
    await issuer.stop();
    return undefined;
  },
};

/** What the issuer says goes to standard error. */
function logOf(terminal: Terminal): Log {
  const warn = (message: string, fields?: LogFields): void => {
    const { error } = fields ?? {};
    terminal.warn(error instanceof Error ? `${message}: ${error.message}` : message);
  };
  return { debug() {}, info() {}, warn, error: warn };
}
