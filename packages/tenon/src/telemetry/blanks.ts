/**
 * Blanks around a value of a header (OWS of RFC 9110 section 5.6.3). Not by a pattern: one for the end of a text looks at
 * every blank inside of it anew, and strangers send thousands.
 */
export function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

function isBlank(char: string | undefined): boolean {
  return char === " " || char === "\t";
}
