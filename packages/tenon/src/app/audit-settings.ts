/** The settings of the audit trail. */
import { anyText, list, oneOf, type SettingsOf } from "./setting.ts";

export interface AuditConfig {
  /** `classified`: services whose contract or tables have data classes; `all`: every service with tables. */
  readonly audit: "classified" | "all" | "off";
  readonly auditKeyFile: string;
  readonly auditOlderKeyFiles: readonly string[];
  readonly auditAnchorFile: string;
}

export const auditSettings: SettingsOf<AuditConfig> = {
  audit: {
    env: "AUDIT",
    about: "whose calls are put on record: classified: services whose contract or tables have data classes; all: every service with tables; off",
    fallback: "classified",
    parse: oneOf("classified", "all", "off"),
  },
  auditKeyFile: {
    env: "AUDIT_KEY_FILE",
    about: "a private Ed25519 key (PEM) that signs checkpoints of the audit trail; empty: one in TENON_DIRECTORY in development, none in production",
    fallback: "",
    parse: anyText,
  },
  auditOlderKeyFiles: {
    env: "AUDIT_OLDER_KEY_FILES",
    about: "keys from before AUDIT_KEY_FILE was changed, with commas between: what they signed stays valid",
    fallback: [],
    parse: list,
  },
  auditAnchorFile: {
    env: "AUDIT_ANCHOR_FILE",
    about: "a file, out of the reach of who administers the database, to which checkpoints are added; empty: one in TENON_DIRECTORY in development, none in production",
    fallback: "",
    parse: anyText,
  },
};
