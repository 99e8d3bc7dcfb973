/**
 * Writes protobuf into bytes that grow. Fields are written in the caller's order; a message inside of another is opened
 * and closed, and its length is filled in when it closes.
 *
 * Tags are the caller's: `number << 3 | type`, one byte, so fields 1 to 15. OTLP needs no others here.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
import { type Nanoseconds, toNanoseconds } from "./instant.ts";

const initialBytes = 16 * 1024;
/** A varint of 64 bits. */
const varintMaxBytes = 10;
/** What one character of UTF-16 becomes in UTF-8, at most. */
const utf8MaxBytes = 3;

/** By the code of a hexadecimal digit; what is none counts as 0. */
const nibbles = new Uint8Array(128);
for (let digit = 0; digit < 16; digit += 1) {
  nibbles[digit.toString(16).charCodeAt(0)] = digit;
  nibbles[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

const none = new Uint8Array();
const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);
const nanoseconds: Nanoseconds = { high: 0, low: 0 };

export class ProtoWriter {
  #bytes = Buffer.allocUnsafeSlow(initialBytes);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** What was written after `length`, in bytes of their own. */
  copyFrom(length: number): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(length, this.#length));
  }

  /** Forgets what was written after `length`. */
  cutTo(length: number): void {
    this.#length = length;
  }

  /** All of it behind `head`, in bytes that are the caller's to keep. The writer is empty then. */
  take(head: Uint8Array = none): Buffer {
    const taken = Buffer.allocUnsafeSlow(head.length + this.#length);
    taken.set(head);
    this.#bytes.copy(taken, head.length, 0, this.#length);
    this.#length = 0;
    return taken;
  }

  /**
   * Begins a message, and returns the place that {@link close} needs.
   *
   * @param lengthBytes  Bytes to leave for its length: 2 for what is as a rule longer than 127 bytes. A wrong guess
   *                     costs a move of the message, and nothing else.
   */
  open(tag: number, lengthBytes: 1 | 2 = 1): number {
    this.#need(3);
    this.#bytes[this.#length] = tag;
    this.#length += 1 + lengthBytes;
    return this.#length;
  }

  /** Ends the message that began at `start`; `lengthBytes` as it was opened with. */
  close(start: number, lengthBytes: 1 | 2 = 1): void {
    const size = this.#length - start;
    const neededBytes = varintBytes(size);
    if (neededBytes !== lengthBytes) {
      this.#need(varintMaxBytes);
      this.#bytes.copyWithin(start + neededBytes - lengthBytes, start, this.#length);
      this.#length += neededBytes - lengthBytes;
    }
    this.#putVarint(start - lengthBytes, size);
  }

  /** A whole number from 0 to 2^53 − 1. */
  uint(tag: number, value: number): void {
    this.#need(1 + varintMaxBytes);
    this.#bytes[this.#length] = tag;
    this.#length = this.#putVarint(this.#length + 1, value);
  }

  /** A whole number of up to 53 bits; a negative one takes ten bytes, as `int64` has it. */
  int(tag: number, value: number): void {
    if (value >= 0) {
      this.uint(tag, value);
      return;
    }
    this.#need(1 + varintMaxBytes);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = tag;
    // Two's complement in halves: the number is high × 2^32 + low, with a negative high.
    let low = value % 4_294_967_296;
    if (low < 0) low += 4_294_967_296;
    let high = ((value - low) / 4_294_967_296) >>> 0;
    for (let written = 1; written < varintMaxBytes; written += 1) {
      bytes[at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    bytes[at++] = low & 0x7f;
    this.#length = at;
  }

  bool(tag: number, value: boolean): void {
    this.#need(2);
    this.#bytes[this.#length++] = tag;
    this.#bytes[this.#length++] = value ? 1 : 0;
  }

  double(tag: number, value: number): void {
    this.#need(9);
    this.#bytes[this.#length++] = tag;
    this.#putDouble(value);
  }

  /** Doubles, packed. Writes nothing where there are none. */
  doubles(tag: number, values: readonly number[]): void {
    if (values.length === 0) return;
    this.uint(tag, values.length * 8);
    this.#need(values.length * 8);
    for (const value of values) this.#putDouble(value);
  }

  /** Whole numbers from 0 to 2^53 − 1 as `fixed64`, packed. Writes nothing where there are none. */
  fixed64s(tag: number, values: ArrayLike<number>): void {
    if (values.length === 0) return;
    this.uint(tag, values.length * 8);
    this.#need(values.length * 8);
    for (let at = 0; at < values.length; at += 1) this.#putWhole(values[at] as number);
  }

  /** A whole number from 0 to 2^53 − 1 as `fixed64`. */
  fixed64(tag: number, value: number): void {
    this.#need(9);
    this.#bytes[this.#length++] = tag;
    this.#putWhole(value);
  }

  /** Milliseconds since 1970 as nanoseconds in `fixed64`. */
  instant(tag: number, ms: number): void {
    this.#need(9);
    this.#bytes[this.#length++] = tag;
    toNanoseconds(ms, nanoseconds);
    this.#putFixed32(nanoseconds.low);
    this.#putFixed32(nanoseconds.high);
  }

  /** An identifier of hexadecimal digits as bytes. Writes nothing for an empty one. */
  hex(tag: number, digits: string): void {
    const size = digits.length >> 1;
    if (size === 0) return;
    this.uint(tag, size);
    this.#need(size);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let digit = 0; digit < size * 2; digit += 2) {
      bytes[at++] = ((nibbles[digits.charCodeAt(digit)] as number) << 4) | (nibbles[digits.charCodeAt(digit + 1)] as number);
    }
    this.#length = at;
  }

  /** Text in UTF-8, also an empty one. Half a surrogate pair becomes U+FFFD. */
  text(tag: number, value: string): void {
    const chars = value.length;
    this.#need(1 + varintMaxBytes + chars * utf8MaxBytes);
    const bytes = this.#bytes;
    const start = this.#length + 1;
    bytes[start - 1] = tag;
    if (chars < 128) {
      // Most text is short and ASCII: a loop here is quicker than a call into the runtime.
      let char = 0;
      for (let code = 0; char < chars; char += 1) {
        code = value.charCodeAt(char);
        if (code > 127) break;
        bytes[start + 1 + char] = code;
      }
      if (char === chars) {
        bytes[start] = chars;
        this.#length = start + 1 + chars;
        return;
      }
    }
    const guessedBytes = varintBytes(chars);
    const size = bytes.write(value, start + guessedBytes, "utf8");
    const neededBytes = varintBytes(size);
    if (neededBytes !== guessedBytes) bytes.copyWithin(start + neededBytes, start + guessedBytes, start + guessedBytes + size);
    this.#putVarint(start, size);
    this.#length = start + neededBytes + size;
  }

  /** Bytes that are protobuf already. */
  raw(encoded: Uint8Array): void {
    this.#need(encoded.length);
    this.#bytes.set(encoded, this.#length);
    this.#length += encoded.length;
  }

  #putDouble(value: number): void {
    double[0] = value;
    const bytes = this.#bytes;
    const at = this.#length;
    for (let byte = 0; byte < 8; byte += 1) bytes[at + byte] = doubleBytes[byte] as number;
    this.#length = at + 8;
  }

  #putWhole(value: number): void {
    const high = Math.floor(value / 4_294_967_296);
    this.#putFixed32(value - high * 4_294_967_296);
    this.#putFixed32(high);
  }

  #putFixed32(value: number): void {
    const bytes = this.#bytes;
    const at = this.#length;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
    this.#length = at + 4;
  }

  /** Writes at a place where there is room, and returns the place behind. */
  #putVarint(place: number, value: number): number {
    const bytes = this.#bytes;
    let at = place;
    let rest = value;
    while (rest > 0x7fff_ffff) {
      bytes[at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at] = rest;
    return at + 1;
  }

  #need(bytes: number): void {
    if (this.#length + bytes > this.#bytes.length) this.#grow(bytes);
  }

  #grow(bytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + bytes));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** How many bytes a whole number from 0 takes. */
function varintBytes(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  let bytes = 3;
  for (let rest = Math.floor(value / 16_384); rest > 127; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}
