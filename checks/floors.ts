/**
 * The direction of imports. Each function takes files and gives back sentences, one per problem, so that the rules can
 * be tried on files that break them.
 */
import { posix } from "node:path";
import { browserDoors, type Exception, neighborImports, type Room, rooms } from "./rooms.ts";
import { type ModuleUse, modulesUsedBy, packageOf, placeOf, type SourceFile } from "./source-files.ts";

export const sourceFolder = "packages/tenon/src";

/** What the rules need to know of the house; the real one unless a test hands in another. */
export interface Plan {
  readonly rooms: readonly Room[];
  readonly neighborImports: readonly Exception[];
  readonly browserDoors: readonly string[];
}

export const plan: Plan = { rooms, neighborImports, browserDoors };

/** One import that stays inside of the package. */
interface Edge {
  readonly from: SourceFile;
  readonly to: string;
  readonly use: ModuleUse;
}

/** The room of a file; `undefined` for the front doors of the package, which stand beside the rooms. */
export function roomOf(path: string): string | undefined {
  const inside = path.slice(sourceFolder.length + 1).split("/");
  return inside.length > 1 ? inside[0] : undefined;
}

function edgesOf(file: SourceFile): readonly Edge[] {
  return modulesUsedBy(file)
    .filter((use) => use.specifier?.startsWith("."))
    .map((use) => ({ from: file, to: posix.join(posix.dirname(file.path), use.specifier ?? ""), use }));
}

/** Imports that go up, sideways, past a front door, or back in through one's own. */
export function wrongImports(files: readonly SourceFile[], house: Plan = plan): readonly string[] {
  const present = new Set(files.map((file) => file.path));
  return files.flatMap((file) =>
    edgesOf(file).flatMap((edge) => {
      const problem = present.has(edge.to) ? problemOf(edge, house) : missing(edge);
      return problem === undefined ? [] : [`${placeOf(file, edge.use.index)} imports ${edge.use.specifier}: ${problem}`];
    }),
  );
}

function missing(edge: Edge): string | undefined {
  if (edge.use.kind === "file") return undefined; // read, not run: a page, or the manifest
  return "there is no such file under packages/tenon/src";
}

function problemOf(edge: Edge, house: Plan): string | undefined {
  const home = roomOf(edge.from.path);
  const target = roomOf(edge.to);
  const throughDoor = posix.basename(edge.to) === "index.ts" && edge.to.split("/").length === sourceFolder.split("/").length + 2;
  if (home === undefined) {
    if (target === undefined) return "a front door of the package imports rooms, not another front door";
    return throughDoor || isForTests(edge) ? undefined : `enter the room by ${target}/index.ts`;
  }
  if (target === undefined) return "a room imports rooms, never a front door of the package";
  if (target === home) {
    return throughDoor ? "inside of a room import the file itself, never the room's own index.ts" : undefined;
  }
  return problemBetween(home, target, house) ?? (throughDoor ? undefined : `enter the room by ${target}/index.ts`);
}

/** What the package offers to tests stands behind doors of its own, so that nothing else loads it. */
function isForTests({ from, to }: Edge): boolean {
  return from.path === `${sourceFolder}/test.ts` && posix.basename(to) === "testing.ts";
}

function problemBetween(home: string, target: string, house: Plan): string | undefined {
  const homeAt = house.rooms.findIndex((room) => room.name === home);
  const targetAt = house.rooms.findIndex((room) => room.name === target);
  if (homeAt === -1 || targetAt === -1) return undefined; // `strayRooms` tells of it
  if (targetAt > homeAt) return `${target} stands after ${home} in checks/rooms.ts`;
  const areNeighbors = [homeAt, targetAt].every((at) => ["face", "adapter"].includes(house.rooms[at]?.kind ?? ""));
  const isListed = house.neighborImports.some((exception) => exception.from === home && exception.to === target);
  return areNeighbors && !isListed ? `faces and adapters do not know each other; list ${home} → ${target} with its reason` : undefined;
}

/** Exceptions that nobody uses any more. */
export function idleExceptions(files: readonly SourceFile[], house: Plan = plan): readonly string[] {
  const used = new Set(files.flatMap((file) => edgesOf(file).map((edge) => `${roomOf(file.path)} → ${roomOf(edge.to)}`)));
  return house.neighborImports
    .map((exception) => `${exception.from} → ${exception.to}`)
    .filter((name) => !used.has(name))
    .map((name) => `checks/rooms.ts lists ${name}, which no file needs`);
}

/** Folders that the plan does not know, rooms of the plan that are not built, and rooms without a front door. */
export function strayRooms(files: readonly SourceFile[], house: Plan = plan): readonly string[] {
  const built = new Set(files.map((file) => roomOf(file.path)).filter((room) => room !== undefined));
  const planned = new Set(house.rooms.map((room) => room.name));
  const paths = new Set(files.map((file) => file.path));
  return [
    ...[...built].filter((room) => !planned.has(room)).map((room) => `${sourceFolder}/${room} is not in checks/rooms.ts`),
    ...[...planned].filter((room) => !built.has(room)).map((room) => `checks/rooms.ts lists ${room}, which has no file`),
    ...[...built].filter((room) => !paths.has(`${sourceFolder}/${room}/index.ts`)).map((room) => `${room} has no index.ts`),
  ];
}

