/** `tenon keys`, with the real program: what it makes is taken by the app, and what it ends is not. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { notesFiles } from "./projects.ts";
import { freePort, Project, TenonProcess } from "./tenon-process.ts";

const contractText = `import { contract, query, scope } from "tenon";
import * as z from "zod";

export const Note = z.object({ id: z.int32(), text: z.string() });

export const notes = contract("notes", {
  list: query({ http: "GET /notes", access: scope("notes:read"), output: z.object({ items: z.array(Note) }) }),
});
`;

interface Shown {
  readonly key: string;
  readonly id: string;
  readonly state: string;
  readonly formerSecretUntil: string | null;
}

async function statuses(project: Project, keys: readonly string[], scheme = "Bearer"): Promise<readonly number[]> {
  const port = await freePort();
  await using app = new TenonProcess(["start"], { cwd: project.directory, env: { ...project.env, PORT: String(port), LOG_FORMAT: "json", TENON_MODE: "development" } });
  await app.nextEvent({ level: "info", services: "notes" });
  const answers: number[] = [];
  for (const key of keys) answers.push((await fetch(`http://localhost:${port}/notes`, { headers: { authorization: `${scheme} ${key}` } })).status);
  app.signal("SIGTERM");
  await app.ended();
  return answers;
}

describe("tenon keys", () => {
  test("a key is shown once, does what its scopes say, lives on through a rotation, and ends", { timeout: 170_000 }, async () => {
    await using project = await Project.createOnServer({ ...notesFiles(), "notes/contract.ts": contractText });
    assert.equal((await project.tenon(["migrate"])).code, 0);
    const made = await project.command(["keys", "create", "nightly-export", "--scope", "notes:read"]);
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /^tnk_[0-9a-f]{16}_[0-9a-f]{72}\n$/);
    assert.match(made.stderr, /good until .*; it is not shown again/);
    const first = made.stdout.trim();
    const powerless = (JSON.parse((await project.command(["keys", "create", "idle", "--expires", "1h", "--json"])).stdout) as Shown).key;

    const id = first.slice(4, 20);
    const second = JSON.parse((await project.command(["keys", "rotate", id.slice(0, 8), "--overlap", "1h", "--json"])).stdout) as Shown;
    assert.equal(second.id, id);
    assert.ok(second.formerSecretUntil !== null);

    const listed = await project.command(["keys", "list"]);
    assert.match(listed.stdout, /^ID +NAME +CALLS AS +STATE +EXPIRES +MAY\n/);
    assert.match(listed.stdout, /nightly-export +nightly-export +good +\S+ +notes:read/);
    for (const key of [first, second.key]) assert.ok(!listed.stdout.includes(key.slice(21)), "the secret is nowhere");
    assert.deepEqual(await statuses(project, [first, second.key, powerless, `${first.slice(0, -1)}${first.endsWith("0") ? "1" : "0"}`]), [200, 200, 403, 401]);

    const unasked = await project.tenon(["keys", "revoke", id]);
    assert.deepEqual([unasked.code, /--yes/.test(unasked.stderr)], [2, true]);
    const revoked = await project.command(["keys", "revoke", id, "--yes"]);
    assert.equal(revoked.code, 0, revoked.stderr);
    assert.deepEqual(await statuses(project, [first, second.key], "ApiKey"), [401, 401]);
  });

  test("what cannot be is told, with what to do", { timeout: 170_000 }, async () => {
    await using project = await Project.createOnServer({ ...notesFiles(), "notes/contract.ts": contractText });
    for (const [args, code, words] of [
      [["create"], 2, /name/],
      [["create", "x", "--expires", "soon"], 2, /a number and a unit/],
      [["create", "x", "--expires", "9999d"], 2, /two years at most/],
      [["list"], 1, /tenon migrate/],
    ] as const) {
      const answer = await project.command(["keys", ...args]);
      assert.equal(answer.code, code, `${args.join(" ")}: ${answer.stderr}`);
      assert.match(answer.stderr, words);
    }
  });
});
