/**
 * A database that a process loses at one of its durable writes: just before it, so that nothing of it was kept, or just
 * after, so that it was and nobody heard of it. From then on nothing gets through, as after the death of the process.
 */
import { type Database, DatabaseError, type Rows, type Session, type SessionRequest, type Statement } from "../../src/data/index.ts";

export interface CrashPlan {
  /** Which durable write, from 1. */
  readonly at: number;
  readonly side: "before" | "after";
}

const writes = /^\s*(?:insert|update|delete|merge)\b|\b(?:insert into|delete from|update tenon_)/i;

export class CrashingDatabase implements Database {
  readonly label: string;
  readonly sessions: Database["sessions"];
  /** What the durable writes were, in order: the last statements of each. */
  readonly log: string[] = [];
  readonly crashed = Promise.withResolvers<void>();
  readonly #inner: Database;
  readonly #plan: CrashPlan | undefined;
  readonly #open = new Set<CrashingSession>();
  isDead = false;

  constructor(inner: Database, plan?: CrashPlan) {
    this.#inner = inner;
    this.#plan = plan;
    this.label = inner.label;
    this.sessions = inner.sessions;
  }

  async acquire(request: SessionRequest): Promise<Session> {
    this.assertAlive();
    const session = await this.#inner.acquire(request);
    if (this.isDead) session.release();
    this.assertAlive();
    const own = new CrashingSession(session, this, () => this.#open.delete(own));
    this.#open.add(own);
    return own;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  assertAlive(): void {
    if (this.isDead) throw new DatabaseError("the process is dead", "08006");
  }

  /** Ends everything that the process had open, as the server does when a connection is lost. */
  async die(): Promise<void> {
    this.isDead = true;
    this.crashed.resolve();
    await Promise.all([...this.#open].map((session) => session.abandon()));
  }

  async write(text: string, run: () => Promise<Rows>): Promise<Rows> {
    this.log.push(text.replaceAll(/\s+/g, " ").trim().slice(0, 90));
    const isPlanned = this.#plan?.at === this.log.length;
    if (!isPlanned) return run();
    if (this.#plan.side === "after") await run();
    this.isDead = true;
    throw new DatabaseError("the process died", "08006");
  }
}

class CrashingSession implements Session {
  readonly #inner: Session;
  readonly #database: CrashingDatabase;
  readonly #gone: () => void;
  #isInside = false;
  #isReleased = false;

  constructor(inner: Session, database: CrashingDatabase, gone: () => void) {
    this.#inner = inner;
    this.#database = database;
    this.#gone = gone;
  }

  query(text: string, parameters: readonly unknown[]): Promise<Rows> {
    return this.batch([{ text, parameters }]);
  }

  async batch(statements: readonly Statement[]): Promise<Rows> {
    this.#database.assertAlive();
    const texts = statements.map(({ text }) => text);
    const run = (): Promise<Rows> => this.#inner.batch(statements);
    const wasInside = this.#isInside;
    if (texts[0]?.startsWith("begin") === true) this.#isInside = true;
    const isEnd = ["commit", "rollback"].includes(texts.at(-1) ?? "");
    if (isEnd) this.#isInside = false;
    const isDurable = texts.at(-1) === "commit" || (!wasInside && !this.#isInside && texts.some((text) => writes.test(text)));
    const told = texts.filter((text) => text !== "commit" && !text.startsWith("begin")).at(-1) ?? "commit";
    try {
      return isDurable ? await this.#database.write(told, run) : await run();
    } catch (error) {
      if (this.#database.isDead) await this.#database.die();
      throw error;
    }
  }

  script(text: string): Promise<void> {
    this.#database.assertAlive();
    return this.#inner.script(text);
  }

  release(how?: "broken"): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#gone();
    this.#inner.release(how);
  }

  cancel(): void {
    this.#inner.cancel();
  }

  async abandon(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#gone();
    await this.#inner.query("rollback", []).catch(() => undefined);
    this.#inner.release();
  }
}
