/**
 * Certificates that somebody else puts into a directory and replaces there: cert-manager and Kubernetes secrets
 * (`tls.crt`, `tls.key`, `ca.crt`), or SPIRE by its helper (`svid.pem`, `svid_key.pem`, `bundle.pem` or
 * `svid_bundle.pem`).
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "../kernel/index.ts";
import type { IdentityTexts } from "./service-identity.ts";

const layouts = [
  { chain: "tls.crt", key: "tls.key", bundles: ["ca.crt"] },
  { chain: "svid.pem", key: "svid_key.pem", bundles: ["bundle.pem", "svid_bundle.pem"] },
] as const;

/** @throws {Fault} `unavailable`: files are missing or cannot be read. */
export async function readMounted(directory: string): Promise<IdentityTexts> {
  const names = new Set(await attempt(directory, () => readdir(directory)));
  for (const { bundles, chain, key } of layouts) {
    const bundle = bundles.find((name) => names.has(name));
    if (!names.has(chain) || !names.has(key) || bundle === undefined) continue;
    const [chainText, keyText, bundleText] = await attempt(directory, () => Promise.all([chain, key, bundle].map((name) => readFile(join(directory, name), "utf8"))));
    return { chain: chainText as string, key: keyText as string, bundle: bundleText as string };
  }
  throw new Fault("unavailable", `${directory} holds neither tls.crt, tls.key and ca.crt nor svid.pem, svid_key.pem and bundle.pem`);
}

async function attempt<T>(directory: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new Fault("unavailable", `the certificates in ${directory} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
