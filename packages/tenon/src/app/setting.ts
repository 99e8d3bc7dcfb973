/** One value of the configuration: its name in the environment, what it is for, and how its text is read. */
import { isSafeUrl } from "../kernel/index.ts";

export interface Setting<T> {
  readonly env: string;
  readonly about: string;
  /** Used where the environment says nothing. */
  readonly fallback: T;
  /** Shown as `***` wherever values are shown. */
  readonly isSecret?: true;
  /** Shown only where it is set: one of many that refine another setting. */
  readonly isQuiet?: true;
  /** The value of a text; throws a {@link SettingProblem} that says what it has to be. */
  readonly parse: (text: string) => T;
}

/** The settings of a part of the configuration, by its names. */
export type SettingsOf<C> = { readonly [K in keyof C]: Setting<C[K]> };

/** What is wrong with a text, without the text: it may be a secret. */
export class SettingProblem extends Error {
  override readonly name = "SettingProblem";
}

/** The text holds a secret although the setting as such is none: it is not shown. */
export class SecretInText extends SettingProblem {}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new SettingProblem(`must be a whole number from ${min} to ${max}`);
  };
}

/** A share of a whole. */
export function ratio(text: string): number {
  const value = /^(?:\d+(?:\.\d+)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 0 && value <= 1) return value;
  throw new SettingProblem("must be a number from 0 to 1");
}

export function oneOf<const T extends string>(...choices: readonly T[]): (text: string) => T {
  return (text) => {
    const choice = choices.find((each) => each === text);
    if (choice !== undefined) return choice;
    throw new SettingProblem(`must be one of ${choices.join(", ")}`);
  };
}

export function list(text: string): readonly string[] {
  return text.split(",").map((each) => each.trim()).filter((each) => each !== "");
}

export function webUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return text;
  throw new SettingProblem("must be a URL that starts with https:// or http://");
}

/** For what goes along that nobody on the way is to read: https, or http to this machine. */
export function safeUrl(text: string): string {
  if (isSafeUrl(webUrl(text))) return text;
  throw new SettingProblem("must start with https://: http is for this machine alone");
}

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md "Signature scheme" */
export function webhookSecret(text: string): string {
  const base64 = text.replace(/^whsec_/, "");
  const bytes = /^[A-Za-z0-9+/]*={0,2}$/.test(base64) ? Math.floor((base64.replaceAll("=", "").length * 3) / 4) : 0;
  if (bytes >= 24 && bytes <= 64) return text;
  throw new SettingProblem("must be base64 of 24 to 64 bytes, with or without whsec_ before it");
}

export function databaseUrl(text: string): string {
  if (/^pglite:.+/.test(text) || /^postgres(ql)?:\/\/.+/.test(text)) return text;
  throw new SettingProblem("must be postgres://user@host/database, pglite:directory or pglite:memory");
}

export function anyText(text: string): string {
  return text;
}
