/**
 * Lines of a log as bytes that grow, in UTF-8. What most lines are made of is short ASCII and known beforehand: a loop here is
 * quicker than joining strings, and leaves nothing behind for the garbage collector.
 */

const initialBytes = 16 * 1024;
/** What one character of UTF-16 becomes in UTF-8, at most. */
const utf8MaxBytes = 3;

const encoder = new TextEncoder();

export class LineBuffer {
  #bytes = new Uint8Array(initialBytes);
  #length = 0;

  /** Bytes since the last {@link take}. */
  get length(): number {
    return this.#length;
  }

  /** Any text. */
  text(text: string): void {
    this.#need(text.length * utf8MaxBytes);
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  /** Text that is known to be ASCII: identifiers, words of the platform. */
  ascii(text: string): void {
    const { length } = text;
    this.#need(length);
    const bytes = this.#bytes;
    const start = this.#length;
    for (let at = 0; at < length; at += 1) bytes[start + at] = text.charCodeAt(at);
    this.#length = start + length;
  }

  /** What was encoded before. */
  raw(encoded: Uint8Array): void {
    this.#need(encoded.length);
    this.#bytes.set(encoded, this.#length);
    this.#length += encoded.length;
  }

  /** A whole number from 0. */
  whole(value: number): void {
    let digits = 1;
    for (let bound = 10; value >= bound; bound *= 10) digits += 1;
    this.#need(digits);
    let rest = value;
    for (let at = this.#length + digits - 1; at >= this.#length; at -= 1) {
      this.#bytes[at] = 48 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.#length += digits;
  }

  /** Everything so far, in bytes that are the caller's to keep. The buffer is empty then. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  #need(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, needed));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
