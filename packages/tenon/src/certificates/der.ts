/** Writing DER (ITU-T X.690): the few forms that a certificate is made of. It reads nothing: Node does that. */

export type Der = Uint8Array;

function tagged(tag: number, content: Uint8Array): Der {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Uint8Array.of(tag, length), content]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.concat([Uint8Array.of(tag, 0x80 | bytes.length, ...bytes), content]);
}

export function sequence(...parts: readonly Der[]): Der {
  return tagged(0x30, Buffer.concat(parts));
}

export function set(...parts: readonly Der[]): Der {
  return tagged(0x31, Buffer.concat(parts));
}

/** A whole number that is not negative, its bytes the highest first. */
export function integer(bytes: Uint8Array): Der {
  const from = Math.min(bytes.findIndex((byte) => byte !== 0) >>> 0, bytes.length - 1);
  const digits = bytes.subarray(from);
  return tagged(0x02, (digits[0] ?? 0) < 0x80 ? digits : Buffer.concat([Uint8Array.of(0), digits]));
}

export function boolean(value: boolean): Der {
  return tagged(0x01, Uint8Array.of(value ? 0xff : 0));
}

/** @param unused  Bits at the end that do not count. */
export function bitString(bytes: Uint8Array, unused = 0): Der {
  return tagged(0x03, Buffer.concat([Uint8Array.of(unused), bytes]));
}

export function octetString(bytes: Uint8Array): Der {
  return tagged(0x04, bytes);
}

/** Such as `2.5.29.17`. */
export function objectId(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tagged(0x06, Uint8Array.from([first * 40 + second, ...rest.flatMap(base128)]));
}

export function utf8(text: string): Der {
  return tagged(0x0c, Buffer.from(text));
}

/** RFC 5280 section 4.1.2.5: two digits of the year until 2049, four from then on. Whole seconds. */
export function time(atMs: number): Der {
  const digits = new Date(atMs).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return atMs < Date.UTC(2050, 0) ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits));
}

/** `[number] EXPLICIT`, or IMPLICIT around what is constructed. */
export function context(number: number, content: Der): Der {
  return tagged(0xa0 | number, content);
}

/** `[number] IMPLICIT` of plain bytes. */
export function contextBytes(number: number, content: Uint8Array): Der {
  return tagged(0x80 | number, content);
}

function base128(value: number): readonly number[] {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift(0x80 | (rest % 128));
  return digits;
}
