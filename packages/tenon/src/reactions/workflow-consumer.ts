/** Workflows at work: the turns of their runs, and the events that runs wait for, as deliveries of the inbox. */
import type { Consumer, Delivery } from "../events/index.ts";
import { defaultRetryPolicy } from "../contract/index.ts";
import type { Random } from "../kernel/index.ts";
import type { Workflow } from "../service/index.ts";
import { RecordedSpan } from "../telemetry/index.ts";
import { mailLock, mailOf, type Program, type Run, RunDriver, type RunStore, turnsOf } from "../workflows/index.ts";
import { originOf, processSpan, reactionShape } from "./delivery-span.ts";
import { type StepRunnerParts, createStepRunner, isFinalFailure } from "./step-runner.ts";
import { createConsumer } from "./subscription.ts";

/** Runs at work at once in one process, where nothing is said: enough to hide waiting, few enough for a pool of 8. */
const defaultConcurrency = 4;
/**
 * A turn is the platform's own work: only a database that is away makes it fail, and giving up would strand its run. It
 * is tried for ever, once in half a minute at the longest.
 */
const turnPolicy = { ...defaultRetryPolicy, attempts: Number.MAX_SAFE_INTEGER, maxAgeMs: Number.POSITIVE_INFINITY, capMs: 30_000 };

export interface WorkflowParts extends StepRunnerParts {
  readonly store: RunStore;
  readonly programs: ReadonlyMap<string, Program>;
  /** Says, in so many ms, that there may be something due. */
  readonly wakeIn: (waitMs: number) => void;
  readonly random: Random;
}

export function createWorkflowConsumers(workflow: Workflow, parts: WorkflowParts): readonly Consumer[] {
  const { clock, environment, log, metrics, programs, random, spans, store, wakeIn } = parts;
  const program = programs.get(workflow.name) as Program;
  const ended = metrics.counter({ name: "tenon_runs_ended", help: "Runs of workflows that completed, failed, were canceled or were parked.", labels: ["workflow", "state"] });
  const driver = new RunDriver({ program, programs, store, runAttempt: createStepRunner(workflow.name, parts), isFinal: isFinalFailure, wakeIn, onEnd: (state) => ended.with(`${environment.service}.${workflow.name}`, state).add(), clock, random, log, privacy: environment.privacy });
  const shape = reactionShape({ name: `turn of ${workflow.name}`, kind: "consumer", attributes: { "tenon.workflow": workflow.name } }, { id: `${environment.service}.${workflow.name}`, service: environment.service });

  /** A turn is no call: it has no transaction of its own, and no deadline. Its span stands around those of its steps. */
  async function handle([delivery]: readonly Delivery[]): ReturnType<Consumer["handle"]> {
    if (!spans.isOn) return driver.drive(delivery as Delivery);
    const startedMs = clock.elapsedMs();
    let span: RecordedSpan | undefined;
    function begin(run: Run): string {
      const { continues, links } = originOf([{ trace: run.trace, time: run.startedAt }], clock.nowMs());
      const id = environment.ids();
      span = new RecordedSpan(shape, spans.begin(id, continues), { parentId: continues?.spanId ?? "", startedMs, id });
      span.details = { attributes: { "tenon.run": run.id }, ...(links === undefined ? {} : { links }) };
      return span.trace.textAt(id);
    }
    try {
      const outcome = await driver.drive(delivery as Delivery, begin);
      span?.end();
      return outcome;
    } catch (thrown) {
      span?.end({ code: "internal", isError: true });
      throw thrown;
    }
  }

  const turns: Consumer = {
    name: turnsOf(workflow.name),
    concurrency: workflow.options.concurrency ?? defaultConcurrency,
    batchMax: 1,
    policy: turnPolicy,
    afterDeath: "hold",
    handle,
  };
  return workflow.events.length === 0 ? [turns] : [turns, mailConsumer(workflow, parts)];
}

/** Keeps the events that runs may wait for, and wakes those that do. */
function mailConsumer({ name }: Workflow, parts: WorkflowParts): Consumer {
  const { data, store, wakeIn } = parts;
  return createConsumer(
    {
      kind: "mail",
      name: mailOf(name),
      span: processSpan("mail", mailOf(name)),
      options: { attempts: 1_000 },
      read: () => undefined, // whoever takes it reads it, with the code of that time
      handler(_context, call) {
        const work = data.workOf(call);
        const { data: value, id, key, type, version } = (call.deliveries[0] as Delivery).event;
        if (store.sessions === "many") for (const each of key === undefined ? [key] : [key, undefined]) work.lockAtCommit(mailLock(name, type, each));
        for (const statement of store.statements.mail(name, { id, type, version, key, data: value })) work.atCommit(statement);
        work.onCommit(() => wakeIn(0));
      },
    },
    parts,
  );
}
