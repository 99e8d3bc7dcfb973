/** `tenon token`: what it prints is a token that the app of the same directory accepts. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { systemClock } from "../../src/app/index.ts";
import { openDevelopmentIssuer } from "../../src/oidc/index.ts";
import { greeterFiles } from "./projects.ts";
import { Project } from "./tenon-process.ts";

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
}

describe("token", () => {
  test("prints the token and nothing else", async () => {
    await using project = await Project.create(greeterFiles());
    const { code, stderr, stdout } = await project.tenon(["token", "--sub", "ann", "--scope", "greeter:read"]);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const issuer = await openDevelopmentIssuer({ directory: join(project.directory, ".tenon"), clock: systemClock });
    const caller = await issuer.verifier.verify(stdout.trim());
    assert.equal(claimsOf(stdout)["sub"], "ann");
    assert.ok(caller !== undefined);
  });

  test("takes scopes and roles one by one or together, claims as text or JSON, and a length of life", async () => {
    await using project = await Project.create(greeterFiles());
    const { stdout } = await project.tenon(["token", "--sub", "ann", "--scope", "a:read b:read", "--scope", "c:read", "--role", "admin,editor", "--claim", "tenant=acme", "--claim", "level=3", "--expires", "15m", "--json"]);
    const answer = JSON.parse(stdout) as { readonly token: string; readonly scopes: readonly string[]; readonly roles: readonly string[]; readonly expiresInS: number; readonly expiresAt: string };
    const { exp, iat, level, roles, scope, tenant } = claimsOf(answer.token);
    assert.equal(scope, "a:read b:read c:read");
    assert.deepEqual(roles, ["admin", "editor"]);
    assert.deepEqual([tenant, level], ["acme", 3]);
    assert.equal(Number(exp) - Number(iat), 900);
    assert.deepEqual([answer.scopes, answer.roles, answer.expiresInS], [["a:read", "b:read", "c:read"], ["admin", "editor"], 900]);
    assert.ok(Math.abs(Date.parse(answer.expiresAt) - Number(exp) * 1_000) < 2_000);
  });

  test("warns when the app would refuse it, and prints it all the same", async () => {
    await using project = await Project.create({ ...greeterFiles(), ".env": "OIDC_ISSUER=https://id.example.org\nOIDC_AUDIENCE=shop\n" });
    const elsewhere = await project.tenon(["token", "--sub", "ann"]);
    assert.match(elsewhere.stderr, /^warning: with OIDC_ISSUER=https:\/\/id\.example\.org this app takes that issuer's tokens/);
    assert.match(elsewhere.stdout, /^ey/);
    await using inProduction = await Project.create({ ...greeterFiles(), ".env": "TENON_MODE=production\n" });
    assert.match((await inProduction.tenon(["token", "--sub", "ann"])).stderr, /^warning: with TENON_MODE=production this app has no development issuer/);
  });
});
