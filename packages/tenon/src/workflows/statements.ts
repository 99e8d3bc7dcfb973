/**
 * Every durable write of workflows, as SQL; each travels in one transaction with what it belongs to.
 *
 * `guard` stands first in whatever a turn writes: it locks the turn's inbox row and the run, and fails the transaction
 * when the row is gone, the run has moved on, or one of its persons was erased meanwhile. So of two processes in one turn the slower one keeps nothing. A step is
 * written by `record`, which fails when somebody else has brought it further.
 */
import { quoteText, type Statement } from "../data/index.ts";
import { laneExpression, wakeChannel } from "../events/index.ts";
import { ValueToKeep } from "./kept-value.ts";
import { type RunState, type StepKind, type StepState, turnsOf } from "./run.ts";
import type { RecordedFailure } from "./run-failure.ts";

export interface NewRun {
  readonly id: string;
  readonly workflow: string;
  /** JSON. */
  readonly input: string | null;
  readonly parent?: string;
  readonly parentPlace?: string;
  readonly depth?: number;
  readonly trace: string | undefined;
  /** Of whom it tells. */
  readonly persons: readonly string[];
}

export interface StepWrite {
  readonly place: string;
  readonly name: string;
  readonly kind: StepKind;
  readonly state: StepState;
  /** JSON. */
  readonly result?: string | null;
  readonly failure?: RecordedFailure | undefined;
  readonly attempts: number;
  /** What the record said when it was read: another one has been there when it says more. */
  readonly attemptsBefore: number;
  readonly detail?: unknown;
  readonly eventType?: string;
  readonly eventKey?: string | undefined;
  readonly mail?: number;
  /** From now, by the database's clock. */
  readonly dueInMs?: number | undefined;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
}

export interface RunEnd {
  readonly state: RunState;
  /** JSON. */
  readonly output?: string | null;
  readonly failure?: RecordedFailure | null;
  readonly endedAtMs: number;
}

/** What a run is known by in the statements of its turns. */
export interface TurnOf {
  readonly run: string;
  readonly workflow: string;
  /** Place of the turn in the inbox. */
  readonly turn: number;
  /** As the turn has met the run. */
  readonly erasures?: number;
}

const guardText = `
  with turn as (select 1 from tenon_inbox where seq = $1 for update),
  run as (select 1 from tenon_runs where id = $2 and state = $3 and erasures = coalesce($4, erasures) for update)
  select 1 / ((select count(*) from turn) * (select count(*) from run))::int as turn_is_ours`;

const recordText = `
  with kept as (
    insert into tenon_steps (run, place, name, kind, state, result, failure, attempts, detail, event_type, event_key, mail, due_at, started_at, ended_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now() + $13 * interval '1 ms', $14, $15)
    on conflict (run, place) do update set
      state = excluded.state, result = excluded.result, failure = excluded.failure, attempts = excluded.attempts, mail = excluded.mail,
      due_at = excluded.due_at, ended_at = excluded.ended_at
    where tenon_steps.state in ('retrying', 'waiting', 'registered') and tenon_steps.attempts = $16
      and tenon_steps.name = excluded.name and tenon_steps.kind = excluded.kind
    returning 1
  )
  select 1 / count(*)::int as step_is_ours from kept`;

/** A mark may be written by two branches that end at once: the same twice is no conflict, another one is. */
const markText = `
  with kept as (
    insert into tenon_steps (run, place, name, kind, state, result, started_at, ended_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (run, place) do update set name = excluded.name where tenon_steps.name = excluded.name and tenon_steps.kind = excluded.kind
    returning 1
  )
  select 1 / count(*)::int as step_is_ours from kept`;

const personsText = "update tenon_runs set subjects = array(select unnest(subjects) union select unnest($2::text[])) where id = $1 and not subjects @> $2::text[]";

const wokenText = "update tenon_steps set state = 'done', ended_at = $3 where run = $1 and place = $2 and state = 'waiting'";
/** Marks of versions are no values. */
const emptiedText = "update tenon_steps set result = null, detail = null where run = $1 and kind <> 'version' and exists (select from tenon_runs where id = $1 and erasures > 0)";
/** A parked run is tried once more: with the code of today it may be undone. */
const backFromParked = "state = case when state = 'parked' then parked_from else state end, parked_reason = null, parked_from = null";
const isCancelable = "cancel_reason is null and (state = 'running' or (state = 'parked' and parked_from = 'running'))";
const divisionByZero = "22012";

