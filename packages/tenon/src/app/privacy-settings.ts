/** Settings of encryption: the master key, and how long plain values are put up with. */
import { anyText, oneOf, type SettingsOf, SettingProblem, webUrl } from "./setting.ts";

export interface PrivacyConfig {
  /** 32 bytes in base64; empty where there is none. */
  readonly masterKey: string;
  readonly masterKeyFile: string;
  readonly masterKeyOld: string;
  readonly masterKeyOldFile: string;
  readonly plainValues: "accepted" | "refused";
  /** Who holds the master key. */
  readonly keyWrapper: "local" | "vault" | "kms";
  readonly vaultKey: string;
  readonly kmsKey: string;
  readonly kmsRegion: string;
  readonly kmsEndpoint: string;
  readonly awsAccessKeyId: string;
  readonly awsSecretAccessKey: string;
  readonly awsSessionToken: string;
}

/** In the order in which `tenon config` shows them. */
export const privacySettings: SettingsOf<PrivacyConfig> = {
  masterKey: {
    env: "PRIVACY_MASTER_KEY",
    about: "32 bytes in base64: wraps the keys that personal data is encrypted with; empty is a file in TENON_DIRECTORY, in development alone",
    fallback: "",
    isSecret: true,
    parse: masterKey,
  },
  masterKeyFile: { env: "PRIVACY_MASTER_KEY_FILE", about: "a file with the master key in base64, instead of PRIVACY_MASTER_KEY", fallback: "", parse: anyText },
  masterKeyOld: {
    env: "PRIVACY_MASTER_KEY_OLD",
    about: "the master key from before, while `tenon privacy rotate-master` runs",
    fallback: "",
    isSecret: true,
    parse: masterKey,
  },
  masterKeyOldFile: { env: "PRIVACY_MASTER_KEY_OLD_FILE", about: "a file with the master key from before", fallback: "", parse: anyText },
  plainValues: {
    env: "PRIVACY_PLAIN_VALUES",
    about: "accepted: encrypted columns may hold values from before, until `tenon privacy encrypt` has been through; refused: such a value is an error",
    fallback: "refused",
    parse: oneOf("accepted", "refused"),
  },
  keyWrapper: { env: "PRIVACY_KEY_WRAPPER", about: "who holds the master key: local, this app's settings; vault, Vault's transit engine; kms, AWS KMS", fallback: "local", parse: oneOf("local", "vault", "kms") },
  vaultKey: { env: "PRIVACY_VAULT_KEY", about: "mount and name of the key in Vault's transit engine: transit/shop", fallback: "", isQuiet: true, parse: transitKey },
  kmsKey: { env: "PRIVACY_KMS_KEY", about: "identifier, ARN or alias of the key in AWS KMS", fallback: "", isQuiet: true, parse: anyText },
  kmsRegion: { env: "AWS_REGION", about: "the region of AWS KMS; empty is the one in the ARN", fallback: "", isQuiet: true, parse: anyText },
  kmsEndpoint: { env: "PRIVACY_KMS_ENDPOINT", about: "where AWS KMS is, for an endpoint of one's own; empty is the public one of the region", fallback: "", isQuiet: true, parse: webUrl },
  awsAccessKeyId: { env: "AWS_ACCESS_KEY_ID", about: "what AWS knows this app by", fallback: "", isQuiet: true, parse: anyText },
  awsSecretAccessKey: { env: "AWS_SECRET_ACCESS_KEY", about: "the secret that goes with AWS_ACCESS_KEY_ID", fallback: "", isSecret: true, isQuiet: true, parse: anyText },
  awsSessionToken: { env: "AWS_SESSION_TOKEN", about: "the token that goes with temporary access keys", fallback: "", isSecret: true, isQuiet: true, parse: anyText },
};

function transitKey(text: string): string {
  if (text === "" || /^[^/\s]+(\/[^/\s]+)+$/.test(text)) return text;
  throw new SettingProblem("must be mount and name of a key, such as transit/shop");
}

/** The region of AWS KMS: what is said, or what stands in the ARN. */
export function kmsRegionOf({ kmsKey, kmsRegion }: PrivacyConfig): string {
  return kmsRegion === "" ? (/^arn:[^:]+:kms:([^:]+):/.exec(kmsKey)?.[1] ?? "") : kmsRegion;
}

/** @throws {SettingProblem} */
export function masterKey(text: string): string {
  const trimmed = text.trim();
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return trimmed;
  throw new SettingProblem("must be 32 bytes in base64: `openssl rand -base64 32` makes one");
}

/** What is wrong with values that are right each by itself. */
export function privacyProblems(config: PrivacyConfig): readonly string[] {
  const problems: string[] = [];
  if (config.masterKey !== "" && config.masterKeyFile !== "") problems.push("PRIVACY_MASTER_KEY and PRIVACY_MASTER_KEY_FILE are both there: take one of them away");
  if (config.masterKeyOld !== "" && config.masterKeyOldFile !== "") problems.push("PRIVACY_MASTER_KEY_OLD and PRIVACY_MASTER_KEY_OLD_FILE are both there: take one of them away");
  if (config.keyWrapper === "vault" && config.vaultKey === "") problems.push("PRIVACY_VAULT_KEY is missing: with PRIVACY_KEY_WRAPPER=vault it names the key, such as transit/shop");
  if (config.keyWrapper === "kms" && config.kmsKey === "") problems.push("PRIVACY_KMS_KEY is missing: with PRIVACY_KEY_WRAPPER=kms it names the key");
  if (config.kmsKey !== "" && kmsRegionOf(config) === "") problems.push("AWS_REGION is missing: PRIVACY_KMS_KEY is no ARN, which would name it");
  if (config.kmsKey !== "" && (config.awsAccessKeyId === "" || config.awsSecretAccessKey === "")) problems.push("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are missing: PRIVACY_KMS_KEY is used with them");
  return problems;
}
