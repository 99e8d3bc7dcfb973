/** Services in tests. A door of its own, so that no start of an app loads what only tests need. */
export type { TestAnswer } from "./test-post.ts";
export type { TestStepOptions, TestStepOutcome } from "./test-step.ts";
export { advance, call, fake, type Fake, fire, type FireOptions, post, runStep, settled, test, type TestCaller, type TestCallOptions, type Tested, type TestOptions, type TestWebhook } from "./test-app.ts";
