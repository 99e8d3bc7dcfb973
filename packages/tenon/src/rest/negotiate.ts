/** Media types: which one a caller accepts (RFC 9110 section 12.5.1), and whether one is among others. */

/**
 * The first of `offered` that the `accept` header likes best, or `undefined` when it refuses all.
 *
 * @param accept   The header as sent; absent means anything.
 * @param offered  Media types in the order of our own preference, lower case.
 */
export function preferredType(accept: string | undefined, offered: readonly string[]): string | undefined {
  if (accept === undefined || accept === "*/*" || accept === "" || accept === offered[0]) return offered[0];
  const ranges = accept.toLowerCase().split(",").map(parseRange);
  let best: string | undefined;
  let bestQuality = 0;
  for (const type of offered) {
    const quality = qualityOf(type, ranges);
    if (quality > bestQuality) {
      best = type;
      bestQuality = quality;
    }
  }
  return best;
}

/** Whether a content type is one of some media types, of which those with a star stand for many. */
export function isOneOf(contentType: string, mediaTypes: readonly string[]): boolean {
  const [name = ""] = contentType.toLowerCase().split(";");
  const type = name.trim();
  return mediaTypes.some((each) => each === "*/*" || each === type || (each.endsWith("/*") && type.startsWith(each.slice(0, -1))));
}

interface Range {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
}

function parseRange(text: string): Range {
  const [name = "", ...parameters] = text.split(";").map((part) => part.trim());
  const [type = "*", subtype = "*"] = name.split("/");
  const q = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
  const quality = q === undefined ? 1 : Number(q);
  return { type, subtype, quality: Number.isFinite(quality) ? quality : 0 };
}

/** The most specific range decides, whatever its quality. */
function qualityOf(type: string, ranges: readonly Range[]): number {
  const [major = "", minor = ""] = type.split("/");
  let specificity = -1;
  let quality = 0;
  for (const range of ranges) {
    const fits = (range.type === "*" || range.type === major) && (range.subtype === "*" || range.subtype === minor);
    const rank = range.type === "*" ? 0 : range.subtype === "*" ? 1 : 2;
    if (fits && rank > specificity) {
      specificity = rank;
      quality = range.quality;
    }
  }
  return quality;
}
