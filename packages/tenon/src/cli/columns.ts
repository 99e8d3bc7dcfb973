/** Rows of text as columns. Measures the letters that are seen: what colors a text takes no room. */
import { stripVTControlCharacters } from "node:util";

const gap = "  ";

/** One line per row, each column as wide as its widest text. The last column is as long as it is. */
export function alignColumns(rows: readonly (readonly string[])[], indent = ""): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((text, column) => {
      widths[column] = Math.max(widths[column] ?? 0, seenLength(text));
    });
  }
  return rows.map((row) => `${indent}${row.map((text, column) => pad(text, widths[column] ?? 0)).join(gap)}`.trimEnd()).join("\n");
}

/** What others said, for a cell: it may hold what moves a terminal's cursor. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\uFFFD");
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - seenLength(text)));
}

function seenLength(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}
