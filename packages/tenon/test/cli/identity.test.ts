/** `tenon identity`: shows who services are, writes certificates for a trial, and takes belief away. */
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { greeterFiles } from "./projects.ts";
import { Project } from "./tenon-process.ts";

interface Shown {
  readonly source: string;
  readonly identities: readonly { readonly service: string; readonly id: string; readonly serial: string; readonly isRevoked: boolean; readonly problem: string }[];
}

describe("identity", () => {
  test("shows ids, issues certificates, checks what is mounted, and revokes", async () => {
    await using project = await Project.create(greeterFiles());
    const plain = await project.tenon(["identity", "show", "--json"]);
    const before = JSON.parse(plain.stdout) as Shown;
    const [first] = before.identities;
    assert.equal(plain.code, 0);
    assert.equal(before.source, "the authority for development");
    assert.match(first?.id ?? "", /^spiffe:\/\/tenon\.internal\/[a-z-]+\/greeter$/);

    const issued = await project.command(["identity", "issue", "greeter", "--to", "certificates/greeter", "--for", "10m", "--json"]);
    assert.equal(issued.code, 0, issued.stderr);
    const { serial } = JSON.parse(issued.stdout) as { readonly serial: string };
    assert.equal((await stat(join(project.directory, "certificates/greeter/tls.key"))).mode & 0o777, 0o600);

    const env = { IDENTITY_DIRECTORY: "certificates/{service}" };
    const mounted = await project.command(["identity", "show", "--json"], env);
    assert.deepEqual((JSON.parse(mounted.stdout) as Shown).identities.map(({ isRevoked, problem, serial: shown }) => [shown, isRevoked, problem]), [[serial, false, ""]]);

    assert.equal((await project.command(["identity", "revoke", serial, "--reason", "lost laptop"])).code, 0);
    assert.equal((await project.command(["identity", "revoke", "greeter", "--reason", "taken over"])).code, 0);
    assert.equal(await readFile(join(project.directory, ".tenon/authority/revoked"), "utf8"), `${serial} # lost laptop\n${first?.id} # taken over\n`);
    assert.deepEqual((JSON.parse((await project.command(["identity", "show", "--json"], env)).stdout) as Shown).identities.map(({ isRevoked }) => isRevoked), [true]);
  });

  test("says what is wrong, and what to do", async () => {
    await using project = await Project.create(greeterFiles());
    const cases: readonly (readonly [args: readonly string[], code: number, said: RegExp])[] = [
      [["issue", "nobody", "--to", "x"], 2, /no service "nobody"/],
      [["issue", "greeter"], 2, /a certificate needs a place/],
      [["issue", "greeter", "--to", "x", "--for", "soon"], 2, /--for soon is not a length of time/],
      [["revoke", "greeter"], 2, /a revocation needs a reason/],
      [["revoke", "not a serial!", "--reason", "a"], 1, /neither the serial of a certificate nor a SPIFFE id/],
    ];
    for (const [args, code, said] of cases) {
      const told = await project.command(["identity", ...args]);
      assert.equal(told.code, code, `${args.join(" ")}: ${told.stderr}`);
      assert.match(told.stderr, said);
    }
    const missing = await project.command(["identity", "show"], { IDENTITY_DIRECTORY: "nowhere" });
    assert.equal(missing.code, 1);
    assert.match(missing.stdout, /the certificates in nowhere cannot be read/);
  });
});
