/** `tenon access why`: why somebody would be let into an operation, or would not. */
import type { Caller, Operation } from "../../../contract/index.ts";
import type { App } from "../../../service/index.ts";
import type { AccessExplanation } from "../../../trust/index.ts";
import { enterApp } from "../../app-location.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { loadApp } from "../../load-app.ts";
import { nearest } from "../../nearest.ts";
import { CommandProblem } from "../../problem.ts";
import type { Terminal } from "../../terminal.ts";

interface WhyOptions {
  readonly app?: string;
  readonly as?: string;
  readonly scope: readonly string[];
  readonly role: readonly string[];
  readonly claims?: string;
  readonly from?: string;
  readonly input?: string;
  readonly related: readonly string[];
}

export const accessWhyCommand: CommandSpec<WhyOptions> = {
  name: "why",
  operands: "<operation>",
  summary: "explain what an operation's rule answers to somebody",
  description: [
    "Asks the operation's access rule as a call would, and shows what each part of it answers. No database is opened: a",
    "relation counts as one where --related names it. Ends with 1 when the call would be refused.",
  ].join(" "),
  options: [
    { flags: "--as <subject>", about: "who calls: the sub of a token, or what acts by itself, such as system:orders.checkout (default: nobody)" },
    { flags: "--scope <scope>", about: "a scope of the token", isRepeatable: true },
    { flags: "--role <role>", about: "a role of the token", isRepeatable: true },
    { flags: "--claims <json>", about: "further claims of the token, for predicates that look at them" },
    { flags: "--from <service>", about: "the service that makes the call" },
    { flags: "--input <json>", about: "the input, for predicates that look at it" },
    { flags: "--related <relation>", about: "a relation that holds, by its name in the rule", isRepeatable: true },
    appOption,
  ],
  examples: [
    ["tenon access why orders.refund --as user-1", "which right is missing"],
    ["tenon access why orders.get --as user-1 --related owner", "what is let in by a relation"],
    ["tenon access why orders.checkout --as user-1 --scope orders:write", "what a scope would change"],
  ],
  async run({ operands, options, terminal }) {
    const app = await loadApp(enterApp(options.app).file);
    const [{ explainAccess, grantedBy, missingFrom }, { relationsIn }] = await Promise.all([import("../../../trust/index.ts"), import("../../../contract/index.ts")]);
    const operation = await findOperation(app, operands[0] ?? "");
    const caller = await callerOf(app, options);
    const input = parseJson("--input", options.input);
    const known = relationsIn(operation.access);
    const unknown = options.related.filter((name) => !known.some(({ relation }) => relation === name));
    if (unknown.length > 0) throw new CommandProblem(`${operation.id} asks for no relation "${unknown.join('", "')}"`, { remedy: known.length === 0 ? "it asks for none at all" : `it asks for: ${known.map(({ relation }) => relation).join(", ")}`, exitCode: 2 });
    const relations = new Map(known.map((rule) => [rule, caller.subject !== "" && options.related.includes(rule.relation)]));
    const explanation = explainAccess(operation.access, { caller, input, from: options.from, relations });
    const isGranted = explanation.outcome === "granted";
    const verdict = isGranted ? `${terminal.style("green", "✓")} ${operation.id} lets in ${who(options)}: ${grantedBy(explanation)}` : `${terminal.style("red", "✗")} ${operation.id} refuses ${who(options)}: it needs ${missingFrom(explanation)}`;
    return { text: [verdict, ...treeOf(explanation, terminal, "  ")].join("\n"), data: { operation: operation.id, granted: isGranted, by: grantedBy(explanation), missing: missingFrom(explanation), rule: explanation }, exitCode: isGranted ? 0 : 1 };
  },
};

function who({ as, from }: WhyOptions): string {
  return `${as ?? "nobody in particular"}${from === undefined ? "" : `, called by ${from}`}`;
}

/** @throws {CommandProblem} */
async function findOperation(app: App, id: string): Promise<Operation> {
  const { operationsOf } = await import("../../../contract/index.ts");
  const operations = app.services.flatMap(({ contract }) => operationsOf(contract));
  const found = operations.find((operation) => operation.id === id);
  if (found !== undefined) return found;
  const near = nearest(id, operations.map((operation) => operation.id));
  throw new CommandProblem(`there is no operation ${id}`, { remedy: near === undefined ? "tenon access lists them" : `did you mean ${near}?`, exitCode: 2 });
}

async function callerOf(app: App, { as, claims, role, scope }: WhyOptions): Promise<Caller> {
  const [{ anonymous }, { systemCaller }, { principalsOf }] = await Promise.all([import("../../../contract/index.ts"), import("../../../trust/index.ts"), import("../../../service/index.ts")]);
  if (as === undefined) {
    if (scope.length + role.length > 0 || claims !== undefined) throw new CommandProblem("scopes, roles and claims are somebody's", { remedy: "say whose: --as user-1", exitCode: 2 });
    return anonymous;
  }
  if (as.startsWith("system:")) {
    const id = as.slice("system:".length);
    const service = app.services.find((each) => principalsOf(each).slice(1).includes(id));
    if (service === undefined) throw new CommandProblem(`nothing in the app acts as ${as}`, { remedy: "tenon access lists what acts by itself", exitCode: 2 });
    return systemCaller(service.name, id.slice(service.name.length + 1), app.grants);
  }
  const given = parseJson("--claims", claims) ?? {};
  if (typeof given !== "object" || Array.isArray(given)) throw new CommandProblem("--claims is not an object", { remedy: `--claims '{"tenant":"acme"}'`, exitCode: 2 });
  return { kind: "person", subject: as, issuer: "", scopes: new Set(scope), roles: new Set(role), claims: { sub: as, ...given } };
}

/** @throws {CommandProblem} */
function parseJson(option: string, text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandProblem(`${option} is not JSON: ${(cause as Error).message}`, { remedy: `${option} '{"id":"1"}'`, exitCode: 2 });
  }
}

function treeOf({ kind, name, outcome, parts }: AccessExplanation, terminal: Terminal, indent: string): readonly string[] {
  const sign = { granted: terminal.style("green", "✓"), denied: terminal.style("red", "✗"), "not asked": terminal.style("dim", "·") }[outcome];
  const words = { allOf: "all of", anyOf: "any of", calledBy: "called by a service that may", "signed-in": "signed in", public: "anybody" } as const;
  const text = kind in words ? words[kind as keyof typeof words] : `${kind} ${name}`;
  return [`${indent}${sign} ${text}${outcome === "not asked" ? terminal.style("dim", " (not asked)") : ""}`, ...parts.flatMap((part) => treeOf(part, terminal, `${indent}  `))];
}
