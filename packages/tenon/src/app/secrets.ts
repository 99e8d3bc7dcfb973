/**
 * Settings of a running app, with those that come from files and from Vault, read anew while it runs.
 *
 *     environment ─► files ─► Vault ─► .env          the strongest first
 *
 * Values are never logged: what is told is which settings changed. Where something cannot be read anew, what was read before
 * goes on, and a line of the log says so.
 */
import { readFile } from "node:fs/promises";
import type { Clock, Log, Part, Timer } from "../kernel/index.ts";
import type { Vault } from "../vault/index.ts";
import { ConfigError, type ConfigLayer, lookUp } from "./config.ts";
import { type FileLayer, secretFiles } from "./secret-files.ts";
import { privacySettings } from "./privacy-settings.ts";
import { type SecretConfig, secretSettings } from "./secret-settings.ts";
import { SettingProblem } from "./setting.ts";

/** Where Kubernetes mounts the token of a pod's service account. */
export const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";

interface SecretsParts {
  readonly given: readonly ConfigLayer[];
  readonly files: FileLayer;
  readonly vault: Vault | undefined;
  readonly clock: Clock;
}

export class Secrets {
  readonly #parts: SecretsParts;
  #fromVault: Readonly<Record<string, string>> = {};
  readonly #listeners: ((changed: readonly string[]) => void)[] = [];

  private constructor(parts: SecretsParts) {
    this.#parts = parts;
  }

  /** @throws {ConfigError} a file or a secret in Vault cannot be read. */
  static async open(given: readonly ConfigLayer[], clock: Clock): Promise<Secrets> {
    const files = secretFiles(given);
    const vault = await vaultOf([...given, files], clock);
    const secrets = new Secrets({ given, files, vault, clock });
    await secrets.#readVault();
    return secrets;
  }

  /** As they are now. */
  get layers(): readonly ConfigLayer[] {
    const { files, given: [first, ...rest], vault } = this.#parts;
    return [...(first === undefined ? [] : [first]), files, ...(vault === undefined ? [] : [{ name: "Vault", values: this.#fromVault }]), ...rest];
  }

  /** The value of a setting as it is now, as text. */
  current(name: string): string | undefined {
    return lookUp(this.layers, name)?.text;
  }

  /** Calls `listener` with the names of settings that have another value. */
  onChange(listener: (changed: readonly string[]) => void): void {
    this.#listeners.push(listener);
  }

  /** @returns the names of settings that have another value. @throws {ConfigError} */
  async reread(): Promise<readonly string[]> {
    const before = this.#fromVault;
    await this.#readVault();
    const names = new Set([...Object.keys(before), ...Object.keys(this.#fromVault)]);
    const changed = [...this.#parts.files.reread(), ...[...names].filter((name) => before[name] !== this.#fromVault[name])];
    if (changed.length > 0) for (const listener of this.#listeners) listener(changed);
    return changed;
  }

  /** What reads them anew, every `everyMs`; 0 is never. */
  parts({ everyMs, log }: { readonly everyMs: number; readonly log: Log }): readonly Part[] {
    if (everyMs === 0) return [];
    const { clock } = this.#parts;
    let timer: Timer | undefined;
    const tick = async (): Promise<void> => {
      try {
        const changed = await this.reread();
        if (changed.length > 0) log.info("settings have changed", { settings: changed.join(",") });
      } catch (error) {
        log.warn("settings could not be read anew: those that were read before go on", { error });
      }
      if (timer !== undefined) timer = clock.after(everyMs, () => void tick());
    };
    const part: Part = {
      name: "settings",
      start() {
        timer = clock.after(everyMs, () => void tick());
      },
      stop() {
        timer?.cancel();
        timer = undefined;
      },
    };
    return [part];
  }

  async #readVault(): Promise<void> {
    const { vault } = this.#parts;
    if (vault === undefined) return;
    try {
      this.#fromVault = await vault.read();
    } catch (error) {
      throw new ConfigError([(error as Error).message]);
    }
  }
}

async function vaultOf(layers: readonly ConfigLayer[], clock: Clock): Promise<Vault | undefined> {
  const text = (name: keyof typeof secretSettings): string => lookUp(layers, secretSettings[name].env)?.text ?? String(secretSettings[name].fallback);
  if (text("vaultAddress") === "") return undefined;
  const address = parsed("vaultAddress", text("vaultAddress"));
  const paths = parsed("vaultSecrets", text("vaultSecrets"));
  if (paths.length === 0 && lookUp(layers, privacySettings.keyWrapper.env)?.text === "vault") return undefined; // Vault keeps the master key alone
  if (paths.length === 0) throw new ConfigError(["VAULT_SECRETS is missing: with VAULT_ADDR it says which secrets are read, such as secret/shop"]);
  const role = text("vaultRole");
  const { openVault } = await import("../vault/index.ts");
  return openVault({
    address,
    namespace: text("vaultNamespace"),
    token: () => lookUp(layers, secretSettings.vaultToken.env)?.text,
    kubernetes: role === "" ? undefined : { role, mount: text("vaultKubernetesMount"), readJwt: () => readFile(lookUp(layers, "VAULT_KUBERNETES_JWT_FILE")?.text ?? serviceAccountToken, "utf8") },
    paths,
    clock,
  });
}

/** These are needed before all others are parsed. @throws {ConfigError} */
function parsed<Name extends "vaultAddress" | "vaultSecrets">(name: Name, text: string): SecretConfig[Name] {
  const { env, parse } = secretSettings[name];
  try {
    return parse(text);
  } catch (thrown) {
    throw thrown instanceof SettingProblem ? new ConfigError([`${env} ${thrown.message}`]) : thrown;
  }
}
