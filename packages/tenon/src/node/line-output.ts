/**
 * Text to a file descriptor, in order and off the path of calls: one write is under way at a time, what comes
 * meanwhile waits in memory and leaves with the next. `flush` waits for all of it.
 *
 * A reader that does not read makes the waiting text grow; beyond 8 MiB lines are dropped and counted, and the count
 * is the next line written. Lines for a reader that is gone are dropped and counted too. Calls are never held up by their
 * log, and nothing here ever throws.
 */
import { constants, fstatSync, openSync, write, writeSync } from "node:fs";

const pendingMaxBytes = 8 * 1024 * 1024;
const lineEnd = 10;
/** How long to leave a pipe alone that is full, in ms. */
const fullPauseMs = 5;
/** How long `flush` waits for a reader that takes nothing at all, in ms: as long as it takes some, it may be slow. */
const defaultStuckMs = 5_000;

export interface LineOutputOptions {
  /** How long the end waits while nothing is taken, in ms. Default 5 000. */
  readonly stuckMs?: number;
  /** The line that tells of lines that are missing, without its end. */
  readonly dropped?: (lines: number) => string;
}

export class LineOutput {
  readonly #fd: number;
  readonly #stuckMs: number;
  readonly #droppedLine: (lines: number) => string;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #isWriting = false;
  #hasGivenUp = false;
  #written = 0;
  #droppedLines = 0;
  #droppedTotal = 0;
  #idle: PromiseWithResolvers<void> | undefined = undefined;

  /** @param fd  An open file descriptor: 1 is standard output. */
  constructor(fd: number, options: LineOutputOptions = {}) {
    this.#fd = withoutBlocking(fd);
    this.#stuckMs = options.stuckMs ?? defaultStuckMs;
    this.#droppedLine = options.dropped ?? ((lines) => JSON.stringify({ level: "warn", message: "log lines were dropped: nobody read them", lines }));
  }

  /** Lines that nobody got, since the start. */
  get dropped(): number {
    return this.#droppedTotal;
  }

  /** Takes whole lines, which must not be changed from then on. */
  bytes(lines: Uint8Array): void {
    if (this.#pendingBytes + lines.length > pendingMaxBytes) {
      this.#drop(lines);
      return;
    }
    this.#pending.push(lines);
    this.#pendingBytes += lines.length;
    if (!this.#isWriting) this.#next();
  }

  /**
   * Resolves when everything written so far is out, or when nothing of it has been taken for so long that nobody will.
   * Awaited at the end of a process.
   */
  async flush(): Promise<void> {
    if (!this.#isWriting) return;
    this.#idle ??= Promise.withResolvers<void>();
    const { promise, resolve } = this.#idle;
    let seen = this.#written;
    const watch = setInterval(() => {
      this.#hasGivenUp = this.#written === seen;
      if (this.#hasGivenUp) resolve();
      seen = this.#written;
    }, this.#stuckMs);
    try {
      await promise;
    } finally {
      clearInterval(watch);
    }
  }

  /** Writes what waits, blocking: for the last words of a process that dies by a bug. Lines may overtake each other. */
  flushNow(): void {
    try {
      writeAll(this.#fd, this.#takePending());
    } catch {
      // EPIPE: the reader is gone, and with it whoever wanted the lines. EAGAIN: it has not read for seconds.
    }
  }

  #drop(lines: Uint8Array): void {
    let count = 0;
    for (const byte of lines) if (byte === lineEnd) count += 1;
    this.#droppedLines += count;
    this.#droppedTotal += count;
  }

  #takePending(): Uint8Array {
    if (this.#droppedLines > 0) this.#pending.push(Buffer.from(`${this.#droppedLine(this.#droppedLines)}\n`));
    const [only = new Uint8Array()] = this.#pending;
    const bytes = this.#pending.length > 1 ? Buffer.concat(this.#pending) : only;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#droppedLines = 0;
    return bytes;
  }

  #next(): void {
    if (this.#pending.length === 0) {
      this.#isWriting = false;
      this.#idle?.resolve();
      this.#idle = undefined;
      return;
    }
    this.#isWriting = true;
    this.#send(this.#takePending());
  }

  #send(bytes: Uint8Array): void {
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      this.#written += written;
      if (error?.code === "EAGAIN" && !this.#hasGivenUp) setTimeout(() => this.#send(bytes), fullPauseMs);
      else if (error === null && written < bytes.length) this.#send(bytes.subarray(written));
      else {
        if (error !== null) this.#drop(bytes); // EPIPE, ENOSPC: these lines are lost, and the next ones may not be
        this.#next();
      }
    });
  }
}

/**
 * A pipe that is full must say so and not wait: a thread that waits for its reader cannot be stopped, so the process could
 * not end either. The pipe is opened anew, since the file descriptor itself may be shared with other processes, which
 * count on it as it is.
 */
function withoutBlocking(fd: number): number {
  try {
    if (fstatSync(fd).isFIFO()) return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // Not on Linux, or nobody reads: then it is used as it is. So are sockets, which cannot be opened anew: a process
    // whose output is one, and is not read, ends when its reader does.
  }
  return fd;
}

/** How long last words may take, in ms. */
const lastWordsMs = 1_000;

function writeAll(fd: number, bytes: Uint8Array): void {
  const untilMs = performance.now() + lastWordsMs;
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || performance.now() > untilMs) throw error;
    }
  }
}
