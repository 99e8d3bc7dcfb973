/**
 * Which core serves and which one loads. On Linux with `taskset` each side is pinned to a core of its own; elsewhere
 * the system places them, and the result says so.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Cores {
  /** Core of the server; `undefined`: not pinned. */
  readonly server: number | undefined;
  /** Core of the load; `undefined`: not pinned. */
  readonly load: number | undefined;
  /** In words, for the result. */
  readonly note: string;
}

export function chooseCores(): Cores {
  const allowed = allowedCores();
  const server = allowed[0];
  if (spawnSync("taskset", ["--version"]).status !== 0) return unpinned("there is no taskset here");
  if (server === undefined || allowed.length < 2) return unpinned("there are fewer than two cores to choose from");

  const siblings = siblingsOf(server);
  const strangers = allowed.filter((core) => !siblings.includes(core));
  const load = strangers[0] ?? allowed[1];
  const shared = strangers.length === 0 ? "; both are threads of one physical core" : "";
  return { server, load, note: `server on core ${server}, load on core ${load}${shared}` };
}

function unpinned(why: string): Cores {
  return { server: undefined, load: undefined, note: `not pinned: ${why}` };
}

/** A command line that runs on one core. `taskset` replaces itself by the command, so the process id is the command's own. */
export function onCore(core: number | undefined, command: readonly string[]): readonly string[] {
  return core === undefined ? command : ["taskset", "-c", String(core), ...command];
}

/** What a core has done since the machine started, in ms. */
export interface CoreTimes {
  readonly busyMs: number;
  /** Time in which the hypervisor gave the core to somebody else. */
  readonly stolenMs: number;
}

/** `undefined` where the system does not tell. */
export function readCoreTimes(core: number | undefined): CoreTimes | undefined {
  const line = core === undefined ? undefined : new RegExp(`^cpu${core} (.*)$`, "m").exec(readOrEmpty("/proc/stat"))?.[1];
  if (line === undefined) return undefined;
  // proc(5): user nice system idle iowait irq softirq steal guest guest_nice, in hundredths of a second.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(" ").map(Number);
  return { busyMs: (user + nice + system + irq + softirq) * 10, stolenMs: steal * 10 };
}

/** From `Cpus_allowed_list: 0-3,8`: the machine may have more cores than this process may use. */
function allowedCores(): readonly number[] {
  return parseCoreList(/^Cpus_allowed_list:\s*(.+)$/m.exec(readOrEmpty("/proc/self/status"))?.[1] ?? "");
}

function siblingsOf(core: number): readonly number[] {
  return parseCoreList(readOrEmpty(`/sys/devices/system/cpu/cpu${core}/topology/thread_siblings_list`).trim());
}

function parseCoreList(list: string): readonly number[] {
  if (list === "") return [];
  return list.split(",").flatMap((part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** These files are Linux's; elsewhere there is nothing to read, and nothing is pinned. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
