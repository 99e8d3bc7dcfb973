/**
 * Messages to PostgreSQL, written one after the other into one piece of memory, so that a whole batch is one write.
 * Both adapters speak this protocol: one over a socket, one to the engine in the same process.
 *
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

/** First bytes of the messages. */
const code = { bind: 0x42, close: 0x43, copyFail: 0x66, describe: 0x44, execute: 0x45, parse: 0x50, query: 0x51, sync: 0x53 } as const;
const statementByte = 0x53; // "S"
const portalByte = 0x50; // "P"
/** Enough for most batches; a larger one makes it grow. */
const startBytes = 2_048;
/** Their number is sent in 16 bits. */
const valuesMax = 65_535;
/** UTF-8 needs at most three bytes for one unit of a JavaScript string. */
const bytesPerUnit = 3;

export class MessageWriter {
  #buffer = Buffer.allocUnsafe(startBytes);
  #at = 0;
  #lengthAt = 0;

  /** @param name  Empty for a statement that is used once. @throws {RangeError} a zero byte in the text. */
  parse(name: string, text: string): this {
    this.#start(code.parse);
    this.#text(name);
    this.#text(text);
    this.#int16(0); // the server finds out the types of the parameters
    return this.#end();
  }

  /** @throws {RangeError} more values than the protocol can count. */
  bind(statement: string, values: readonly (string | Uint8Array | null)[]): this {
    if (values.length > valuesMax) throw new RangeError(`a statement has ${values.length} parameters, and at most ${valuesMax} can be sent`);
    this.#start(code.bind);
    this.#text(""); // the unnamed portal
    this.#text(statement);
    this.#int16(values.length);
    for (const value of values) this.#int16(value instanceof Uint8Array ? 1 : 0); // bytes as bytes, the rest as text
    this.#int16(values.length);
    for (const value of values) this.#value(value);
    this.#int16(0); // all results as text
    return this.#end();
  }

  describePortal(): this {
    this.#start(code.describe);
    this.#byte(portalByte);
    this.#text("");
    return this.#end();
  }

  describeStatement(name: string): this {
    this.#start(code.describe);
    this.#byte(statementByte);
    this.#text(name);
    return this.#end();
  }

  execute(): this {
    this.#start(code.execute);
    this.#text("");
    this.#int32(0); // all rows
    return this.#end();
  }

  closeStatement(name: string): this {
    this.#start(code.close);
    this.#byte(statementByte);
    this.#text(name);
    return this.#end();
  }

  /** Several statements in one text, without parameters. */
  query(text: string): this {
    this.#start(code.query);
    this.#text(text);
    return this.#end();
  }

  /** Refuses to send the rows that a COPY FROM STDIN waits for. */
  copyFail(reason: string): this {
    this.#start(code.copyFail);
    this.#text(reason);
    return this.#end();
  }

  sync(): this {
    this.#start(code.sync);
    return this.#end();
  }

  /** What was written. The writer is used up. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
  }

  #start(first: number): void {
    this.#byte(first);
    this.#lengthAt = this.#at;
    this.#int32(0);
  }

  #end(): this {
    this.#buffer.writeInt32BE(this.#at - this.#lengthAt, this.#lengthAt); // counts itself, not the first byte
    return this;
  }

  #value(value: string | Uint8Array | null): void {
    if (value === null) {
      this.#int32(-1);
    } else if (typeof value === "string") {
      this.#reserve(4 + value.length * bytesPerUnit);
      const length = this.#buffer.write(value, this.#at + 4);
      this.#buffer.writeInt32BE(length, this.#at);
      this.#at += 4 + length;
    } else {
      this.#int32(value.byteLength);
      this.#reserve(value.byteLength);
      this.#buffer.set(value, this.#at);
      this.#at += value.byteLength;
    }
  }

  /** Ends with a zero byte; one inside would end it early, and what follows would be read as something else. */
  #text(text: string): void {
    if (text.includes("\0")) throw new RangeError("a statement cannot hold a zero byte");
    this.#reserve(text.length * bytesPerUnit + 1);
    this.#at += this.#buffer.write(text, this.#at);
    this.#buffer[this.#at++] = 0;
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#at++] = value;
  }

  #int16(value: number): void {
    this.#reserve(2);
    this.#at = this.#buffer.writeUInt16BE(value, this.#at);
  }

  #int32(value: number): void {
    this.#reserve(4);
    this.#at = this.#buffer.writeInt32BE(value, this.#at);
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
