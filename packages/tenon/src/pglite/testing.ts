/** For tests of this room: where new databases are kept. */
export { SnapshotCache } from "./snapshot.ts";
