/** The composition root: configuration, the standard parts, start and stop; and services in tests. */
export { type Config, ConfigError, type ConfigLayer, type ConfigLine, parseConfig } from "./config.ts";
export { openApp, type OpenApp, type OpenAppOptions } from "./open-app.ts";
export { type MigrateWhen, needsData, openData, openDatabase, type OpenedData } from "./open-data.ts";
export { openTriggers, type OpenedTriggers } from "./open-triggers.ts";
export { consumersOf, type NamedConsumer } from "./consumers-of.ts";
export { routesOf } from "./open-events.ts";
export { openTrial, type TrialOptions, type TryEvents } from "./open-trial.ts";
export { serviceMigrations } from "./service-migrations.ts";
export { parseServiceConfigs, type ServiceConfigs } from "./service-config.ts";
export { startApp, type StartedApp, type StartOptions } from "./start-app.ts";
export { asyncApiOf, openApiOf } from "./standard-pages.ts";
export { systemClock } from "./system.ts";
export type { TestAnswer } from "./test-post.ts";
export { advance, call, fake, type Fake, fire, type FireOptions, post, settled, test, type TestCaller, type TestCallOptions, type Tested, type TestOptions, type TestWebhook } from "./test-app.ts";
