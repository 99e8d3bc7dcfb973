/** A shop under a drill: its process, its provider, its database looked at from outside, and a past in which all was well. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { Provider } from "../../examples/shop/provider/server.ts";
import type { Incident } from "../../packages/tenon/src/incidents/index.ts";
import { type Alert, type Counts, tiers } from "../../packages/tenon/src/objectives/index.ts";
import { openDevelopmentIssuer } from "../../packages/tenon/src/oidc/index.ts";
import { postgresDatabase } from "../postgres-database.ts";
import { ServerProcess } from "../server-process.ts";
import { drillClock, drillNowMs, type DrillTime } from "./drill-clock.ts";

const key = "sk_drill";
/** So much of a good past is on record when a drill begins: as long as the longest window that pages. */
const pastMs = 6 * 3_600_000;
/** Services with objectives. */
const services = ["accounts", "catalog", "inventory", "orders", "payments"] as const;

export interface ObservedShopOptions {
  /** Of a PostgreSQL whose user may create databases. */
  readonly url: string;
  readonly scale: number;
  readonly env?: Readonly<Record<string, string>>;
}

export class ObservedShop implements AsyncDisposable {
  readonly provider: Provider;
  readonly client: pg.Client;
  readonly time: DrillTime;
  readonly databaseUrl: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #directory: string;
  readonly #closers: (() => Promise<unknown>)[];
  readonly #seeded = new Map<string, number>();
  readonly #perHour = new Map<string, number>();
  #server: ServerProcess | undefined = undefined;

  private constructor(parts: { readonly provider: Provider; readonly client: pg.Client; readonly time: DrillTime; readonly databaseUrl: string; readonly env: Readonly<Record<string, string>>; readonly directory: string; readonly closers: (() => Promise<unknown>)[] }) {
    this.provider = parts.provider;
    this.client = parts.client;
    this.time = parts.time;
    this.databaseUrl = parts.databaseUrl;
    this.#env = parts.env;
    this.#directory = parts.directory;
    this.#closers = parts.closers;
  }

  static async open({ env = {}, scale, url }: ObservedShopOptions): Promise<ObservedShop> {
    const database = await postgresDatabase(url);
    const directory = await mkdtemp(join(tmpdir(), "tenon-shop-drill-"));
    const provider = new Provider({ key });
    const port = await provider.listen(0);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    // The shop is migrated and filled before time begins to run.
    const common = { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", TENON_DIRECTORY: directory, DATABASE_URL: database.url, PAYMENTS_PROVIDER_URL: `http://127.0.0.1:${port}`, PAYMENTS_PROVIDER_KEY: key, PAYMENTS_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString("base64")}`, ...env };
    const script = new URL("server.ts", import.meta.url);
    const first = await ServerProcess.start(script, { ...common, DRILL_ORIGIN_MS: String(Date.now()), DRILL_SCALE: "1" });
    await first.stop();
    const time = { originMs: Date.now(), scale };
    const closers = [() => provider.close(), () => client.end(), () => rm(directory, { recursive: true, force: true }), async () => database[Symbol.asyncDispose]()];
    return new ObservedShop({ provider, client, time, databaseUrl: database.url, directory, closers, env: { ...common, DRILL_ORIGIN_MS: String(time.originMs), DRILL_SCALE: String(scale) } });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server?.port ?? 0}`;
  }

  get nowMs(): number {
    return drillNowMs(this.time);
  }

  async start(more: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#server = await ServerProcess.start(new URL("server.ts", import.meta.url), { ...this.#env, ...more });
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  async tokenOf(subject: string): Promise<string> {
    const issuer = await openDevelopmentIssuer({ directory: this.#directory, clock: drillClock({ originMs: 0, scale: 1 }) });
    return issuer.sign({ subject, expiresInS: 7_200 });
  }

  /** Writes down hours in which so many calls of each target came and went well, as instances do. */
  async remember(perHour: Readonly<Record<string, number>>): Promise<void> {
    const untilS = Math.floor(this.time.originMs / 10_000) * 10;
    for (const [target, rate] of Object.entries(perHour)) {
      const service = target.slice(0, target.indexOf("."));
      const bucketS = 10;
      this.#perHour.set(target, rate);
      const countOf = (at: number): number => Math.floor(((at + 1) * rate * bucketS) / 3_600) - Math.floor((at * rate * bucketS) / 3_600);
      const buckets = Array.from({ length: pastMs / 1_000 / bucketS }, (_, at) => ({ atS: untilS - pastMs / 1_000 + at * bucketS, total: countOf(at) }));
      this.#seeded.set(target, buckets.reduce((sum, { total }) => sum + total, 0));
      for (const tier of tiers) {
        const sums = new Map<number, number>();
        for (const { atS, total } of buckets) sums.set(atS - (atS % tier.bucketS), (sums.get(atS - (atS % tier.bucketS)) ?? 0) + total);
        await this.client.query(
          `insert into ${service}.tenon_objective_counts (bucket_s, start_s, target, bad, total) select $1, start_s, $2, 0, total from unnest($3::bigint[], $4::bigint[]) as past (start_s, total)
           on conflict (bucket_s, start_s, target) do update set total = ${service}.tenon_objective_counts.total + excluded.total`,
          [tier.bucketS, target, [...sums.keys()], [...sums.values()]],
        );
      }
    }
  }

  /** How much of that there was of a target. */
  remembered(target: string): number {
    return this.#seeded.get(target) ?? 0;
  }

  /** How much of it came after an instant. */
  rememberedSince(target: string, atMs: number): number {
    return ((this.#perHour.get(target) ?? 0) * Math.max(0, this.time.originMs - Math.max(atMs, this.time.originMs - pastMs))) / 3_600_000;
  }

  /** What all instances have counted, as the budget is computed from it: over 28 days. */
  async counts(target: string): Promise<Counts> {
    const service = target.slice(0, target.indexOf("."));
    const { rows } = await this.client.query<{ readonly bad: string | null; readonly total: string | null }>(`select sum(bad) as bad, sum(total) as total from ${service}.tenon_objective_counts where bucket_s = 3600 and target = $1`, [target]);
    return { bad: Number(rows[0]?.bad ?? 0), total: Number(rows[0]?.total ?? 0) };
  }

  async alerts(): Promise<readonly Alert[]> {
    const found: Alert[] = [];
    for (const service of services) found.push(...(await this.client.query<{ readonly alert: Alert }>(`select alert from ${service}.tenon_alerts order by id`)).rows.map(({ alert }) => alert));
    return found;
  }

  async incidents(): Promise<readonly Incident[]> {
    return (await this.client.query<{ readonly incident: Incident }>("select incident from accounts.tenon_incidents order by opened_at")).rows.map(({ incident }) => incident);
  }

  async timeLine(id: string): Promise<readonly string[]> {
    return (await this.client.query<{ readonly text: string }>("select text from accounts.tenon_incident_entries where incident = $1 order by at, seq", [id])).rows.map(({ text }) => text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const close of this.#closers) await close();
  }
}
