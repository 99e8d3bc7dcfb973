/** Patterns that only repeat what `format` says already. Schema libraries write both; a person has to read one. */

/**
 * Texts that are surely of a format. A pattern that takes them all says nothing new; one that refuses some, such as
 * "of version 4" or "at example.com", is a rule of its own and stays.
 */
const samples: Readonly<Record<string, readonly string[]>> = {
  uuid: ["0191b1c2-7a4e-7cc0-9a3b-5d2f4e6a8b0c", "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"],
  email: ["ada@example.com", "first.last+tag@mail.example.org", "O'Brien_1@a-b.co"],
  "date-time": ["2024-02-29T23:59:59Z", "1999-01-31T00:00:00.123Z"],
  date: ["2024-02-29", "1999-12-31"],
  time: ["23:59:59", "00:00:00.123"],
  duration: ["P1Y2M3DT4H5M6S", "PT1S", "P4W"],
  ipv4: ["192.0.2.1", "255.255.255.255", "0.0.0.0"],
  ipv6: ["2001:db8::1", "::", "fe80::1:2:3:4"],
  cidrv4: ["192.0.2.0/24", "0.0.0.0/0"],
  cidrv6: ["2001:db8::/32", "::/0"],
  hostname: ["example.com", "a-b.c1.example", "localhost"],
  base64: ["", "YQ==", "YWI=", "YWJj", "+/+/"],
  base64url: ["YQ", "YWI", "-_-_"],
  hex: ["", "00ff", "DEADBEEF"],
  mac: ["00:1a:2b:3c:4d:5e", "FF:FF:FF:FF:FF:FF"],
  e164: ["+14155552671", "+4930123456"],
  ulid: ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"],
  nanoid: ["V1StGXR8_Z5jdHi6B-myT"],
  cuid2: ["tz4a98xxat96iws9zmbrgj3a"],
  emoji: ["👍", "🇪🇺", "👨‍👩‍👧"],
};

/**
 * What is left of a pattern beside a format: nothing where it repeats the format, the pattern itself where it does not.
 * Of one that takes points in time only when they are written in UTC, that much is left.
 */
export function restatedPattern(format: unknown, pattern: unknown): unknown {
  const known = typeof format === "string" && Object.hasOwn(samples, format) ? samples[format] : undefined;
  if (known === undefined || typeof pattern !== "string") return pattern;
  const expression = parsePattern(pattern);
  if (expression === undefined || !known.every((sample) => expression.test(sample))) return pattern;
  if (format === "date-time" && !expression.test("2024-02-29T23:59:59+02:00")) return "Z$";
  return undefined;
}

function parsePattern(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, "u"); // as JSON Schema reads it
  } catch {
    return undefined;
  }
}
