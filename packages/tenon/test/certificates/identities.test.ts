import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Authority, openEmbeddedIdentities, openMountedIdentities, type RotatingIdentities } from "../../src/certificates/index.ts";
import { IdPattern } from "../../src/identity/index.ts";
import { identitiesContract, type IdentitiesUnderTest } from "../../src/identity/testing.ts";
import { Fault, type Log, type LogFields } from "../../src/kernel/index.ts";
import { ManualClock } from "../trust/manual-clock.ts";

const pattern = new IdPattern("spiffe://example.org/shop/{service}");
const lifeMs = 3_600_000;

function quiet(lines: string[] = []): Log {
  const say = (message: string, fields?: LogFields): void => void lines.push(`${message} ${(fields?.["error"] as Error | undefined)?.message ?? ""}`);
  return { debug: say, info: say, warn: say, error: say };
}

async function directoryFor(): Promise<string> {
  return await mkdtemp(join(tmpdir(), "tenon-identities-"));
}

identitiesContract("the embedded authority", async (): Promise<IdentitiesUnderTest> => {
  const directory = await directoryFor();
  const clock = new ManualClock();
  const revokedFile = join(directory, "revoked");
  const identities = await openEmbeddedIdentities({ services: ["orders"], pattern, clock, log: quiet(), directory, lifeMs, revokedFile });
  return {
    identities,
    pattern,
    nowMs: () => clock.nowMs(),
    async replace() {
      clock.advance(lifeMs / 2);
      await identities.look();
    },
    async setRevoked(lines) {
      await writeFile(revokedFile, lines.join("\n"));
      await identities.look();
    },
    breakSource: () => identities.look(), // its key is in memory: there is nothing that could break
    async outlive() {
      clock.advance(2 * lifeMs); // nobody looks in time
    },
    close: () => rm(directory, { recursive: true }),
  };
});

const layouts = { "tls.crt": ["tls.crt", "tls.key", "ca.crt"], "svid.pem": ["svid.pem", "svid_key.pem", "svid_bundle.pem"] } as const;

for (const layout of ["tls.crt", "svid.pem"] as const) {
  identitiesContract(`mounted files (${layout})`, async (): Promise<IdentitiesUnderTest> => {
    const directory = await directoryFor();
    const clock = new ManualClock();
    const revokedFile = join(directory, "revoked");
    const authority = await Authority.open(join(directory, "authority"), { pattern, lifeMs, nowMs: clock.nowMs() });
    const mount = join(directory, "orders");
    await mkdir(mount);
    async function write(): Promise<void> {
      const { bundle, chain, key } = authority.issue("orders", clock.nowMs());
      const [chainName, keyName, bundleName] = layouts[layout];
      await writeFile(join(mount, chainName), chain);
      await writeFile(join(mount, keyName), key);
      await writeFile(join(mount, bundleName), bundle);
    }
    await write();
    const identities: RotatingIdentities = await openMountedIdentities({ services: ["orders"], pattern, clock, log: quiet(), directory: join(directory, "{service}"), revokedFile });
    return {
      identities,
      pattern,
      nowMs: () => clock.nowMs(),
      async replace() {
        await write();
        await identities.look();
      },
      async setRevoked(lines) {
        await writeFile(revokedFile, lines.join("\n"));
        await identities.look();
      },
      async breakSource() {
        await rm(mount, { recursive: true });
        await identities.look();
      },
      async outlive() {
        clock.advance(lifeMs);
        await identities.look();
      },
      close: () => rm(directory, { recursive: true }),
    };
  });
}