/** Whether a transaction failed because the turn, or the step, is another one's. */
export function isTurnLost(error: { readonly sqlState: string; readonly statement?: string | undefined }): boolean {
  return error.sqlState === divisionByZero && /as (?:turn|step)_is_ours/.test(error.statement ?? "");
}

const timersOf = (subscription: string, run: string): string =>
  `subscription = ${subscription} and key = ${run} and due_at is not null and due_at < 'infinity' and attempts = 0`;

export class RunStatements {
  readonly #service: string;
  readonly #personsMax: number;
  readonly #isAlone: boolean;
  readonly #values: "plain" | "sealed";

  /**
   * @param sessions  `one`: there is no other process to be told.
   * @param values  Whether they are sealed ({@link ValueToKeep} stands for each, until it is), and for how many persons at most under the keys of these.
   */
  constructor(service: string, sessions: "one" | "many", values: "plain" | { readonly personsMax: number } = "plain") {
    this.#service = service;
    this.#values = values === "plain" ? "plain" : "sealed";
    this.#personsMax = values === "plain" ? 0 : values.personsMax;
    this.#isAlone = sessions === "one";
  }

  /** Starts a run, unless there is one of its identifier. */
  start(run: NewRun): readonly Statement[] {
    const text = `
      with woken as (
        insert into tenon_runs (id, workflow, input, parent, parent_place, depth, trace, subjects) values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (id) do nothing returning id as run, workflow, trace
      )
      ${this.#turns("start")}`;
    const parameters = [run.id, run.workflow, this.#kept(run.input), run.parent ?? null, run.parentPlace ?? null, run.depth ?? 0, run.trace ?? null, run.persons];
    return [...this.#assertNotErased(run.persons), { text, parameters }, ...this.#notice()];
  }

  /** Whoever was erased since the values were sealed has left them unreadable: then all is undone, as where a row has changed. */
  #assertNotErased(persons: readonly string[]): readonly Statement[] {
    return persons.length === 0 || persons.length > this.#personsMax ? [] : [{ text: "select tenon_assert_not_erased($1::text[])", parameters: [persons] }];
  }

  guard({ erasures, run, turn }: TurnOf, state: RunState): Statement {
    return { text: guardText, parameters: [turn, run, state, erasures ?? null] };
  }

  /** The run tells of these persons too. */
  persons(run: string, persons: readonly string[]): readonly Statement[] {
    return [...this.#assertNotErased(persons), { text: personsText, parameters: [run, persons] }];
  }

  record(run: string, step: StepWrite): Statement {
    const { attempts, attemptsBefore, detail, dueInMs, endedAtMs, eventKey, eventType, failure, kind, mail, name, place, result, startedAtMs, state } = step;
    return {
      text: recordText,
      parameters: [
        run, place, name, kind, state, this.#kept(result), toJson(failure), attempts, this.#kept(toJson(detail)), eventType ?? null, eventKey ?? null, mail ?? null,
        dueInMs ?? null, new Date(startedAtMs), endedAtMs === undefined ? null : new Date(endedAtMs), attemptsBefore,
      ],
    };
  }

  /** An undo step that is registered, or the mark of a version: written along with the next step. */
  mark(run: string, { atMs, kind, name, place, result }: { readonly place: string; readonly name: string; readonly kind: StepKind; readonly result?: string; readonly atMs: number }): Statement {
    const state: StepState = kind === "undo" ? "registered" : "done";
    const at = new Date(atMs);
    return { text: markText, parameters: [run, place, name, kind, state, result ?? null, at, kind === "undo" ? null : at] };
  }

  /** A sleep that is over. */
  woken(run: string, place: string, atMs: number): Statement {
    return { text: wokenText, parameters: [run, place, new Date(atMs)] };
  }

  /** A turn that is ready once `waitMs` have passed. It holds up nobody, and does no harm when what it was for is over. */
  timer({ run, workflow }: Pick<TurnOf, "run" | "workflow">, waitMs: number): Statement {
    const text = `with woken as (select $1::text as run, $2::text as workflow, null::text as trace) ${this.#turns("timer", "now() + $3 * interval '1 ms'")}`;
    return { text, parameters: [run, workflow, waitMs] };
  }

  /** Another turn, at once. */
  turn({ run, workflow }: Pick<TurnOf, "run" | "workflow">, why: string): readonly Statement[] {
    const text = `with woken as (select $1::text as run, $2::text as workflow, null::text as trace) ${this.#turns(why)}`;
    return [{ text, parameters: [run, workflow] }, ...this.#notice()];
  }

  /** The turn itself is over. */
  endTurn({ turn }: TurnOf): Statement {
    return { text: "delete from tenon_inbox where seq = $1", parameters: [turn] };
  }

  /** A wait that has just been written down may have been answered while it was: another turn looks. To be run under the lock of the mail. */
  turnIfMail({ run, workflow }: TurnOf, type: string, key: string | undefined): Statement {
    const text = `
      with woken as (select id as run, workflow, trace from tenon_runs where id = $1 and exists (${mailText("$2", "$3", "$4", "$1")}))
      ${this.#turns("mail")}`;
    return { text, parameters: [run, workflow, type, key ?? null] };
  }

  /** An event that has come: kept where a run may want it, and every run that waits for it gets a turn. */
  mail(workflow: string, event: { readonly id: string; readonly type: string; readonly version: number; readonly key: string | undefined; readonly data: unknown }): readonly Statement[] {
    const text = `
      with mail as (
        insert into tenon_mail (workflow, id, type, version, key, data) select $1, $2, $3, $4, $5, $6
        where exists (select 1 from tenon_runs where workflow = $1 and state in ('running', 'parked'))
        returning 1
      ),
      woken as (
        select distinct steps.run, runs.workflow, runs.trace from tenon_steps as steps join tenon_runs as runs on runs.id = steps.run
        where steps.state = 'waiting' and steps.event_type = $3 and (steps.event_key is null or steps.event_key = $5) and runs.workflow = $1
          and exists (select 1 from mail)
      )
      ${this.#turns("mail")}`;
    return [{ text, parameters: [workflow, event.id, event.type, event.version, event.key ?? null, JSON.stringify(event.data)] }, ...this.#notice()];
  }

  /** *running* to *compensating*. */
  compensate(run: string, failure: RecordedFailure | null): Statement {
    return { text: "update tenon_runs set state = 'compensating', failure = $2 where id = $1", parameters: [run, toJson(failure)] };
  }

  park(run: string, reason: string): Statement {
    return { text: "update tenon_runs set parked_from = state, state = 'parked', parked_reason = $2 where id = $1", parameters: [run, reason] };
  }

  /** The end of a run: its timers go, and a parent that waits for it is told. Where one of its persons was erased, its values go too. */
  end(of: TurnOf, { endedAtMs, failure, output, state }: RunEnd): readonly Statement[] {
    const text = `
      with ended as (
        update tenon_runs set state = $2, failure = coalesce($4, failure), ended_at = $5,
          output = case when erasures = 0 then $3::json end, input = case when erasures = 0 then input end
        where id = $1 returning parent, parent_place, state, failure, subjects
      ),
      told_of as (
        update tenon_runs as parents set subjects = array(select unnest(parents.subjects) union select unnest(ended.subjects))
        from ended where parents.id = ended.parent and not parents.subjects @> ended.subjects
      ),
      told as (
        update tenon_steps as steps set state = case when ended.state = 'completed' then 'done' else 'failed' end, ended_at = $5,
          result = $3::json, failure = case when ended.state = 'completed' then null else ended.failure end
        from ended where steps.run = ended.parent and steps.place = ended.parent_place and steps.state = 'waiting'
        returning steps.run
      ),
      woken as (select runs.id as run, runs.workflow, runs.trace from tenon_runs as runs join told on told.run = runs.id)
      ${this.#turns("child")}`;
    return [
      { text, parameters: [of.run, state, this.#kept(output), toJson(failure), new Date(endedAtMs)] },
      { text: emptiedText, parameters: [of.run] },
      { text: `delete from tenon_inbox where ${timersOf("$1", "$2")}`, parameters: [turnsOf(of.workflow), of.run] },
      ...this.#notice(),
    ];
  }

  /** Asks the children of a run that are under way to end. */
  cancelChildren(run: string, reason: string): readonly Statement[] {
    const text = `
      with woken as (
        update tenon_runs set cancel_reason = $2, ${backFromParked} where parent = $1 and ${isCancelable} returning id as run, workflow, trace
      )
      ${this.#turns("cancel")}`;
    return [{ text, parameters: [run, reason] }, ...this.#notice()];
  }

  /** Asks a run to end. Affects no row where it has ended, or was asked before. */
  cancel(run: string, reason: string): readonly Statement[] {
    const text = `
      with woken as (
        update tenon_runs set cancel_reason = $2, ${backFromParked} where id = $1 and ${isCancelable} returning id as run, workflow, trace
      )
      ${this.#turns("cancel")}`;
    return [{ text, parameters: [run, reason] }, ...this.#notice()];
  }

  /** *parked* to what it was. Undo steps that had failed for good get their attempts anew; timers are set again. */
  resume(run: string): readonly Statement[] {
    const text = `
      with woken as (
        update tenon_runs set state = parked_from, parked_from = null, parked_reason = null where id = $1 and state = 'parked'
        returning id as run, workflow, trace
      ),
      fresh as (
        update tenon_steps set state = 'registered', attempts = 0, failure = null, due_at = null
        where run = (select run from woken) and kind = 'undo' and state in ('failed', 'retrying')
      )
      ${this.#turns("resume")}`;
    return [{ text, parameters: [run] }, this.#timersAnew(run), ...this.#notice()];
  }

  /** *failed* to *running*, where nothing was undone: the step that failed for good is tried as if for the first time. */
  retry(run: string): readonly Statement[] {
    const text = `
      with woken as (
        update tenon_runs as runs set state = 'running', failure = null, ended_at = null, cancel_reason = null where id = $1 and state = 'failed' and erasures = 0
          and not exists (select 1 from tenon_steps where run = $1 and kind = 'undo' and state <> 'registered')
        returning id as run, workflow, trace
      ),
      fresh as (
        delete from tenon_steps where run = (select run from woken) and state = 'failed' and kind in ('step', 'call') and seq = (
          select max(seq) from tenon_steps where run = $1 and state = 'failed'
        )
      )
      ${this.#turns("retry")}`;
    return [{ text, parameters: [run] }, this.#timersAnew(run), ...this.#notice()];
  }

  /** A step that waits for its next attempt is tried now. */
  hurry(run: string): readonly Statement[] {
    const text = `
      with hurried as (update tenon_steps set due_at = now() where run = $1 and state = 'retrying' returning run),
      woken as (select id as run, workflow, trace from tenon_runs where id = $1 and exists (select 1 from hurried))
      ${this.#turns("retry")}`;
    return [{ text, parameters: [run] }, ...this.#notice()];
  }

  /** What a person decided. Affects no row where nobody asks any more. */
  answer(run: string, place: string, { atMs, json }: { readonly json: string; readonly atMs: number }): readonly Statement[] {
    const text = `
      with answered as (
        update tenon_steps set state = 'done', result = $3, ended_at = $4 where run = $1 and place = $2 and kind = 'ask' and state = 'waiting' returning run
      ),
      woken as (select id as run, workflow, trace from tenon_runs where id in (select run from answered))
      ${this.#turns("answer")}`;
    return [{ text, parameters: [run, place, this.#kept(json), new Date(atMs)] }, ...this.#notice()];
  }

  #timersAnew(run: string): Statement {
    const text = `
      with woken as (
        select steps.run, runs.workflow, runs.trace, steps.due_at from tenon_steps as steps join tenon_runs as runs on runs.id = steps.run
        where steps.run = $1 and runs.state in ('running', 'compensating') and steps.state in ('waiting', 'retrying') and steps.due_at is not null
      )
      ${this.#turns("timer", "woken.due_at")}`;
    return { text, parameters: [run] };
  }

  /** Turns for the runs of `woken`, which has their id, workflow and trace. */
  #turns(why: string, dueAt = "null::timestamptz"): string {
    return `
      insert into tenon_inbox (subscription, lane, id, source, type, version, key, time, data, trace, due_at)
      select 'workflow ' || woken.workflow, ${laneExpression("woken.run", "''")}, gen_random_uuid(), ${quoteText(this.#service)}, 'tenon.turn', 1,
        woken.run, now(), json_build_object('why', ${quoteText(why)}), woken.trace, ${dueAt}
      from woken`;
  }

  /** JSON as it is kept. */
  #kept(json: string | null | undefined): string | ValueToKeep | null {
    if (json === null || json === undefined) return null;
    return this.#values === "plain" ? json : new ValueToKeep(json);
  }

  #notice(): readonly Statement[] {
    if (this.#isAlone) return [];
    return [{ text: "select pg_notify($1, $2)", parameters: [wakeChannel, `inbox ${this.#service}`] }];
  }
}

/** The oldest event that a run may take: it came after the run was started, and the run has not had it. */
export function mailText(workflow: string, type: string, key: string, run: string): string {
  return `
    select mail.seq, mail.id, mail.version, mail.data from tenon_mail as mail
    where mail.workflow = ${workflow} and mail.type = ${type} and (${key}::text is null or mail.key = ${key})
      and mail.received_at >= (select started_at from tenon_runs where id = ${run})
      and not exists (select 1 from tenon_steps where run = ${run} and tenon_steps.mail = mail.seq)
    order by mail.seq`;
}


function toJson(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}
