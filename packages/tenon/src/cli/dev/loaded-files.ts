/** The files that a process has imported, told in batches: an app of some size has hundreds, and they come at once. */
export class LoadedFiles {
  readonly #tell: (files: readonly string[]) => void;
  readonly #known = new Set<string>();
  #untold: string[] = [];

  constructor(tell: (files: readonly string[]) => void) {
    this.#tell = tell;
  }

  add(file: string): void {
    if (this.#known.has(file)) return;
    this.#known.add(file);
    if (this.#untold.length === 0) setImmediate(() => this.report());
    this.#untold.push(file);
  }

  /** Tells what was not told yet, now. */
  report(): void {
    if (this.#untold.length === 0) return;
    this.#tell(this.#untold);
    this.#untold = [];
  }
}
