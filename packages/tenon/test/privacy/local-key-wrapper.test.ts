import { randomBytes } from "node:crypto";
import { localKeyWrapper } from "../../src/privacy/index.ts";
import { keyWrapperContract } from "../../src/privacy/testing.ts";

keyWrapperContract("a master key in this process", () => ({ wrapper: localKeyWrapper(randomBytes(32), randomBytes), other: localKeyWrapper(randomBytes(32), randomBytes) }));