/** Front doors that open without naming what they let out. */
export function vagueDoors(files: readonly SourceFile[]): readonly string[] {
  const doors = files.filter((file) => posix.basename(file.path) === "index.ts" || roomOf(file.path) === undefined);
  return doors.flatMap((door) => [
    ...matches(door, /\bexport\s*(?:type\s*)?\*(?!\s*as\b)/g, "names every export; `export *` names none"),
    ...matches(door, /\bexport\s+default\b/g, "has named exports only"),
  ]);
}

function matches(file: SourceFile, pattern: RegExp, problem: string): readonly string[] {
  return [...file.code.matchAll(pattern)].map((match) => `${placeOf(file, match.index)}: a front door ${problem}`);
}

/** Rings of files that import each other, each told once. A type counts: a ring of types is still read as one file. */
export function rings(files: readonly SourceFile[]): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const found = new Set<string>();

  function walk(path: string, trail: readonly string[]): void {
    const start = trail.indexOf(path);
    if (start !== -1) {
      found.add(ringName(trail.slice(start)));
      return;
    }
    const file = byPath.get(path);
    if (file === undefined || done.has(path)) return;
    for (const edge of edgesOf(file)) walk(edge.to, [...trail, path]);
    done.add(path);
  }

  for (const file of files) walk(file.path, []);
  return [...found].sort();
}

/** The same ring has the same name wherever the walk met it first. */
function ringName(ring: readonly string[]): string {
  const first = ring.indexOf([...ring].sort()[0] ?? "");
  const turned = [...ring.slice(first), ...ring.slice(0, first)];
  return [...turned, turned[0]].map((path) => path?.slice(sourceFolder.length + 1)).join(" → ");
}

/**
 * What a browser would load behind a door that promises to open in one, and could not run: built-in modules of Node. A
 * type leaves no trace at run time, so only the room's own files may not name one.
 */
export function browserProblems(files: readonly SourceFile[], house: Plan = plan): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return house.browserDoors.flatMap((door) =>
    reachedFrom(`${sourceFolder}/${door}`, byPath).flatMap(({ file, trail }) =>
      modulesUsedBy(file)
        .filter((use) => use.specifier?.startsWith("node:") && (use.kind !== "type" || posix.dirname(file.path) === `${sourceFolder}/${posix.dirname(door)}`))
        .map((use) => `${door} must open in a browser, and reaches ${use.specifier} by ${trail.join(" → ")}`),
    ),
  );
}

interface Reached {
  readonly file: SourceFile;
  readonly trail: readonly string[];
}

function reachedFrom(door: string, byPath: ReadonlyMap<string, SourceFile>): readonly Reached[] {
  const reached = new Map<string, Reached>();
  const waiting: { readonly path: string; readonly trail: readonly string[] }[] = [{ path: door, trail: [] }];
  for (const next of waiting) {
    const file = byPath.get(next.path);
    if (file === undefined || reached.has(next.path)) continue;
    const trail = [...next.trail, next.path.slice(sourceFolder.length + 1)];
    reached.set(next.path, { file, trail });
    waiting.push(...edgesOf(file).filter((edge) => edge.use.kind !== "type").map((edge) => ({ path: edge.to, trail })));
  }
  return [...reached.values()];
}

/** Tests come in as users do, by a front door, or by the suite of a port, which stands in `testing.ts`. */
export function testsPastTheDoor(tests: readonly SourceFile[]): readonly string[] {
  return tests.flatMap((file) =>
    edgesOf(file)
      .filter((edge) => edge.to.startsWith(`${sourceFolder}/`) && roomOf(edge.to) !== undefined)
      .filter((edge) => !/^[^/]+\/(?:index|(?:[a-z-]+-)?testing)\.ts$/.test(edge.to.slice(sourceFolder.length + 1)))
      .map((edge) => `${placeOf(file, edge.use.index)} imports ${edge.use.specifier}: enter by the room's index.ts or testing.ts`),
  );
}

/** Code of the package that asks for the package by its own name, or loads a module whose name it works out. */
export function selfImports(files: readonly SourceFile[]): readonly string[] {
  const mayCompute = new Set(rooms.filter((room) => room.kind === "composition").map((room) => room.name));
  return files.flatMap((file) =>
    modulesUsedBy(file).flatMap((use) => {
      if (use.specifier === undefined && use.kind === "file") return [];
      if (use.specifier === undefined) {
        return mayCompute.has(roomOf(file.path) ?? "") ? [] : [`${placeOf(file, use.index)} loads a module whose name is computed`];
      }
      return packageOf(use.specifier) === "tenon" ? [`${placeOf(file, use.index)} imports ${use.specifier}, which is itself`] : [];
    }),
  );
}
