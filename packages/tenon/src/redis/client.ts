/** The client's package, loaded at first use: an app without Redis need not have it. */
import { Fault } from "../kernel/index.ts";

export type RedisModule = Pick<typeof import("ioredis"), "Redis">;

/** @throws {Fault} `unimplemented` when the package is not installed. */
export async function loadClient(): Promise<RedisModule> {
  try {
    return await import("ioredis");
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing) throw error;
    throw new Fault("unimplemented", "limits in Redis need a package: npm install ioredis", { cause: error });
  }
}
