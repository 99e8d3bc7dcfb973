/** The command line. `bin/tenon.js` is the only one to open this door. */
export { main } from "./main.ts";
