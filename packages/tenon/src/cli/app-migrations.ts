/** The migration files of an app's services. */
import type { ServiceMigrations } from "../data/index.ts";
import type { App } from "../service/index.ts";

/** @throws {MigrationError} a directory that cannot be read, or a file that is named wrong. */
export async function readAppMigrations(app: App): Promise<readonly ServiceMigrations[]> {
  const { readMigrations } = await import("../data/index.ts");
  const found: ServiceMigrations[] = [];
  for (const { migrations, name } of app.services) {
    if (migrations !== undefined) found.push({ service: name, migrations: await readMigrations(migrations) });
  }
  return found;
}
