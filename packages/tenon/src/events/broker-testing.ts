/**
 * The suite of the `Broker` port: what every broker must do. An adapter's own test file is one call to this.
 *
 * Each broker that it opens stands for a process. What arrives is looked at through an inbox that drops events that it
 * has, as the receiving side of the platform does: brokers may bring an event twice, never lose one, and never let one
 * of a key be kept before an earlier one of that key.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Broker, BrokerGroup, BrokerMessage, BrokerSink } from "./ports.ts";

export interface BrokerUnderTest {
  /** One more process at the same broker. */
  open(): Promise<Broker>;
  /** Takes away what the suite has made. All brokers are closed by then. */
  drop(): Promise<void>;
  /** How many runs of chance. Default 3; fewer where each takes long. */
  readonly seeds?: number;
  /** Whether processes come and go while events arrive by chance. Default yes; not for a mock whose groups form anew too slowly. */
  readonly comings?: "yes" | "no";
}

/** The longest that anything may take to arrive: a group that forms anew, on a busy machine. */
const arriveMaxMs = 90_000;
/** How long nothing has to happen to count as nothing. */
const quietMs = 300;

/** Keeps events as a service's database does: once each, in the order in which they were first kept. */
export class TestInbox {
  readonly kept: BrokerMessage[] = [];
  /** Everything that was handed over, kept or not, duplicates too. */
  readonly handed: BrokerMessage[] = [];
  readonly #ids = new Set<string>();
  /** Runs before a batch is kept; a rejection is the sink's. */
  before: (batch: readonly BrokerMessage[]) => Promise<void> | void = () => undefined;

