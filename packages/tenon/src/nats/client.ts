/** The client's packages, loaded at first use: an app without NATS need not have them. */
import { Fault } from "../kernel/index.ts";

export type Core = typeof import("@nats-io/transport-node");
export type JetStream = typeof import("@nats-io/jetstream");

export interface Client {
  readonly core: Core;
  readonly jetstream: JetStream;
}

/** @throws {Fault} `unimplemented` when the packages are not installed. */
export async function loadClient(): Promise<Client> {
  try {
    const [core, jetstream] = await Promise.all([import("@nats-io/transport-node"), import("@nats-io/jetstream")]);
    return { core, jetstream };
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing) throw error;
    throw new Fault("unimplemented", "events over NATS need two packages: npm install @nats-io/transport-node @nats-io/jetstream", { cause: error });
  }
}
