/** `tenon describe`: what the app's contracts promise. */
import { type AccessDescription, type ContractDescription, type EventDescription, isRelation, type OperationDescription } from "../../contract/index.ts";
import { formatDuration } from "../../kernel/index.ts";
import { enterApp } from "../app-location.ts";
import { alignColumns } from "../columns.ts";
import { appOperand, type CommandSpec } from "../command.ts";
import { loadApp } from "../load-app.ts";
import { countOf } from "../plural.ts";
import { CommandProblem } from "../problem.ts";
import type { Terminal } from "../terminal.ts";

interface DescribeOptions {
  readonly openapi?: true;
  readonly asyncapi?: true;
}

export const describeCommand: CommandSpec<DescribeOptions> = {
  name: "describe",
  operands: appOperand,
  summary: "print what the app's contracts promise",
  description: "Prints every operation and event of the app: its route, who may call it, its deadline. Nothing is opened or started.",
  options: [
    { flags: "--openapi", about: "the OpenAPI 3.1 document that /openapi.json answers with" },
    { flags: "--asyncapi", about: "the AsyncAPI 3 document that /asyncapi.json answers with" },
  ],
  examples: [
    ["tenon describe", "a table"],
    ["tenon describe --json", "the whole contracts, with their JSON Schemas"],
    ["tenon describe --openapi > openapi.json", "for tools that read OpenAPI"],
    ["tenon describe --asyncapi > asyncapi.json", "the events, for tools that read AsyncAPI"],
  ],
  async run({ operands, options, terminal }) {
    if (options.openapi === true && options.asyncapi === true) {
      throw new CommandProblem("--openapi and --asyncapi are two documents", { remedy: "ask for one of them", exitCode: 2 });
    }
    const app = await loadApp(enterApp(operands[0]).file);
    if (options.openapi === true || options.asyncapi === true) {
      const { asyncApiOf, openApiOf } = await import("../../app/index.ts");
      const document = await (options.openapi === true ? openApiOf(app) : asyncApiOf(app));
      return { text: JSON.stringify(document, undefined, 2), data: document };
    }
    const { describe } = await import("../../contract/index.ts");
    const contracts = app.services.map((service) => describe(service.contract));
    return { text: [headOf(app.name, contracts), ...contracts.map((each) => toText(each, terminal))].join("\n\n"), data: { app: app.name, contracts } };
  },
};

function headOf(name: string, contracts: readonly ContractDescription[]): string {
  const operations = contracts.reduce((sum, contract) => sum + contract.operations.length, 0);
  return `${name}: ${countOf(contracts.length, "service")}, ${countOf(operations, "operation")}`;
}

function toText(contract: ContractDescription, terminal: Terminal): string {
  const title = `${terminal.style("bold", contract.name)} ${terminal.style("dim", contract.version)}`;
  const rows = [...contract.operations.map((operation) => toRow(operation, terminal)), ...contract.events.map((event) => toEventRow(event, terminal))];
  return [contract.description === undefined ? title : `${title}  ${contract.description}`, ...(rows.length === 0 ? [] : [alignColumns(rows, "  ")])].join("\n");
}

function toRow(operation: OperationDescription, terminal: Terminal): readonly string[] {
  const { http } = operation;
  const route = http === undefined ? terminal.style("dim", "(between services)") : `${http.method.padEnd(6)} ${http.path}`;
  return [operation.name, operation.kind, route, accessText(operation.access), `within ${formatDuration(operation.deadlineMs)}`, deprecationText(operation, terminal)];
}

function deprecationText({ deprecated }: OperationDescription | EventDescription, terminal: Terminal): string {
  return deprecated === undefined ? "" : terminal.style("yellow", `deprecated since ${deprecated.since}`);
}

function toEventRow(event: EventDescription, terminal: Terminal): readonly string[] {
  const order = event.key === undefined ? "" : terminal.style("dim", `ordered by ${event.key}`);
  return [event.name, "event", order, event.version === undefined ? "" : `version ${event.version}`, "", deprecationText(event, terminal)];
}

/** Who may call, as a person says it. */
export function accessText(access: AccessDescription): string {
  if (access === "public") return "anybody";
  if (access === "signed-in") return "signed in";
  if ("scope" in access) return `scope ${access.scope}`;
  if ("role" in access) return `role ${access.role}`;
  if ("calledBy" in access) return `called by ${access.calledBy.join(", ")}`;
  if ("predicate" in access) return access.predicate;
  if (isRelation(access)) return access.relation;
  const [rules, word] = "allOf" in access ? [access.allOf, " and "] : [access.anyOf, " or "];
  return rules.map((rule) => (typeof rule === "object" && ("allOf" in rule || "anyOf" in rule) ? `(${accessText(rule)})` : accessText(rule))).join(word);
}
