/** The client's package, loaded at first use: 0.4 s that an app without Kafka does not pay. */
import { Fault } from "../kernel/index.ts";

export type Client = typeof import("@platformatic/kafka");

/** @throws {Fault} `unimplemented` when the package is not installed. */
export async function loadClient(): Promise<Client> {
  try {
    return await import("@platformatic/kafka");
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing) throw error;
    throw new Fault("unimplemented", "events over Kafka need a package: npm install @platformatic/kafka", { cause: error });
  }
}
