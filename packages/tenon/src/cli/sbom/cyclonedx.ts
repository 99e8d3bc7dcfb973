/**
 * What a project is made of, as CycloneDX 1.6 in JSON: from the lock file alone, so that it is the same on every machine, and
 * the same again as long as nothing changes. It has no time of its own for that reason.
 *
 * @see https://cyclonedx.org/docs/1.6/json/
 */
import { hash } from "node:crypto";
import type { LockedPackage, LockFile } from "./lock-file.ts";

export interface SbomOptions {
  /** `development`: what only those who work on the project install, too. */
  readonly scope: "production" | "development";
  /** Of this tool. */
  readonly toolVersion: string;
}

interface Component {
  readonly type: "application" | "library";
  readonly "bom-ref": string;
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly scope?: "required" | "optional";
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly ({ readonly license: { readonly id: string } } | { readonly license: { readonly name: string } } | { readonly expression: string })[];
  readonly purl: string;
  readonly externalReferences?: readonly { readonly type: "distribution"; readonly url: string }[];
}

export interface Sbom {
  readonly $schema: string;
  readonly bomFormat: "CycloneDX";
  readonly specVersion: "1.6";
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: { readonly tools: { readonly components: readonly object[] }; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

export function createSbom(lock: LockFile, options: SbomOptions): Sbom {
  const graph = new LockGraph(lock);
  const places = graph.reachable(lock.project, options.scope);
  const [root, ...others] = places;
  const rootComponent = componentOf(root ?? "", graph, "application");
  const components = others.map((place) => componentOf(place, graph, "library")).toSorted((a, b) => order(a["bom-ref"], b["bom-ref"]));
  const refOf = (place: string): string => (place === root ? rootComponent["bom-ref"] : componentOf(place, graph, "library")["bom-ref"]);
  const dependencies = places
    .map((place) => ({ ref: refOf(place), dependsOn: [...new Set(graph.dependenciesOf(place, place === root ? options.scope : "production").map(refOf))].toSorted(order) }))
    .toSorted((a, b) => order(a.ref, b.ref));
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify([rootComponent, components, dependencies]))}`,
    version: 1,
    metadata: { tools: { components: [{ type: "application", name: "tenon", version: options.toolVersion }] }, component: rootComponent },
    components: unique(components),
    dependencies: uniqueRefs(dependencies),
  };
}

/** Who needs whom, as Node finds them: in the nearest node_modules on the way up. */
class LockGraph {
  readonly packages: LockFile["packages"];

  constructor({ packages }: LockFile) {
    this.packages = packages;
  }

  /** Places, the project first. */
  reachable(project: string, scope: SbomOptions["scope"]): readonly string[] {
    const seen = new Set([project]);
    for (const place of seen) for (const next of this.dependenciesOf(place, place === project ? scope : "production")) seen.add(next);
    return [...seen];
  }

  dependenciesOf(place: string, scope: SbomOptions["scope"]): readonly string[] {
    const locked = this.packages[place] ?? {};
    const named = [locked.dependencies, locked.optionalDependencies, locked.peerDependencies, scope === "development" ? locked.devDependencies : undefined];
    return [...new Set(named.flatMap((each) => Object.keys(each ?? {})))].flatMap((name) => this.#find(place, name) ?? []);
  }

  /** What is missing is optional, and was left out. */
  #find(from: string, name: string): string | undefined {
    for (let place = from; ; place = parentOf(place)) {
      const found = place === "" ? `node_modules/${name}` : `${place}/node_modules/${name}`;
      const locked = this.packages[found];
      // A package of the same workspace is a link to its folder.
      if (locked !== undefined) return locked.link === true ? (locked.resolved ?? found) : found;
      if (place === "") return undefined;
    }
  }
}

/** The place that the node_modules around a place belongs to; for a folder of a workspace the one above it. */
function parentOf(place: string): string {
  const nested = place.lastIndexOf("/node_modules/");
  if (nested !== -1) return place.slice(0, nested);
  return place.includes("/") && !place.startsWith("node_modules/") ? place.slice(0, place.lastIndexOf("/")) : "";
}

function componentOf(place: string, { packages }: LockGraph, type: Component["type"]): Component {
  const locked = packages[place] ?? {};
  const full = locked.name ?? nameAt(place);
  const [scopeOrName = full, nameInScope] = full.startsWith("@") ? full.split("/") : [full];
  const version = locked.version ?? "0.0.0";
  const purl = `pkg:npm/${full.startsWith("@") ? `${encodeURIComponent(scopeOrName)}/${nameInScope}` : encodeURIComponent(full)}@${encodeURIComponent(version)}`;
  return {
    type,
    "bom-ref": purl,
    ...(nameInScope === undefined ? { name: full === "" ? "project" : full } : { group: scopeOrName, name: nameInScope }),
    version,
    ...(type === "application" ? {} : { scope: locked.optional === true || locked.devOptional === true || locked.dev === true ? ("optional" as const) : ("required" as const) }),
    ...hashesOf(locked),
    ...licensesOf(locked),
    purl,
    ...(locked.resolved === undefined || !URL.canParse(locked.resolved) ? {} : { externalReferences: [{ type: "distribution" as const, url: locked.resolved }] }),
  };
}

/** What the place says; a folder of a workspace has a name of its own where it is not called like its package. */
function nameAt(place: string): string {
  const installed = place.lastIndexOf("node_modules/");
  return installed === -1 ? place.slice(place.lastIndexOf("/") + 1) : place.slice(installed + "node_modules/".length);
}

const algorithms: Readonly<Record<string, string>> = { sha1: "SHA-1", sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" };

function hashesOf({ integrity }: LockedPackage): Pick<Component, "hashes"> {
  const hashes = (integrity ?? "").split(/\s/).flatMap((each) => {
    const [name = "", base64 = ""] = each.split("-", 2);
    const alg = algorithms[name];
    return alg === undefined ? [] : [{ alg, content: Buffer.from(base64, "base64").toString("hex") }];
  });
  return hashes.length === 0 ? {} : { hashes };
}

/** A name without blanks is an identifier of SPDX nearly always; the others are expressions, or words of their own. */
function licensesOf({ license }: LockedPackage): Pick<Component, "licenses"> {
  if (license === undefined) return {};
  if (/^[A-Za-z0-9.+-]+$/.test(license)) return { licenses: [license === "UNLICENSED" ? { license: { name: license } } : { license: { id: license } }] };
  return { licenses: [/ (?:AND|OR|WITH) /.test(license) ? { expression: license } : { license: { name: license } }] };
}

/** The same version at two places is one component. */
function unique(components: readonly Component[]): readonly Component[] {
  return components.filter((each, index) => components[index - 1]?.["bom-ref"] !== each["bom-ref"]);
}

function uniqueRefs(dependencies: Sbom["dependencies"]): Sbom["dependencies"] {
  const merged = new Map<string, Set<string>>();
  for (const { dependsOn, ref } of dependencies) merged.set(ref, new Set([...(merged.get(ref) ?? []), ...dependsOn]));
  return [...merged].map(([ref, dependsOn]) => ({ ref, dependsOn: [...dependsOn].toSorted(order) }));
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** RFC 9562, version 8: the same content has the same number. */
function uuidOf(text: string): string {
  const bytes = hash("sha256", text, "buffer").subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
