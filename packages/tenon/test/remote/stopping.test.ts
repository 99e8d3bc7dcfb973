/** Ends of a connection that nobody uses well: strangers that say nothing, and a service without a certificate of its own. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Call } from "../../src/calls/index.ts";
import { openEmbeddedIdentities, type RotatingIdentities } from "../../src/certificates/index.ts";
import type { Operation } from "../../src/contract/index.ts";
import { type Identities, IdPattern, type PeerRules } from "../../src/identity/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { CallServer, RemoteCarrier } from "../../src/remote/index.ts";
import { ManualClock } from "../calls/fixture.ts";
import { silent } from "../issuer/open-issuer.ts";
import { stock } from "./spread-services.ts";

const pattern = new IdPattern("spiffe://tenon.internal/spread/{service}");

describe("between processes", () => {
  const clock = new ManualClock();
  let directory: string;
  let identities: RotatingIdentities;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-stopping-"));
    identities = await openEmbeddedIdentities({ services: ["desk", "stock"], pattern, clock, log: silent, directory, lifeMs: 3_600_000, revokedFile: join(directory, "revoked") });
  });
  after(() => rm(directory, { recursive: true }));

  function rulesWith(own: Pick<Identities, "isRevoked">): PeerRules {
    return { pattern, identities: own, services: new Set(["desk", "stock"]) };
  }

  test("a stranger that connects and says nothing keeps no process from ending", async () => {
    const server = new CallServer({ services: ["stock"], identities, rules: rulesWith(identities), answered: () => undefined, clock, ids: () => "1", log: silent, port: 0, host: "127.0.0.1", drainMs: 500, connectionsMax: 10 });
    await server.start();
    const stranger = connect(server.port, "127.0.0.1");
    stranger.on("error", () => undefined);
    await once(stranger, "connect");
    await new Promise((resolve) => setImmediate(resolve));
    const stopped = server.stop().then(() => "stopped");
    clock.advance(500);
    const handshakeIsOver = AbortSignal.timeout(5_000);
    const given = once(handshakeIsOver, "abort").then(() => "waiting for the stranger");
    assert.equal(await Promise.race([stopped, given]), "stopped");
    stranger.destroy();
  });

  test("a service that lost its own certificate has learned nothing of the other one", async () => {
    let isLost = false;
    const own: Identities = {
      of(service) {
        if (isLost) throw new Fault("unavailable", "the certificate has expired");
        return identities.of(service);
      },
      isRevoked: () => false,
      onRotate: () => undefined,
    };
    const carrier = new RemoteCarrier({ urlOf: () => "https://127.0.0.1:1", identities: own, rules: rulesWith(own), clock, random: () => 0.5, log: silent });
    const operation = stock.take as unknown as Operation;
    const ask = (): Promise<unknown> => carrier.carry(new Call({ operation, id: "1", startedAtMs: clock.elapsedMs(), input: { sku: "a" }, from: "desk" }));
    for (let i = 0; i < 10; i += 1) await assert.rejects(ask(), { code: "unavailable" });
    assert.deepEqual(carrier.resting, ["stock"]);
    clock.advance(60_000);
    isLost = true;
    await assert.rejects(ask(), { message: "the certificate has expired" });
    assert.deepEqual(carrier.resting, ["stock"]);
    carrier.stop();
  });
});
