/**
 * What a team writes with: contracts, tables, services, apps. Safe to import anywhere, a browser included; nothing
 * here opens, registers or runs anything.
 */
export {
  type AccessQuestion,
  type AccessRule,
  type AnyContract,
  bytes,
  type Bytes,
  calledBy,
  type Caller,
  command,
  contract,
  type Contract,
  type ContractDescription,
  ContractMistakes,
  type DataClass,
  describe,
  type ErrorSpec,
  event,
  type InputOf,
  type Operation,
  type OperationDescription,
  outcome,
  type OutputOf,
  personal,
  query,
  role,
  type Schema,
  scope,
  secret,
  sensitive,
  stream,
  table,
  type Table,
} from "./contract/index.ts";
export type { Db } from "./data/index.ts";
export { DeclaredFault, type Duration, Fault, type FaultCode, faultTable, type Log } from "./kernel/index.ts";
export {
  app,
  type App,
  type CommandContext,
  type FetchHandler,
  type HandlerContext,
  mount,
  type QueryContext,
  type SeedContext,
  service,
  type Service,
} from "./service/index.ts";
