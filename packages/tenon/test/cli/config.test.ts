/** `tenon config`: every value, where it came from, and everything that is wrong at once. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Project } from "./tenon-process.ts";

const app = `import { app, contract, query, secret, service } from "tenon";
import * as z from "zod";

const mail = contract("mail", { ping: query({ http: "GET /ping", access: "public", output: z.object({ ok: z.boolean() }) }) });
const config = z.object({
  MAIL_FROM: z.email().describe("who mails are from"),
  MAIL_RETRIES: z.int().min(0).max(9).default(3).describe("how often to try again"),
  MAIL_KEY: secret(z.string()).describe("key of the provider"),
});
export default app("post", { services: [service(mail, { config, handlers: { ping: () => ({ ok: true }) } })] });
`;

interface Setting {
  readonly env: string;
  readonly value: string;
  readonly from: string;
  readonly about: string;
}

async function settingsOf(project: Project, env: Readonly<Record<string, string>>): Promise<ReadonlyMap<string, Setting>> {
  const { stderr, stdout } = await project.tenon(["config", "--json"], env);
  assert.equal(stderr, "");
  const { settings } = JSON.parse(stdout) as { readonly settings: readonly Setting[] };
  return new Map(settings.map((setting) => [setting.env, setting]));
}

describe("config", () => {
  test("says of each value whether it is of the environment, of .env or the default; the environment is stronger", async () => {
    await using project = await Project.create({ "app.ts": app, ".env": "PORT=4000\nHOST=127.0.0.1\nMAIL_FROM=a@example.org\n" });
    const settings = await settingsOf(project, { PORT: "5000", MAIL_KEY: "abc" });
    assert.deepEqual([settings.get("PORT")?.value, settings.get("PORT")?.from], ["5000", "environment"]);
    assert.deepEqual([settings.get("HOST")?.value, settings.get("HOST")?.from], ["127.0.0.1", ".env"]);
    assert.deepEqual([settings.get("LOG_LEVEL")?.value, settings.get("LOG_LEVEL")?.from], ["info", "default"]);
    assert.deepEqual([settings.get("MAIL_FROM")?.value, settings.get("MAIL_FROM")?.from], ["a@example.org", ".env"]);
    assert.deepEqual([settings.get("MAIL_RETRIES")?.value, settings.get("MAIL_RETRIES")?.about], ["3", "how often to try again"]);
  });

  test("masks secrets, of the platform and of services, in tables and for programs", async () => {
    await using project = await Project.create({ "app.ts": app, ".env": "MAIL_FROM=a@example.org\n" });
    const env = { DATABASE_URL: "postgres://ann:hunter2@localhost/shop", MAIL_KEY: "hunter3" };
    const settings = await settingsOf(project, env);
    assert.equal(settings.get("DATABASE_URL")?.value, "***");
    assert.equal(settings.get("MAIL_KEY")?.value, "***");
    const { stdout } = await project.tenon(["config"], env);
    assert.match(stdout, /^SETTING +VALUE +FROM +FOR\n/);
    assert.match(stdout, /\nMAIL_KEY +\*\*\* +environment +key of the provider/);
    assert.doesNotMatch(stdout, /hunter/);
  });

  test("tells all problems at once, of the platform and of services, and ends with 1", async () => {
    await using project = await Project.create({ "app.ts": app, ".env": "MAIL_RETRIES=many\n" });
    const { code, stderr, stdout } = await project.tenon(["config"], { PORT: "80x", LOG_LEVEL: "loud", DATABASE_URL: "mysql://secret" });
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /^error: the configuration of post has \d+ problems:\n/);
    assert.match(stderr, /PORT="80x" \(from environment\) must be a whole number/);
    assert.match(stderr, /LOG_LEVEL="loud"/);
    assert.match(stderr, /MAIL_RETRIES/);
    assert.match(stderr, /MAIL_FROM/);
    assert.match(stderr, /DATABASE_URL/);
    assert.doesNotMatch(stderr, /mysql/);
    assert.match(stderr, /\n {2}→ set it in the environment, or in \.env\n$/);
  });
});
