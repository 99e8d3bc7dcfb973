/** Services in tests: every operation as a function, on a real database, without a socket. */
export { advance, call, fake, type Fake, fire, type FireOptions, post, runStep, settled, test, type TestAnswer, type TestCaller, type TestCallOptions, type Tested, type TestOptions, type TestStepOptions, type TestStepOutcome, type TestWebhook } from "./app/testing.ts";
