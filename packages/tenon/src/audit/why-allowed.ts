/** Which part of an access rule granted, or what was missing, in the words of the rule. */
import type { AccessRule } from "../contract/index.ts";
import { type AccessAsked, type AccessExplanation, explainAccess } from "../trust/index.ts";

/** `signed-in`, `scope orders:write`, `role admin and "own account"`. */
export function whyAllowed(rule: AccessRule, asked: AccessAsked): string {
  if (typeof rule === "string") return rule;
  if ("scope" in rule && asked.caller.kind !== "system") return `scope ${rule.scope}`;
  return textOf(explainAccess(rule, asked), asked);
}

function textOf({ kind, name, parts }: AccessExplanation, asked: AccessAsked): string {
  if (kind === "allOf") return parts.map((part) => textOf(part, asked)).join(" and ");
  if (kind === "anyOf") {
    const granted = parts.find(({ outcome }) => outcome === "granted");
    return granted === undefined ? "" : textOf(granted, asked);
  }
  if (kind === "calledBy") return `called by ${asked.from ?? ""}`;
  if (asked.caller.kind === "system" && kind !== "public") return "the platform itself";
  if (kind === "predicate") return `"${name}"`;
  return name === "" ? kind : `${kind} ${name}`;
}
