/** The migration files of an app's services. */
import type { ServiceMigrations } from "../data/index.ts";
import { type App, hasData } from "../service/index.ts";

/** @throws {MigrationError} a directory that cannot be read, or a file that is named wrong. */
export async function readAppMigrations(app: App): Promise<readonly ServiceMigrations[]> {
  const { serviceMigrations } = await import("../app/index.ts");
  return Promise.all(app.services.filter(hasData).map(serviceMigrations));
}
