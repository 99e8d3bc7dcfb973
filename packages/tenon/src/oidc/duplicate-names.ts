/** Names that stand twice in one object of a JSON text, which two readers may read in two ways. */

/** Objects and arrays as they open and close, and strings, with the colon that makes one of them a name. */
const tokens = /[{}[\]]|"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?/gs;

/**
 * Whether any object in the text has one name twice. `JSON.parse` takes the last one and says nothing; RFC 7515
 * section 4 and RFC 7519 section 4 let us refuse, and nobody but a forger sends such a text.
 *
 * @param json  A text that `JSON.parse` has taken.
 */
export function hasDuplicateNames(json: string): boolean {
  const open: (Set<unknown> | undefined)[] = [];
  for (const [token, text = "", colon] of json.matchAll(tokens)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (colon !== undefined) {
      const names = open.at(-1);
      const name: unknown = text.includes("\\") ? JSON.parse(`"${text}"`) : text; // `s\u0075b` is `sub` as well
      if (names?.has(name) === true) return true;
      names?.add(name);
    }
  }
  return false;
}