  readonly sink: BrokerSink = async (batch) => {
    this.handed.push(...batch);
    await this.before(batch);
    for (const message of batch) {
      if (this.#ids.has(message.id)) continue;
      this.#ids.add(message.id);
      this.kept.push(message);
    }
  };

  has(messages: readonly BrokerMessage[]): boolean {
    return messages.every(({ id }) => this.#ids.has(id));
  }

  async holds(messages: readonly BrokerMessage[]): Promise<void> {
    await eventually(() => this.has(messages), () => `${messages.filter(({ id }) => !this.#ids.has(id)).length} of ${messages.length} events did not arrive`);
  }
}

/** Waits until something is so. @throws {AssertionError} it does not come about. */
export async function eventually(isSo: () => boolean | Promise<boolean>, otherwise: () => string): Promise<void> {
  const startedMs = performance.now();
  while (!(await isSo())) {
    if (performance.now() - startedMs > arriveMaxMs) assert.fail(otherwise());
    await pause(10);
  }
}

/** Events as a relay has them. The number of each stands in its body. */
export class TestEvents {
  readonly #service: string;
  #count = 0;

  constructor(service: string) {
    this.#service = service;
  }

  make(count: number, { type = "placed", keys = 5 }: { readonly type?: string; readonly keys?: number } = {}): readonly BrokerMessage[] {
    return Array.from({ length: count }, () => {
      const number = this.#count++;
      const id = randomUUID();
      return { id, service: this.#service, type: `${this.#service}.${type}`, key: `key-${number % keys}`, body: JSON.stringify({ specversion: "1.0", id, number }) };
    });
  }
}

/** What was kept, and in the order of `published` for each key. */
export function assertKept(inbox: TestInbox, published: readonly BrokerMessage[]): void {
  assert.equal(inbox.kept.length, published.length, "every event once");
  const expected = Map.groupBy(published, ({ key }) => key);
  for (const [key, messages] of Map.groupBy(inbox.kept, (message) => message.key)) {
    assert.deepEqual(messages.map(numberOf), (expected.get(key) ?? []).map(numberOf), `the order of ${key}`);
  }
}

function numberOf({ body }: BrokerMessage): number {
  return (JSON.parse(body) as { readonly number: number }).number;
}

/** Repeatable chance: https://en.wikipedia.org/wiki/Linear_congruential_generator, the numbers of Numerical Recipes. */
function createChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export function brokerContract(adapter: string, open: () => Promise<BrokerUnderTest>): void {
  describe(`${adapter} keeps the Broker contract`, () => {
    let under: BrokerUnderTest;
    const opened: Broker[] = [];
    let serial = 0;

    before(async () => {
      under = await open();
    });
    after(async () => {
      await Promise.all(opened.map((broker) => broker.close()));
      await under.drop();
    });

    async function process(): Promise<Broker> {
      const broker = await under.open();
      opened.push(broker);
      return broker;
    }

    /** Services of its own for each test, so that none reads what another has left. */
    function emitter(): { readonly service: string; readonly events: TestEvents } {
      const service = `emitter-${++serial}`;
      return { service, events: new TestEvents(service) };
    }

    function group(service: string, from: string, types: readonly string[] = ["placed"]): BrokerGroup {
      return { service: `${service}-of-${from}`, types: new Map([[from, types.map((type) => `${from}.${type}`)]]) };
    }

    test("a message arrives as it was published", async () => {
      const broker = await process();
      const { service } = emitter();
      const keys = [undefined, "plain", "with blanks, \r\n and %41", "zażółć 💥", ""];
      const messages = keys.map((key) => ({ id: randomUUID(), service, type: `${service}.placed`, key, body: `{"text":"zażółć 💥\\n","key":${JSON.stringify(key ?? null)}}` }));
      await broker.publish(messages);
      const inbox = new TestInbox();
      const consumption = await broker.consume(group("reader", service), inbox.sink);
      await inbox.holds(messages);
      const byId = (a: BrokerMessage, b: BrokerMessage): number => (a.id < b.id ? -1 : 1);
      assert.deepEqual(inbox.kept.toSorted(byId), messages.toSorted(byId));
      await consumption.close();
    });

    test("nothing to publish is published", async () => {
      await (await process()).publish([]);
    });

    test("events of a key stay in order over many batches, of several services", async () => {
      const broker = await process();
      const [one, two] = [emitter(), emitter()];
      const inbox = new TestInbox();
      const types = new Map([one, two].map(({ service }) => [service, [`${service}.placed`]]));
      const consumption = await broker.consume({ service: `reader-of-${one.service}`, types }, inbox.sink);
      const published: BrokerMessage[] = [];
      for (let batch = 0; batch < 10; batch++) {
        const messages = [...one.events.make(150), ...two.events.make(50)];
        await broker.publish(messages);
        published.push(...messages);
      }
      await inbox.holds(published);
      for (const { service } of [one, two]) {
        const ofService = (messages: readonly BrokerMessage[]): readonly BrokerMessage[] => messages.filter((message) => message.service === service);
        const view = new TestInbox();
        view.kept.push(...ofService(inbox.kept));
        assertKept(view, ofService(published));
      }
      await consumption.close();
    });

    test("a service gets the types that it asked for, and each service gets all of them", async () => {
      const broker = await process();
      const { service, events } = emitter();
      const [first, second] = [new TestInbox(), new TestInbox()];
      const published = [...events.make(20, { type: "placed" }), ...events.make(20, { type: "paid" }), ...events.make(20, { type: "lost" })];
      await broker.publish(published);
      const consumptions = [await broker.consume(group("first", service, ["placed", "paid"]), first.sink), await broker.consume(group("second", service, ["lost"]), second.sink)];
      await first.holds(published.slice(0, 40));
      await second.holds(published.slice(40));
      assert.equal(first.handed.length, 40);
      assert.equal(second.handed.length, 20);
      await Promise.all(consumptions.map((consumption) => consumption.close()));
    });

    test("processes of a service share its events, in order, while they come and go", async (context) => {
      if (under.comings === "no") return context.skip("groups form anew too slowly here");
      const relay = await process();
      const { service, events } = emitter();
      const inbox = new TestInbox();
      const published: BrokerMessage[] = [];
      const [one, two] = [await process(), await process()];
      const first = await one.consume(group("reader", service), inbox.sink);
      const publish = async (batches: number): Promise<void> => {
        for (let batch = 0; batch < batches; batch++) {
          const messages = events.make(100);
          await relay.publish(messages);
          published.push(...messages);
        }
      };
      await publish(3);
      const second = await two.consume(group("reader", service), inbox.sink);
      await publish(3);
      await inbox.holds(published.slice(0, 100));
      await first.close();
      await publish(3);
      await inbox.holds(published);
      assertKept(inbox, published);
      await second.close();
    });

    test("a batch that the sink rejects comes again, and nothing of its keys overtakes it", async () => {
      const broker = await process();
      const { service, events } = emitter();
      const inbox = new TestInbox();
      let rejections = 0;
      inbox.before = () => {
        if (inbox.handed.length < 40 || rejections >= 3) return;
        rejections++;
        throw new RangeError("no room");
      };
      const consumption = await broker.consume(group("reader", service), inbox.sink);
      const published: BrokerMessage[] = [];
      for (let batch = 0; batch < 20; batch++) {
        const messages = events.make(10);
        await broker.publish(messages);
        published.push(...messages);
      }
      await inbox.holds(published);
      assert.equal(rejections, 3);
      assertKept(inbox, published);
      await consumption.close();
    });

    test("batches that are published again, whole, in part or with more behind them, change nothing", async () => {
      const broker = await process();
      const { service, events } = emitter();
      const inbox = new TestInbox();
      const consumption = await broker.consume(group("reader", service), inbox.sink);
      const published = events.make(100);
      await broker.publish(published.slice(0, 30));
      await broker.publish(published.slice(0, 30));
      await broker.publish(published.slice(10, 60));
      await broker.publish(published.slice(0, 100));
      await broker.publish(published.slice(20, 40));
      await inbox.holds(published);
      assertKept(inbox, published);
      await consumption.close();
    });

    test("a relay that was asleep publishes old events once more beside the one that took its place", async () => {
      const [stale, fresh] = [await process(), await process()];
      const { service, events } = emitter();
      const inbox = new TestInbox();
      const consumption = await fresh.consume(group("reader", service), inbox.sink);
      const published = events.make(1_000);
      const batches = (from: number, size: number): readonly (readonly BrokerMessage[])[] =>
        Array.from({ length: Math.ceil((published.length - from) / size) }, (_, i) => published.slice(from + i * size, from + (i + 1) * size));
      const relay = async (broker: Broker, work: readonly (readonly BrokerMessage[])[]): Promise<void> => {
        for (const batch of work) await untilPublished(broker, batch);
      };
      await relay(fresh, batches(0, 100).slice(0, 3));
      await Promise.all([relay(stale, batches(0, 70)), relay(fresh, batches(300, 100))]);
      await inbox.holds(published);
      assertKept(inbox, published);
      await consumption.close();
    });

    test("what was not kept when a consumption was closed comes to the next one, and nothing comes to a closed one", async () => {
      const broker = await process();
      const { service, events } = emitter();
      const inbox = new TestInbox();
      const published = events.make(300);
      await broker.publish(published.slice(0, 200));
      const first = await broker.consume(group("reader", service), inbox.sink);
      await eventually(() => inbox.kept.length > 0, () => "nothing arrived");
      await Promise.all([first.close(), first.close()]);
      const handed = inbox.handed.length;
      await broker.publish(published.slice(200));
      await pause(quietMs);
      assert.equal(inbox.handed.length, handed);

      const second = await (await process()).consume(group("reader", service), inbox.sink);
      await inbox.holds(published);
      assertKept(inbox, published);
      await second.close();
    });

    test("closing waits for the sink, and what the sink rejects meanwhile is not lost", async () => {
      const broker = await process();
      const { service, events } = emitter();
      const inbox = new TestInbox();
      const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
      const { promise: gate, reject: rejectGate } = Promise.withResolvers<void>();
      inbox.before = () => {
        enter();
        return gate;
      };
      const published = events.make(10);
      await broker.publish(published);
      const consumption = await broker.consume(group("reader", service), inbox.sink);
      await entered;
      let isClosed = false;
      const closing = consumption.close().then(() => (isClosed = true));
      await pause(quietMs);
      assert.equal(isClosed, false);
      rejectGate(new RangeError("too late"));
      await closing;
      inbox.before = () => undefined;
      const again = await (await process()).consume(group("reader", service), inbox.sink);
      await inbox.holds(published);
      assertKept(inbox, published);
      await again.close();
    });

    test("through relays that repeat themselves, sinks that fail and processes that come and go: each event once, in order", async () => {
      for (let seed = 1; seed <= (under.seeds ?? 3); seed++) {
        const chance = createChance(seed);
        const { service, events } = emitter();
        const inbox = new TestInbox();
        let failures = 0;
        inbox.before = async () => {
          await pause(chance() * 5);
          if (chance() > 0.2 || failures >= 4) return;
          failures++;
          throw new RangeError("by chance");
        };
        const published = events.make(400 + Math.floor(chance() * 200), { keys: 7 });
        const [relay, other, reader] = [await process(), await process(), await process()];
        const relaying = (async () => {
          for (let at = 0; at < published.length; ) {
            const size = 1 + Math.floor(chance() * 90);
            const batch = published.slice(at, at + size);
            const doubled = chance() < 0.3 ? [untilPublished(other, batch)] : [];
            await Promise.all([untilPublished(relay, batch), ...doubled]);
            at += chance() < 0.2 ? Math.floor(size / 2) : size;
          }
        })();
        const lasting = await relay.consume(group("reader", service), inbox.sink);
        const passing = under.comings === "no" ? undefined : await reader.consume(group("reader", service), inbox.sink);
        await eventually(() => inbox.kept.length > 50, () => `seed ${seed}: ${inbox.kept.length} events arrived`);
        await passing?.close();
        await relaying;
        await inbox.holds(published);
        assertKept(inbox, published);
        await lasting.close();
      }
    });

    test("a closed broker refuses, and closing again is nothing", async () => {
      const broker = await process();
      const { service, events } = emitter();
      await broker.publish(events.make(1));
      await broker.close();
      await broker.close();
      await assert.rejects(broker.publish(events.make(1)), { name: "Fault", code: "unavailable" });
      await assert.rejects(broker.consume(group("reader", service), () => Promise.resolve()), { name: "Fault", code: "unavailable" });
    });

    test("the label says where the broker is", async () => {
      assert.match((await process()).label, /^\w+ \S+$/);
    });
  });
}

/** As a relay does: again, until it went well. */
export async function untilPublished(broker: Broker, messages: readonly BrokerMessage[]): Promise<void> {
  for (;;) {
    try {
      await broker.publish(messages);
      return;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "unavailable")) throw error;
      await pause(20);
    }
  }
}
