/**
 * What PostgreSQL spends on one database: the CPU time of the backends that serve its clients, from Linux's
 * `/proc/<pid>`. Only where the server runs on this machine and its processes can be seen; elsewhere there is nothing to
 * read, and the figures are left out.
 *
 * Not in it: the writers of the log and of the pages, and autovacuum, which serve all databases. A backend that ends
 * between two readings takes with it what it spent since the first.
 */
import { readFileSync } from "node:fs";
import { Client } from "pg";

/** By this name the benchmark's own connections are told apart. */
const ownName = "tenon-bench";
const backendsSql = "select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and application_name <> $1";
/** USER_HZ, which is 100 on every Linux that Node runs on. */
const tickMs = 10;

export class BackendCpu {
  readonly #client: Client;
  readonly #lastMs = new Map<number, number>();
  #totalMs = 0;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** `undefined` where the processes of the server cannot be seen. */
  static async open(databaseUrl: string): Promise<BackendCpu | undefined> {
    const client = new Client({ connectionString: databaseUrl, application_name: ownName });
    client.on("error", () => undefined); // the database is dropped under it at the end
    await client.connect();
    const { rows } = await client.query<{ readonly pid: number }>("select pg_backend_pid() as pid");
    if (readCpuMs(rows[0]?.pid ?? 0) !== undefined) return new BackendCpu(client);
    await client.end();
    return undefined;
  }

  /** CPU time in ms of all backends since `open`; those that were there then count from their first reading. */
  async readMs(): Promise<number> {
    const { rows } = await this.#client.query<{ readonly pid: number }>(backendsSql, [ownName]);
    for (const { pid } of rows) {
      const cpuMs = readCpuMs(pid);
      if (cpuMs === undefined) continue; // ended since
      this.#totalMs += cpuMs - (this.#lastMs.get(pid) ?? 0);
      this.#lastMs.set(pid, cpuMs);
    }
    return this.#totalMs;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client.end();
  }
}

/** To the nanosecond from `schedstat`, where the kernel keeps it: a backend has one thread. Otherwise in ticks. */
function readCpuMs(pid: number): number | undefined {
  if (readOrEmpty(pid, "comm").trim() !== "postgres") return undefined; // ended, or another machine's number
  const [runNs = ""] = readOrEmpty(pid, "schedstat").split(" ");
  return runNs === "" ? readTicksMs(pid) : Number(runNs) / 1e6;
}

/** proc(5): after the name in parentheses, the 12th and 13th fields are user and system time. */
function readTicksMs(pid: number): number | undefined {
  const stat = readOrEmpty(pid, "stat");
  if (stat === "") return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

function readOrEmpty(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}
