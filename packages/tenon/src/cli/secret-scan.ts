/**
 * Finds secrets in the text of files: keys of known forms, and values that look drawn by chance where a name says that they
 * are secret. A small set of rules that hardly ever cries wolf: what it finds should be taken out, not excused.
 *
 * It does not decode: a secret that is hidden on purpose is not found. A line with the words `tenon: not a secret` is left out.
 */

export interface FoundSecret {
  /** From 1. */
  readonly line: number;
  /** What it looks like. Never the text itself. */
  readonly kind: string;
}

/** What specifications and manuals show as examples: everybody knows them, so they keep nothing. */
const publishedExamples: ReadonlySet<string> = new Set(["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "8f742231b10e8888abcd99yyyzzz85a5"]);

interface Form {
  readonly kind: string;
  readonly pattern: RegExp;
  /** Whether a match is meant: examples in documentation are not. */
  readonly isMeant?: (match: RegExpMatchArray) => boolean;
}

const forms: readonly Form[] = [
  { kind: "a private key", pattern: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s*(?:\\n)?[A-Za-z0-9+/=\\n\s]{64,}/g },
  // AWS's own examples end in EXAMPLE.
  { kind: "an access key of AWS", pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, isMeant: ([text]) => !text.endsWith("EXAMPLE") },
  { kind: "a token of GitHub", pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{80,})\b/g },
  { kind: "a token of Slack", pattern: /\bxox[abprs]-[A-Za-z0-9-]{20,}\b/g },
  { kind: "a live key of Stripe", pattern: /\b(?:sk|rk)_live_[A-Za-z0-9]{20,}\b/g },
  { kind: "a token of Vault", pattern: /\bhv[sb]\.[A-Za-z0-9_-]{24,}\b/g },
  { kind: "a token of npm", pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { kind: "a signed token", pattern: /\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{32,}/g },
  { kind: "a password in a URL", pattern: /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@"'`<>$\\{}]+:([^\s:/@"'`<>$\\{}]{8,})@[^\s"'`]+/g, isMeant: ([, password = ""]) => looksDrawn(password) },
  {
    kind: "a secret under a name that says so",
    pattern: /\b[\w-]*(?:secret|password|passwd|api[_-]?key|access[_-]?token|private[_-]?key)["'`]?\s*[:=]\s*["'`]([^\s"'`]{16,})["'`]/gi,
    isMeant: ([, value = ""]) => looksDrawn(value.replace(/^whsec_/, "")),
  },
];

/** Says of its line that it holds none. */
const excuse = "tenon: not a secret";

/** @returns each secret once, in order. */
export function findSecrets(text: string): readonly FoundSecret[] {
  const found = new Map<number, FoundSecret>();
  for (const { isMeant = () => true, kind, pattern } of forms) {
    for (const match of text.matchAll(pattern)) {
      const line = text.slice(0, match.index).split("\n").length;
      if (found.has(line) || !isMeant(match) || (text.split("\n", line)[line - 1] ?? "").includes(excuse)) continue;
      found.set(line, { line, kind });
    }
  }
  return [...found.values()].toSorted((a, b) => a.line - b.line);
}

/**
 * Whether a text looks drawn by chance: letters of several kinds, and more surprise per letter than words have.
 *
 * The bound of 3.5 bits lies between English identifiers of such a length (up to 3.4) and 16 random letters of base64 (from 3.5).
 */
function looksDrawn(text: string): boolean {
  if (publishedExamples.has(text) || isWordsInBase64(text)) return false;
  if (/^(?:process\.env|env\.|\$\{|<|%)/.test(text) || /^[a-z]+(?:[-_.][a-z]+)*$/i.test(text)) return false;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/].filter((pattern) => pattern.test(text)).length;
  return kinds >= 2 && /\d/.test(text) && entropyOf(text) > 3.5;
}

/** `dGhlLXNlY3JldC1vZi10ZXN0cw==` is "the-secret-of-tests": somebody made it up, for tests. */
function isWordsInBase64(text: string): boolean {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) && /^[a-z]+(?:[-_ .][a-z]+)+$/i.test(Buffer.from(text, "base64").toString("latin1").trim());
}

/** Shannon's, in bits per letter. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
}
