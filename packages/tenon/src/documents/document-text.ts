/** What documents say in words where a contract has only names and dates. */
import type { Deprecation } from "../contract/index.ts";

export interface Described {
  readonly description?: string;
  readonly deprecated?: Deprecation;
}

/** The description of an operation or event, with what its deprecation means; empty where there is neither. */
export function descriptionOf({ deprecated, description }: Described, ...more: readonly string[]): { readonly description?: string } {
  const parts = description === undefined ? [...more] : [description, ...more];
  if (deprecated !== undefined) {
    const until = deprecated.sunset === undefined ? "" : ` It may be gone after ${deprecated.sunset}.`;
    const instead = deprecated.use === undefined ? "" : ` Use ${deprecated.use} instead.`;
    parts.push(`Deprecated since version ${deprecated.since}.${until}${instead}`);
  }
  return parts.length === 0 ? {} : { description: parts.join("\n\n") };
}

/** `placeOrder` becomes `Place order`. */
export function toSentence(name: string): string {
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
