/** `tenon issuer`: a process of its own at which people and programs get tokens. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as client from "openid-client";
import { file } from "../issuer/open-issuer.ts";
import { Project, TenonProcess } from "./tenon-process.ts";

describe("tenon issuer", () => {
  test("says where it is, gives tokens, keeps its key over a restart, and ends when it is told to", { timeout: 60_000 }, async () => {
    await using project = await Project.create({ "issuer.json": JSON.stringify(file) });
    const keys: string[] = [];
    for (let start = 0; start < 2; start += 1) {
      await using issuer = new TenonProcess(["issuer", "--port", "0", "--json"], { cwd: project.directory });
      const said = (await issuer.nextEvent({ audience: "shop" })) as { readonly issuer: string; readonly people: readonly string[] };
      assert.deepEqual(said.people, ["alice", "olga"]);
      const config = await client.discovery(new URL(said.issuer), "job", undefined, client.ClientSecretBasic("job-secret"), { execute: [client.allowInsecureRequests] });
      assert.ok((await client.clientCredentialsGrant(config, { scope: "orders:read" })).access_token.split(".").length === 3);
      keys.push(await (await fetch(config.serverMetadata().jwks_uri ?? "")).text());
      issuer.signal("SIGTERM");
      assert.equal((await issuer.ended()).code, 0);
    }
    assert.equal(keys[0], keys[1]);
    assert.ok(!keys[0]?.includes('"d"'), "the private half stays at home");
  });

  test("a file that cannot be used is told with everything that is wrong with it", async () => {
    await using project = await Project.create({
      "bad.json": JSON.stringify({ people: [{ name: "" }, { name: "a" }, { name: "a", pasword: "x" }], clients: [{ id: "c" }], audience: 1 }),
      "no.json": "{",
    });
    const bad = await project.tenon(["issuer", "--file", "bad.json"]);
    assert.equal(bad.code, 1);
    for (const words of ["people[0]: name", "pasword is not known", "people: a stands there twice", "clients[0]: has neither a secret nor redirectUris", "audience: has to be a text"]) assert.ok(bad.stderr.includes(words), `${words} in ${bad.stderr}`);
    assert.match((await project.tenon(["issuer", "--file", "no.json"])).stderr, /is not JSON/);
    assert.match((await project.tenon(["issuer"])).stderr, /issuer\.json cannot be read/);
    assert.equal((await project.tenon(["issuer", "--port", "many"])).code, 2);
  });
});
