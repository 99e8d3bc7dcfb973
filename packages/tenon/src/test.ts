/** Services in tests: every operation as a function, on a real database, without a socket. */
export { fake, type Fake, test, type TestCaller, type TestCallOptions, type Tested, type TestOptions } from "./app/index.ts";
