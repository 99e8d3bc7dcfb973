/**
 * Text to a file descriptor, in order and off the path of calls: one write is under way at a time, what comes
 * meanwhile waits in memory and leaves with the next. `flush` waits for all of it.
 *
 * A reader that does not read makes the waiting text grow; beyond 8 MiB lines are dropped and counted, and the count
 * is the next line written. Calls are never held up by their log.
 */
import { write, writeSync } from "node:fs";

const pendingMaxChars = 8 * 1024 * 1024;

export class LineOutput {
  readonly #fd: number;
  #pending = "";
  #isWriting = false;
  #droppedLines = 0;
  #idle: PromiseWithResolvers<void> | undefined = undefined;

  /** @param fd  An open file descriptor: 1 is standard output. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  readonly write = (lines: string): void => {
    if (this.#pending.length + lines.length > pendingMaxChars) {
      this.#droppedLines += lines.split("\n").length - 1;
      return;
    }
    this.#pending += lines;
    if (!this.#isWriting) this.#next();
  };

  /**
   * Resolves when everything written so far is out. Awaited at the end of a process.
   */
  async flush(): Promise<void> {
    if (!this.#isWriting) return;
    this.#idle ??= Promise.withResolvers<void>();
    await this.#idle.promise;
  }

  /** Writes what waits, blocking: for the last words of a process that dies by a bug. Lines may overtake each other. */
  flushNow(): void {
    try {
      writeAll(this.#fd, Buffer.from(this.#takePending()));
    } catch {
      // EPIPE: the reader is gone, and with it whoever wanted the lines.
    }
  }

  #takePending(): string {
    const text = this.#droppedLines === 0 ? this.#pending : `${this.#pending}{"level":"warn","message":"log lines were dropped: nobody read them","lines":${this.#droppedLines}}\n`;
    this.#pending = "";
    this.#droppedLines = 0;
    return text;
  }

  #next(): void {
    const text = this.#takePending();
    if (text === "") {
      this.#isWriting = false;
      this.#idle?.resolve();
      this.#idle = undefined;
      return;
    }
    this.#isWriting = true;
    this.#send(Buffer.from(text));
  }

  #send(bytes: Buffer): void {
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error !== null && error.code === "EAGAIN") {
        setImmediate(() => this.#send(bytes));
      } else if (error === null && written < bytes.length) {
        this.#send(bytes.subarray(written));
      } else {
        this.#next();
      }
    });
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
}
