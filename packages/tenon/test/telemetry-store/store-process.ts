/** A process that receives telemetry until it is killed: prints its URL, and nothing else. */
import { openOtlpReceiver, TelemetryStore } from "../../src/telemetry-store/index.ts";

const [directory = ""] = process.argv.slice(2);
const store = await TelemetryStore.open(directory, { sizeMaxBytes: 64 * 1024 ** 2 });
const receiver = await openOtlpReceiver(store, { port: 0 });
console.log(receiver.url);
