import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { ConfigError, parseConfig, parseServiceConfigs } from "../../src/app/index.ts";
import { contract, secret } from "../../src/contract/index.ts";
import { service } from "../../src/service/index.ts";

function layer(values: Record<string, string>, name = "environment"): { readonly name: string; readonly values: Record<string, string> } {
  return { name, values };
}

describe("the configuration", () => {
  test("takes the strongest layer that says something, and tells where each value came from", () => {
    const { config, lines } = parseConfig([layer({ PORT: "8080", LOG_LEVEL: "" }), layer({ PORT: "9090", LOG_LEVEL: "debug" }, ".env")]);
    assert.deepEqual([config.port, config.logLevel, config.drainMs], [8080, "debug", 10_000]);
    const from = Object.fromEntries(lines.map((line) => [line.env, line.from]));
    assert.deepEqual([from["PORT"], from["LOG_LEVEL"], from["DRAIN_MS"]], ["environment", ".env", "default"]);
  });

  test("tells every problem at once, with its name, its layer and what it has to be", () => {
    assert.throws(
      () => parseConfig([layer({ PORT: "99999", LOG_LEVEL: "loud", OIDC_ISSUER: "https://login.example", BODY_MAX_BYTES: "1e6" })]),
      (thrown) => {
        assert.ok(thrown instanceof ConfigError);
        assert.deepEqual(thrown.problems, [
          'PORT="99999" (from environment) must be a whole number from 0 to 65535',
          'LOG_LEVEL="loud" (from environment) must be one of debug, info, warn, error',
          'BODY_MAX_BYTES="1e6" (from environment) must be a whole number from 1 to 1073741824',
          "OIDC_AUDIENCE is missing: with OIDC_ISSUER it says which tokens are meant for this app",
        ]);
        return true;
      },
    );
  });

  test("never shows a secret, neither as a value nor in a problem", () => {
    const { lines } = parseConfig([layer({ DATABASE_URL: "postgres://shop:hunter2@db/shop" })]);
    assert.equal(lines.find((line) => line.env === "DATABASE_URL")?.value, "***");
    assert.throws(() => parseConfig([layer({ DATABASE_URL: "mysql://shop:hunter2@db/shop" })]), (thrown) => thrown instanceof ConfigError && !thrown.message.includes("hunter2"));
  });
});

describe("the settings of a service", () => {
  const payments = service(contract("payments", {}), {
    config: z.object({
      PROVIDER_URL: z.url().default("http://localhost:3001").describe("where the provider answers"),
      PROVIDER_RETRIES: z.int().default(2),
      PROVIDER_KEY: secret(z.string().min(8)),
      PROVIDER_SANDBOX: z.boolean().default(true),
    }),
    handlers: {},
  });

  test("are read by the names of their fields, as numbers and booleans where they are such", async () => {
    const { lines, values } = await parseServiceConfigs([payments], [layer({ PROVIDER_KEY: "abcdefghij", PROVIDER_RETRIES: "5", PROVIDER_SANDBOX: "false" })]);
    assert.deepEqual(values.get("payments"), { PROVIDER_URL: "http://localhost:3001", PROVIDER_RETRIES: 5, PROVIDER_KEY: "abcdefghij", PROVIDER_SANDBOX: false });
    assert.deepEqual(lines.find((line) => line.env === "PROVIDER_KEY")?.value, "***");
    assert.equal(lines.find((line) => line.env === "PROVIDER_URL")?.about, "where the provider answers");
  });

  test("that are missing or wrong are told together, by name and service", async () => {
    await assert.rejects(parseServiceConfigs([payments], [layer({ PROVIDER_URL: "nowhere", PROVIDER_RETRIES: "many" })]), (thrown) => {
      assert.ok(thrown instanceof ConfigError);
      assert.deepEqual(thrown.problems.map((problem) => problem.split(" ")[0]), ["PROVIDER_URL", "PROVIDER_RETRIES", "PROVIDER_KEY"]);
      return true;
    });
  });
});
