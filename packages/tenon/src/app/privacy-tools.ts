/** What operators need of encryption, loaded when they ask for it. */
import type { MasterKeys } from "../privacy/index.ts";
import type { App } from "../service/index.ts";
import type { Config } from "./config.ts";
import type { PrivacyOptions } from "./open-privacy.ts";
import { systemClock } from "./system.ts";
import type { OpenedSubjectDesk, SubjectDeskParts } from "./open-subject-desk.ts";

/** The desk at which the rights of persons are kept. @throws {ConfigError} there is no master key. */
export async function openSubjectDesk(app: App, parts: SubjectDeskParts): Promise<OpenedSubjectDesk> {
  const loaded = await import("./open-subject-desk.ts");
  return loaded.openSubjectDesk(app, parts);
}

/** Master keys as the configuration names them. @throws {ConfigError} */
export async function openMasterKeys(config: Config, more: Pick<PrivacyOptions, "vaultToken"> = {}): Promise<MasterKeys> {
  const { createRandomBytes, openMasters } = await import("./open-privacy.ts");
  return openMasters(config, { clock: systemClock, randomBytes: createRandomBytes(), ...more });
}