describe("mounted files that do not fit", () => {
  async function opened(change: (directory: string, authority: Authority, nowMs: number) => Promise<void>): Promise<string> {
    const directory = await directoryFor();
    try {
      const clock = new ManualClock();
      const authority = await Authority.open(join(directory, "authority"), { pattern, lifeMs, nowMs: clock.nowMs() });
      const { bundle, chain, key } = authority.issue("orders", clock.nowMs());
      for (const [name, text] of [["tls.crt", chain], ["tls.key", key], ["ca.crt", bundle]] as const) await writeFile(join(directory, name), text);
      await change(directory, authority, clock.nowMs());
      const tried = openMountedIdentities({ services: ["orders"], pattern, clock, log: quiet(), directory, revokedFile: join(directory, "revoked") });
      return await tried.then(() => "", (error: unknown) => (error instanceof Fault ? error.message : String(error)));
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  const cases: readonly (readonly [what: string, message: RegExp, change: Parameters<typeof opened>[0]])[] = [
    ["a file that is missing", /holds neither tls\.crt, tls\.key and ca\.crt nor svid\.pem/, (directory) => rm(join(directory, "ca.crt"))],
    ["the key of another certificate", /the key is not that of the certificate/, (directory, authority, nowMs) => writeFile(join(directory, "tls.key"), authority.issue("orders", nowMs).key)],
    ["the certificate of another service", /spiffe:\/\/example\.org\/shop\/payments.* needs one for spiffe:\/\/example\.org\/shop\/orders/, async (directory, authority, nowMs) => {
      const { chain, key } = authority.issue("payments", nowMs);
      await writeFile(join(directory, "tls.crt"), chain);
      await writeFile(join(directory, "tls.key"), key);
    }],
    ["a certificate that has expired", /expired/, async (directory, authority, nowMs) => {
      const { chain, key } = authority.issue("orders", nowMs - 1);
      assert.ok(chain !== "" && key !== "");
      const old = await Authority.open(join(directory, "old"), { pattern, lifeMs: 1_000, nowMs: nowMs - 10_000 });
      const expired = old.issue("orders", nowMs - 5_000);
      await writeFile(join(directory, "tls.crt"), expired.chain);
      await writeFile(join(directory, "tls.key"), expired.key);
    }],
    ["text that is no certificate", /the certificate cannot be read/, (directory) => writeFile(join(directory, "tls.crt"), "hello")],
  ];
  for (const [what, message, change] of cases) {
    test(`${what} is told`, async () => {
      assert.match(await opened(change), message);
    });
  }

  test("a replacement that is half done changes nothing until it is whole", async () => {
    const directory = await directoryFor();
    const clock = new ManualClock();
    const authority = await Authority.open(join(directory, "authority"), { pattern, lifeMs, nowMs: clock.nowMs() });
    const write = async (version: string): Promise<{ readonly chain: string; readonly key: string }> => {
      const issued = authority.issue("orders", clock.nowMs());
      await mkdir(join(directory, version));
      for (const [name, text] of [["tls.crt", issued.chain], ["tls.key", issued.key], ["ca.crt", issued.bundle]] as const) await writeFile(join(directory, version, name), text);
      await symlink(version, join(directory, "next"));
      await rename(join(directory, "next"), join(directory, "live"));
      return issued;
    };
    await write("one");
    const lines: string[] = [];
    const identities = await openMountedIdentities({ services: ["orders"], pattern, clock, log: quiet(lines), directory: join(directory, "live"), revokedFile: join(directory, "revoked") });
    const first = identities.of("orders");
    const next = authority.issue("orders", clock.nowMs());
    await writeFile(join(directory, "one", "tls.crt"), next.chain); // its key comes a moment later
    await identities.look();
    await identities.look();
    assert.equal(identities.of("orders"), first);
    assert.equal(lines.filter((line) => /the key is not that of the certificate/.test(line)).length, 1, "told once");
    await writeFile(join(directory, "one", "tls.key"), next.key);
    await identities.look();
    assert.equal(identities.of("orders").serial, next.serial);
    const { chain } = await write("two"); // as Kubernetes does: a link that is moved
    await identities.look();
    assert.equal(identities.of("orders").chain, chain);
    await rm(directory, { recursive: true });
  });
});

describe("the embedded authority", () => {
  test("is one for all processes that share a directory, also when they start at once, and its key is its owner's", async () => {
    const directory = await directoryFor();
    const all = await Promise.all(Array.from({ length: 8 }, () => Authority.open(directory, { pattern, lifeMs, nowMs: Date.now() })));
    assert.equal(new Set(all.map(({ bundle }) => bundle)).size, 1);
    assert.deepEqual(await readdir(directory), ["authority.pem"], "no draft is left");
    assert.equal((await stat(join(directory, "authority.pem"))).mode & 0o777, 0o600);
    const issued = all[3]?.issue("orders", Date.now());
    assert.ok(new X509Certificate(issued?.chain ?? "").verify(new X509Certificate(all[5]?.bundle ?? "").publicKey));
    await rm(directory, { recursive: true });
  });

  test("of another trust domain, or damaged, is not used, and the message says what to do", async () => {
    const directory = await directoryFor();
    await Authority.open(directory, { pattern, lifeMs, nowMs: Date.now() });
    await assert.rejects(Authority.open(directory, { pattern: new IdPattern("spiffe://other.org/{service}"), lifeMs, nowMs: Date.now() }), /issues for spiffe:\/\/example\.org, and this app is in other\.org: use another directory/);
    await chmod(join(directory, "authority.pem"), 0o600);
    await writeFile(join(directory, "authority.pem"), (await readFile(join(directory, "authority.pem"), "utf8")).slice(0, 100));
    await assert.rejects(Authority.open(directory, { pattern, lifeMs, nowMs: Date.now() }), /cannot be read; remove it/);
    await rm(directory, { recursive: true });
  });
});

describe("whoever is told of a new certificate", () => {
  test("keeps nobody else from being told by failing", async () => {
    const directory = await directoryFor();
    const clock = new ManualClock();
    const lines: string[] = [];
    const identities = await openEmbeddedIdentities({ services: ["orders"], pattern, clock, log: quiet(lines), directory, lifeMs, revokedFile: join(directory, "revoked") });
    let told = 0;
    identities.onRotate(() => {
      throw new TypeError("a bug");
    });
    identities.onRotate(() => (told += 1));
    clock.advance(lifeMs / 2);
    await identities.look();
    assert.equal(told, 1);
    assert.ok(lines.some((line) => line.includes("a bug")));
    await rm(directory, { recursive: true });
  });
});
