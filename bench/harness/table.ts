/** Outcomes as text for a person. */
import type { Outcome } from "./bench.ts";
import type { Spread } from "./ratio.ts";

export function toText(scenario: string, { subjects, ratios }: Outcome): string {
  const lines = [`${scenario}: medians over rounds (lowest to highest)`];
  for (const [group, entries] of [["", subjects], ["ratios", ratios]] as const) {
    if (group !== "") lines.push(`  ${group}`);
    for (const [name, measures] of Object.entries(entries)) {
      const cells = Object.entries(measures).map(([measure, spread]) => `${measure} ${spreadText(spread)}`);
      lines.push(`  ${name.padEnd(28)} ${cells.join("   ")}`);
    }
  }
  return lines.join("\n");
}

function spreadText({ median, min, max }: Spread): string {
  return `${brief(median)} (${brief(min)}–${brief(max)})`;
}

function brief(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString("en");
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
