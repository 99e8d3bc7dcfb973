import { MemoryLimits } from "../../src/trust/index.ts";
import { limitStoreContract } from "../../src/trust/limit-testing.ts";
import { systemClock } from "../../src/app/index.ts";

limitStoreContract("memory", async () => ({ store: new MemoryLimits({ clock: systemClock }), close: async () => undefined }));
