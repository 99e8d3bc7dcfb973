/**
 * `npm start`: the whole shop on embedded defaults, with the payment provider beside it as a process of its own.
 *
 * In production the shop is started by `tenon start`, and `PAYMENTS_PROVIDER_URL` names the real provider. It does
 * here too: then no provider is started.
 */
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { ConfigError, type ConfigLayer, startApp } from "tenon/app";
import shop from "./app.ts";

interface RunningProvider {
  readonly url: string;
  /** Signs what it tells by itself. */
  readonly webhookSecret: string;
  /** Says where it is to tell it. */
  readonly tell: (webhookUrl: string) => void;
  readonly stop: () => Promise<void>;
}

/** Starts the provider on port 3001, or on another one when that is taken. */
async function startProvider(directory: string): Promise<RunningProvider> {
  const webhookSecret = process.env["PAYMENTS_WEBHOOK_SECRET"] ?? `whsec_${randomBytes(32).toString("base64")}`;
  const child = fork(new URL("provider/server.ts", import.meta.url), {
    // The ledger is kept beside the shop's own files: orders of yesterday can be refunded today.
    env: { PROVIDER_LEDGER: join(directory, "provider.jsonl"), ...process.env, PAYMENTS_WEBHOOK_SECRET: webhookSecret },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const port = await portOf(child);
  return {
    url: `http://127.0.0.1:${port}`,
    webhookSecret,
    tell: (webhookUrl) => child.send({ webhookUrl }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
    },
  };
}

async function portOf(child: ChildProcess): Promise<number> {
  const [said] = (await Promise.race([once(child, "message"), once(child, "exit")])) as [{ readonly port?: number } | number | null];
  if (typeof said === "object" && said?.port !== undefined) return said.port;
  throw new ConfigError(["the payment provider did not start"]);
}

async function main(): Promise<void> {
  const { env } = process;
  const provider = env["PAYMENTS_PROVIDER_URL"] === undefined ? await startProvider(env["TENON_DIRECTORY"] ?? ".tenon") : undefined;
  const layers: ConfigLayer[] = [{ name: "environment", values: env }];
  if (provider !== undefined) layers.push({ name: "start.ts", values: { PAYMENTS_PROVIDER_URL: provider.url, PAYMENTS_WEBHOOK_SECRET: provider.webhookSecret } });
  const { stdout } = process;
  try {
    const started = await startApp(shop, { layers, seed: "yes", output: { isTerminal: stdout.isTTY, hasColors: stdout.isTTY && stdout.hasColors() } });
    provider?.tell(`${started.url}/webhooks/payments`);
    stdout.write(`\n  The shop        ${started.url}/\n  Its admin page  ${started.url}/admin\n  Its API         ${started.url}/docs\n\n`);
    const stop = (): void => void started.stop().then(() => provider?.stop());
    process.once("SIGTERM", stop);
    process.once("SIGINT", stop);
  } catch (error) {
    await provider?.stop();
    throw error;
  }
}

await main();
