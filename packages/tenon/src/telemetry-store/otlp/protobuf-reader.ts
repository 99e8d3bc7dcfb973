/**
 * Reads the wire format of Protocol Buffers by a description of the messages, into objects as the JSON mapping of OTLP
 * has them, so that what comes in either encoding is understood by one piece of code.
 *
 * Every read is bounds-checked: whatever the bytes are, the outcome is a value or a `MalformedBody`. Unknown fields are
 * passed over, as the format asks for.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */

/** A body that is not what it says it is. The message is for whoever sent it. */
export class MalformedBody extends Error {
  override readonly name = "MalformedBody";
}

/** How the bytes of a field are read. Times and counts are numbers: exact to 2^53, and to 256 ns for a time of today. */
export type Scalar = "text" | "hex" | "base64" | "bool" | "uint" | "int" | "zigzag" | "fixed64" | "signed64" | "fixed32" | "double";

export interface Field {
  readonly name: string;
  readonly type: Scalar | Message;
  readonly isList?: true;
}

/** Fields by number. A thunk, since messages of OTLP contain themselves. */
export type Message = () => Readonly<Record<number, Field>>;

/** Deeper than any program nests values; far below what the stack holds. */
const depthMax = 32;
/** Messages and elements of lists in one body: two bytes make an empty message, and an object takes fifty. */
const partsMax = 2_000_000;

export type Decoded = Record<string, unknown>;

/** @throws {MalformedBody} */
export function decodeMessage(bytes: Uint8Array, message: Message): Decoded {
  return new ProtobufReader(bytes).message(message, bytes.length, 0);
}

class ProtobufReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #at = 0;
  #parts = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  message(message: Message, end: number, depth: number): Decoded {
    if (depth > depthMax) throw new MalformedBody(`messages are nested more than ${depthMax} deep`);
    this.#count();
    const fields = message();
    const decoded: Decoded = {};
    while (this.#at < end) {
      const tag = this.#varint(end);
      const field = fields[Math.floor(tag / 8)];
      const wire = tag % 8;
      if (tag < 8 || tag > 0xffffffff) throw this.#malformed("a field without a number");
      if (field === undefined) this.#skip(wire, end);
      else this.#field(decoded, field, { wire, end, depth });
    }
    return decoded;
  }

  #field(decoded: Decoded, { isList, name, type }: Field, at: { readonly wire: number; readonly end: number; readonly depth: number }): void {
    const { depth, end, wire } = at;
    if (isList !== true) {
      decoded[name] = this.#value(type, wire, { end, depth });
      return;
    }
    const list = (decoded[name] ??= []) as unknown[];
    if (wire !== 2 || typeof type !== "string" || isBytes(type)) {
      list.push(this.#value(type, wire, { end, depth }));
      return;
    }
    const packedEnd = this.#length(end);
    while (this.#at < packedEnd) {
      this.#count();
      list.push(this.#scalar(type, packedEnd));
    }
  }

  #count(): void {
    this.#parts += 1;
    if (this.#parts > partsMax) throw new MalformedBody(`more than ${partsMax} parts in one body`);
  }

  #value(type: Scalar | Message, wire: number, { depth, end }: { readonly end: number; readonly depth: number }): unknown {
    if (typeof type !== "string") {
      if (wire !== 2) throw this.#malformed("a message of another wire type");
      return this.message(type, this.#length(end), depth + 1);
    }
    if (wire !== wireOf[type]) throw this.#malformed(`a field of wire type ${wire} instead of ${wireOf[type]}`);
    return this.#scalar(type, end);
  }

  #scalar(type: Scalar, end: number): unknown {
    switch (type) {
      case "text":
        return this.#slice(end).toString("utf8");
      case "hex":
        return this.#slice(end).toString("hex");
      case "base64":
        return this.#slice(end).toString("base64");
      case "bool":
        return this.#varint(end) !== 0;
      case "uint":
        return this.#varint(end);
      case "int":
        return this.#signedVarint(end);
      case "zigzag": {
        const value = this.#varint(end);
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      }
      case "fixed64":
        return this.#take(8, end, (at) => this.#view.getUint32(at + 4, true) * 4_294_967_296 + this.#view.getUint32(at, true));
      case "signed64":
        return this.#take(8, end, (at) => this.#view.getInt32(at + 4, true) * 4_294_967_296 + this.#view.getUint32(at, true));
      case "fixed32":
        return this.#take(4, end, (at) => this.#view.getUint32(at, true));
      case "double":
        return this.#take(8, end, (at) => this.#view.getFloat64(at, true));
    }
  }

  #take(bytes: number, end: number, read: (at: number) => number): number {
    const at = this.#at;
    if (at + bytes > end) throw this.#malformed("a number that is cut off");
    this.#at += bytes;
    return read(at);
  }

  #slice(end: number): Buffer {
    const stop = this.#length(end);
    const slice = this.#bytes.subarray(this.#at, stop);
    this.#at = stop;
    return slice;
  }

  /** Where what follows ends. */
  #length(end: number): number {
    const stop = this.#varint(end) + this.#at;
    if (stop > end) throw this.#malformed("a length beyond the end");
    return stop;
  }

  /** Of numbers above 2^53 the last digits are lost. */
  #varint(end: number): number {
    let value = 0;
    let factor = 1;
    for (let byte = 0; byte < 10; byte += 1) {
      if (this.#at >= end) throw this.#malformed("a number that is cut off");
      const part = this.#bytes[this.#at] as number;
      this.#at += 1;
      value += (part & 0x7f) * factor;
      if (part < 0x80) return value;
      factor *= 128;
    }
    throw this.#malformed("a number of more than ten bytes");
  }

  /** Negative ones come as what they are modulo 2^64, which floating point would round away. */
  #signedVarint(end: number): number {
    const start = this.#at;
    const value = this.#varint(end);
    if (value < 2 ** 63) return value;
    let exact = 0n;
    for (let at = start; at < this.#at; at += 1) exact |= BigInt((this.#bytes[at] as number) & 0x7f) << BigInt(7 * (at - start));
    return Number(BigInt.asIntN(64, exact));
  }

  #skip(wire: number, end: number): void {
    if (wire === 0) this.#varint(end);
    else if (wire === 1) this.#take(8, end, () => 0);
    else if (wire === 2) this.#at = this.#length(end);
    else if (wire === 5) this.#take(4, end, () => 0);
    else throw this.#malformed(`the wire type ${wire}, which is not in use`);
  }

  #malformed(what: string): MalformedBody {
    return new MalformedBody(`not a protobuf message of OTLP: ${what}, at byte ${this.#at}`);
  }
}

const wireOf: Readonly<Record<Scalar, number>> = {
  text: 2, hex: 2, base64: 2, bool: 0, uint: 0, int: 0, zigzag: 0, fixed64: 1, signed64: 1, fixed32: 5, double: 1,
};

function isBytes(type: Scalar): boolean {
  return wireOf[type] === 2;
}
