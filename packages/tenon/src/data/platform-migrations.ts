/** The platform's own tables in a service's schema. Applied like the service's migrations, and never edited either. */
export const platformMigrations: readonly { readonly name: string; readonly text: string }[] = [
  {
    name: "0001_answers.sql",
    text: `
      create table tenon_answers (
        key text primary key,
        operation text not null,
        fingerprint text not null,
        value json,
        expires_at timestamptz not null
      );
      create index tenon_answers_expiry on tenon_answers (expires_at);
      comment on table tenon_answers is 'First answers to commands, for repeats under the same idempotency key';
    `,
  },
  {
    name: "0002_seed.sql",
    text: `
      create table tenon_seed (seeded_at timestamptz primary key default now());
      comment on table tenon_seed is 'Has a row once the example data of development were filled in';
    `,
  },
  {
    name: "0003_events.sql",
    text: `
      create table tenon_outbox (
        seq bigint generated always as identity primary key,
        id uuid not null,
        type text not null,
        version integer not null,
        key text,
        time timestamptz not null,
        data json not null,
        trace text
      );
      comment on table tenon_outbox is 'Events that were committed and not yet sent';

      create table tenon_events (
        position bigint generated always as identity primary key,
        id uuid not null,
        type text not null,
        version integer not null,
        key text,
        time timestamptz not null,
        data json not null,
        trace text
      );
      create index tenon_events_time on tenon_events using brin (time);
      comment on table tenon_events is 'Events that were sent, in order, kept for replays until their retention ends';

      create table tenon_inbox (
        seq bigint generated always as identity primary key,
        subscription text not null,
        lane smallint not null,
        id uuid not null,
        source text not null,
        type text not null,
        version integer not null,
        key text,
        time timestamptz not null,
        data json not null,
        trace text,
        received_at timestamptz not null default now(),
        due_at timestamptz,
        attempts integer not null default 0,
        error text
      );
      create index tenon_inbox_ready on tenon_inbox (subscription, seq) where due_at is null;
      create index tenon_inbox_due on tenon_inbox (subscription, due_at) where due_at is not null;
      create index tenon_inbox_key on tenon_inbox (subscription, key) where due_at is not null;
      comment on table tenon_inbox is 'Deliveries that are not done: ready (due_at is null), waiting (an instant) or behind another of their key (infinity)';

      create table tenon_received (
        id uuid not null,
        subscription text not null,
        received_at timestamptz not null default now(),
        primary key (id, subscription)
      );
      create index tenon_received_at on tenon_received using brin (received_at);
      comment on table tenon_received is 'What came over a broker, so that a second copy is known';

      create table tenon_dead_letters (
        seq bigint generated always as identity primary key,
        subscription text not null,
        id uuid not null,
        source text not null,
        type text not null,
        version integer not null,
        key text,
        time timestamptz not null,
        data json not null,
        trace text,
        received_at timestamptz not null,
        attempts integer not null,
        error text,
        died_at timestamptz not null default now(),
        state text not null default 'dead' check (state in ('dead', 'discarded')),
        reason text,
        settled_at timestamptz
      );
      create index tenon_dead_letters_state on tenon_dead_letters (state, subscription, seq);
      comment on table tenon_dead_letters is 'Deliveries that were given up, whole, until an operator decides';

      create table tenon_lanes (
        lane smallint primary key,
        holder text,
        lease_until timestamptz
      );
      insert into tenon_lanes (lane) select generate_series(0, 63);
      comment on table tenon_lanes is 'Which process delivers which part of the inbox, and until when';

      create table tenon_members (
        holder text primary key,
        seen_until timestamptz not null
      );
      comment on table tenon_members is 'Processes that deliver, for sharing the lanes evenly';
    `,
  },
  {
    name: "0004_workflows.sql",
    text: `
      create table tenon_runs (
        id text primary key,
        workflow text not null,
        state text not null default 'running' check (state in ('running', 'compensating', 'parked', 'completed', 'failed', 'canceled')),
        input json,
        output json,
        failure json,
        parked_from text,
        parked_reason text,
        cancel_reason text,
        parent text,
        parent_place text,
        depth integer not null default 0,
        trace text,
        started_at timestamptz not null default now(),
        ended_at timestamptz
      );
      create index tenon_runs_state on tenon_runs (workflow, state, started_at);
      create index tenon_runs_ended on tenon_runs (ended_at) where ended_at is not null;
      create index tenon_runs_parent on tenon_runs (parent) where parent is not null;
      comment on table tenon_runs is 'Runs of workflows, kept for a while after their end';

      create table tenon_steps (
        run text not null references tenon_runs (id) on delete cascade,
        place text not null,
        seq bigint generated always as identity,
        name text not null,
        kind text not null,
        state text not null check (state in ('done', 'failed', 'retrying', 'waiting', 'registered')),
        result json,
        failure json,
        attempts integer not null default 0,
        detail json,
        event_type text,
        event_key text,
        mail bigint,
        due_at timestamptz,
        started_at timestamptz not null,
        ended_at timestamptz,
        primary key (run, place)
      );
      create index tenon_steps_awaited on tenon_steps (event_type, event_key) where state = 'waiting';
      comment on table tenon_steps is 'Steps of runs by their place in the code: what they gave, how they failed, or what they wait for';

      create table tenon_mail (
        seq bigint generated always as identity primary key,
        workflow text not null,
        id uuid not null,
        type text not null,
        version integer not null,
        key text,
        data json not null,
        received_at timestamptz not null default now()
      );
      create index tenon_mail_key on tenon_mail (workflow, type, key, seq);
      comment on table tenon_mail is 'Events for which runs wait or may yet wait: one that came early is found here';
    `,
  },
  {
    name: "0005_triggers.sql",
    text: `
      create table tenon_schedules (
        name text primary key,
        plan text not null,
        planner text not null,
        last_at timestamptz not null,
        next_at timestamptz not null
      );
      comment on table tenon_schedules is 'What a service does by the clock: up to which instant it is dealt with, and which comes next';

      create table tenon_webhooks (
        webhook text not null,
        id text not null,
        received_at timestamptz not null default now(),
        primary key (webhook, id)
      );
      create index tenon_webhooks_at on tenon_webhooks using brin (received_at);
      comment on table tenon_webhooks is 'Deliveries of webhooks that were taken, so that a second copy is known';
    `,
  },
  {
    name: "0006_objectives.sql",
    text: `
      create table tenon_objective_counts (
        bucket_s integer not null,
        start_s bigint not null,
        target text not null,
        bad bigint not null,
        total bigint not null,
        primary key (bucket_s, start_s, target)
      ) with (fillfactor = 70);
      comment on table tenon_objective_counts is 'What was counted for objectives by all processes, in buckets that are coarser the longer they are kept';

      create table tenon_alerts (
        id text primary key,
        alert json not null
      );
      comment on table tenon_alerts is 'Alerts of objectives that are pending, firing or just over';

      create table tenon_silences (
        id text primary key,
        matcher json not null,
        until timestamptz not null,
        reason text not null
      );
      comment on table tenon_silences is 'Alerts that nobody wants to be told of for a while';

      create table tenon_objective_turn (
        place smallint primary key default 1 check (place = 1),
        holder text,
        lease_until timestamptz,
        is_pressed boolean not null default false
      );
      insert into tenon_objective_turn default values;
      comment on table tenon_objective_turn is 'Which process looks at objectives and tells of alerts, until when, and whether calls of low priority give way';
    `,
  },
];
