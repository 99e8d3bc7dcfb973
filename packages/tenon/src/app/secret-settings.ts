/** Where further settings come from: directories of files, and Vault. Read before all others. */
import { anyText, list, safeUrl, type SettingsOf, SettingProblem, wholeNumber } from "./setting.ts";

export interface SecretConfig {
  readonly secretsDirectory: string;
  readonly secretsRereadS: number;
  readonly vaultAddress: string;
  readonly vaultToken: string;
  readonly vaultNamespace: string;
  readonly vaultSecrets: readonly string[];
  readonly vaultRole: string;
  readonly vaultKubernetesMount: string;
}

export const secretSettings: SettingsOf<SecretConfig> = {
  secretsDirectory: { env: "SECRETS_DIRECTORY", about: "a directory with a file for each setting, as Kubernetes and Docker mount secrets", fallback: "", parse: anyText },
  secretsRereadS: { env: "SECRETS_REREAD_S", about: "how often files and Vault are read anew, in seconds; 0 is never", fallback: 60, parse: wholeNumber(0, 86_400) },
  vaultAddress: { env: "VAULT_ADDR", about: "https://vault.example:8200: settings come from Vault as well", fallback: "", parse: safeUrl },
  vaultToken: { env: "VAULT_TOKEN", about: "what Vault knows this app by; empty is a login with VAULT_ROLE", fallback: "", isSecret: true, parse: anyText },
  vaultNamespace: { env: "VAULT_NAMESPACE", about: "the namespace in Vault, where it has some", fallback: "", parse: anyText },
  vaultSecrets: { env: "VAULT_SECRETS", about: "mount and path of secrets whose fields are settings: secret/shop, several with commas between", fallback: [], parse: secretPaths },
  vaultRole: { env: "VAULT_ROLE", about: "the role to log in to Vault as, by the service account of Kubernetes", fallback: "", parse: anyText },
  vaultKubernetesMount: { env: "VAULT_KUBERNETES_MOUNT", about: "where Vault has its Kubernetes logins", fallback: "kubernetes", parse: anyText },
};

function secretPaths(text: string): readonly string[] {
  const paths = list(text);
  if (paths.every((path) => /^[^/\s]+(\/[^/\s]+)+$/.test(path) && !path.split("/").includes(".."))) return paths;
  throw new SettingProblem("must be mount and path, such as secret/shop, several with commas between");
}
