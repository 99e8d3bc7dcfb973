/** A Prometheus of one's own, in a folder and on a port of its own, that scrapes one target every second. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../nats/server.ts";

/** Why tests that need Prometheus are skipped, or `false` when they are not. */
export const skip = ["prometheus", "promtool"].every((name) => spawnSync(name, ["--version"]).status === 0) ? false : "there are no prometheus and promtool to start: install Debian's package prometheus";

/** The longest that it may take to start, or to know something, in ms. */
const waitMaxMs = 15_000;

export class PrometheusServer {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #url: string;

  private constructor(child: ChildProcess, { folder, port }: { readonly folder: string; readonly port: number }) {
    this.#child = child;
    this.#folder = folder;
    this.#url = `http://127.0.0.1:${port}`;
  }

  /** @param target  `127.0.0.1:3000`; `/metrics` is asked for there. */
  static async start(target: string): Promise<PrometheusServer> {
    const folder = await mkdtemp(join(tmpdir(), "tenon-prometheus-"));
    const port = await freePort();
    const config = join(folder, "prometheus.json");
    await writeFile(config, JSON.stringify({ global: { scrape_interval: "1s", scrape_timeout: "1s" }, scrape_configs: [{ job_name: "app", static_configs: [{ targets: [target] }] }] }));
    const flags = [`--config.file=${config}`, `--storage.tsdb.path=${join(folder, "data")}`, `--web.listen-address=127.0.0.1:${port}`, "--enable-feature=exemplar-storage", "--log.level=error"];
    const child = spawn("prometheus", flags, { stdio: ["ignore", "ignore", "inherit"] });
    const server = new PrometheusServer(child, { folder, port });
    await server.eventually("/-/ready", (response) => response !== undefined);
    return server;
  }

  /** What its API answers, once it is what is waited for. */
  async eventually<T>(path: string, isThere: (data: T | undefined) => boolean): Promise<T> {
    const endAtMs = performance.now() + waitMaxMs;
    let data: T | undefined;
    while (performance.now() < endAtMs) {
      data = await this.#ask<T>(path).catch(() => undefined);
      if (isThere(data)) return data as T;
      await pause(100);
    }
    throw new RangeError(`Prometheus did not come to know it within ${waitMaxMs} ms: ${path} answers ${JSON.stringify(data)}`);
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #ask<T>(path: string): Promise<T | undefined> {
    const response = await fetch(this.#url + path, { signal: AbortSignal.timeout(2_000) });
    const text = await response.text();
    if (!response.ok) return undefined;
    return path.startsWith("/api/") ? (JSON.parse(text) as { readonly data: T }).data : (text as T);
  }
}
