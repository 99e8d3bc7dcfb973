/** The composition root: configuration, the standard parts, start and stop. Services in tests come in by `testing.ts`. */
export { type Config, ConfigError, type ConfigLayer, type ConfigLine, parseConfig } from "./config.ts";
export { type ExportConfig, toExporterSettings } from "./export-settings.ts";
export { joinOpenTelemetry } from "./join-open-telemetry.ts";
export { openApp, type OpenApp, type OpenAppOptions } from "./open-app.ts";
export { type MigrateWhen, needsData, openData, openDatabase, type OpenedData } from "./open-data.ts";
export { serviceMigrations } from "./service-migrations.ts";
export { parseServiceConfigs, type ServiceConfigs } from "./service-config.ts";
export { startApp, type StartedApp, type StartOptions } from "./start-app.ts";
export { AppPrivacy, type AppPrivacyOptions } from "./service-privacy.ts";
export { asyncApiOf, openApiOf } from "./standard-pages.ts";
export { systemClock } from "./system.ts";
