/** What tests of the command line look at without starting a process for it. */
export { runCommand } from "./main.ts";
export { createSbom, type Sbom } from "./sbom/cyclonedx.ts";
export { type LockFile, readLockFile } from "./sbom/lock-file.ts";
