/** What the code of a step takes apart in its parameter list, besides what every handler gets. */
import { GivenUp } from "../events/index.ts";
import type { LogFields } from "../kernel/index.ts";
import { Call, type CallStart } from "../calls/index.ts";
import type { Attempt } from "../workflows/index.ts";
import { Context, type ServiceEnvironment } from "../handlers/index.ts";

/** One attempt at a step as a call: it passes the same stages as what answers a request. */
export class StepCall extends Call {
  readonly step: Attempt;

  constructor(start: CallStart, step: Attempt) {
    super(start);
    this.step = step;
  }

  override get known(): readonly unknown[] {
    return [...super.known, ...this.step.known()];
  }
}

export class StepContext extends Context {
  readonly #call: StepCall;

  constructor(call: StepCall, environment: ServiceEnvironment) {
    super(call, environment, Object.freeze({}));
    this.#call = call;
  }

  protected override get logFields(): LogFields {
    const { name, run } = this.#call.step;
    return { run: run.id, step: name };
  }

  get attempt(): number {
    return this.#call.step.attempt;
  }

  get giveUp(): (reason: string) => GivenUp {
    return (reason) => new GivenUp(reason);
  }
}
