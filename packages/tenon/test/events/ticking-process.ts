/** One instance of an app as far as its schedules go, to be killed: `ticking-process.ts <url> <holder>`. */
import { openInstance, schedule, ticker } from "./ticked-service.ts";

const [, , url = "", holder = ""] = process.argv;
const database = await openInstance(url);
ticker(database, [schedule("quarter", "15m", "all"), schedule("night", { cron: "30 2 * * *", timeZone: "Europe/Berlin" })], { holder, sleepMaxMs: 5 }).start();
process.stdout.write("ready\n");
