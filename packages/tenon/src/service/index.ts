/** What a team writes besides contracts: services, apps, mounts. Plain values; nothing here runs or opens anything. */
export { app, type App, type AppOptions } from "./app.ts";
export { type FetchHandler, mount, type Mount } from "./mount.ts";
export type { NoConfig, NoTables, Tables } from "./own-parts.ts";
export {
  type BatchContext,
  type BatchOptions,
  type DeliveryOptions,
  type Emit,
  type EventContext,
  type EventInfo,
  type On,
  type ReactionContext,
  reactions,
  type Reactions,
  type Subscription,
} from "./reactions.ts";
export {
  type AnyHandler,
  type CommandContext,
  type Fail,
  type HandlerContext,
  type HandlerOf,
  type Handlers,
  type QueryContext,
  type SeedContext,
  service,
  type Service,
  type ServiceOptions,
} from "./service.ts";
