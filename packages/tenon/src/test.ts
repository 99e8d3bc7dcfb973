/** Services in tests: every operation as a function, on a real database, without a socket. */
export { advance, call, fake, type Fake, fire, type FireOptions, settled, test, type TestCaller, type TestCallOptions, type Tested, type TestOptions } from "./app/index.ts";
