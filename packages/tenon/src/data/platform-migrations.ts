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
  {
    name: "0007_audit.sql",
    text: `
      create table tenon_audit (
        seq bigint generated always as identity primary key,
        entry json not null,
        hash bytea not null,
        mac bytea
      );
      create index tenon_audit_actor on tenon_audit ((entry -> 'actor' ->> 'subject'), seq);
      create index tenon_audit_subject on tenon_audit ((entry ->> 'subject'), seq) where (entry ->> 'subject') is not null;
      create index tenon_audit_record on tenon_audit (((entry -> 'record' ->> 'service') || '/' || (entry -> 'record' ->> 'table') || '/' || (entry -> 'record' ->> 'key')), seq) where (entry -> 'record') is not null;
      create index tenon_audit_at on tenon_audit using brin (((entry ->> 'at') collate "C"));
      comment on table tenon_audit is 'Who did what to which record, and why it was allowed; added to and never changed';

      create table tenon_audit_seals (
        number bigint primary key,
        body json not null,
        leaves bytea not null,
        hash bytea not null,
        key text,
        signature bytea
      );
      alter table tenon_audit_seals alter column leaves set storage external;
      comment on table tenon_audit_seals is 'Signed checkpoints that chain the records of the audit trail';

      create table tenon_audit_archives (
        place bigint generated always as identity primary key,
        through_seq bigint not null,
        note json not null,
        key text,
        signature bytea
      );
      comment on table tenon_audit_archives is 'Up to where records of the audit trail were moved to an archive, signed';

      create function tenon_audit_refuse() returns trigger language plpgsql as $body$
      begin
        raise exception 'the audit trail is added to and never changed: % on % is refused', tg_op, tg_table_name using errcode = '42501';
      end
      $body$;

      create function tenon_audit_keep() returns trigger language plpgsql set search_path from current as $body$
      begin
        if old.seq <= (select max(through_seq) from tenon_audit_archives) then return old; end if;
        raise exception 'the audit trail is added to and never changed: record % is in no archive', old.seq using errcode = '42501';
      end
      $body$;

      create trigger tenon_audit_unchanged before update or truncate on tenon_audit for each statement execute function tenon_audit_refuse();
      create trigger tenon_audit_kept before delete on tenon_audit for each row execute function tenon_audit_keep();
      create trigger tenon_audit_seals_kept before update or delete or truncate on tenon_audit_seals for each statement execute function tenon_audit_refuse();
      create trigger tenon_audit_archives_kept before update or delete or truncate on tenon_audit_archives for each statement execute function tenon_audit_refuse();
    `,
  },
  {
    name: "0008_privacy.sql",
    text: `
      create schema if not exists tenon_privacy;
      create table if not exists tenon_privacy.keys (
        id uuid primary key,
        purpose text not null check (purpose in ('subject', 'service', 'index', 'signing')),
        subject text not null,
        version integer not null,
        wrapped text,
        wrapper text not null,
        created_at timestamptz not null default now(),
        destroyed_at timestamptz,
        unique (purpose, subject, version),
        check ((wrapped is null) = (destroyed_at is not null))
      );
      create index if not exists keys_wrapper on tenon_privacy.keys (wrapper) where wrapped is not null;
      comment on table tenon_privacy.keys is 'Keys of subjects, wrapped by the master key; of an erased subject nothing is left but that there was one';

      create table if not exists tenon_privacy.subjects (
        subject text primary key,
        restricted_at timestamptz,
        held_at timestamptz,
        hold_reason text
      );
      comment on table tenon_privacy.subjects is 'Subjects whose data is restricted or held';

      create table if not exists tenon_privacy.reports (
        id uuid primary key,
        subject text not null,
        kind text not null,
        made_at timestamptz not null default now(),
        report text not null
      );
      comment on table tenon_privacy.reports is 'Signed reports of erasures and exports';

      do $$
      declare service_role record;
      begin
        for service_role in
          select grantee.rolname as name from pg_namespace cross join lateral aclexplode(pg_namespace.nspacl) as granted
          join pg_roles as grantee on grantee.oid = granted.grantee
          where pg_namespace.nspname = current_schema() and granted.privilege_type = 'USAGE' and grantee.rolname <> current_user
        loop
          execute format('grant usage on schema tenon_privacy to %I', service_role.name);
          execute format('grant select on tenon_privacy.keys, tenon_privacy.subjects to %I', service_role.name);
          if service_role.name not like '%\\_\\_read' then
            execute format('grant insert on tenon_privacy.keys to %I', service_role.name);
          end if;
        end loop;
      end $$;
    `,
  },
  {
    name: "0009_incidents.sql",
    text: `
      create table tenon_incidents (
        id text primary key,
        state text not null check (state in ('open', 'acknowledged', 'mitigated', 'closed')),
        opened_at timestamptz not null,
        closed_at timestamptz,
        incident json not null
      );
      create index tenon_incidents_opened on tenon_incidents (opened_at);
      create index tenon_incidents_unclosed on tenon_incidents (opened_at) where closed_at is null;
      comment on table tenon_incidents is 'What went wrong in the app, in the schema of its first service: alerts that belong together, and what was found';

      create table tenon_incident_entries (
        seq bigint generated always as identity primary key,
        incident text not null references tenon_incidents (id) on delete cascade,
        at timestamptz not null,
        kind text not null,
        text text not null,
        actor text not null,
        data json,
        noted_at timestamptz not null default now()
      );
      create index tenon_incident_entries_incident on tenon_incident_entries (incident, at);
      comment on table tenon_incident_entries is 'Time lines of incidents; actor is the person who did it, and empty for the platform';

      create table tenon_changes (
        seq bigint generated always as identity primary key,
        at timestamptz not null,
        kind text not null check (kind in ('release', 'configuration')),
        text text not null,
        data json not null
      );
      create index tenon_changes_at on tenon_changes (at);
      comment on table tenon_changes is 'Releases that were started, and the names of settings that changed';
    `,
  },
  {
    name: "0010_audit_persons.sql",
    text: `
      create function tenon_audit_names(entry json) returns text[] language sql immutable parallel safe as $body$
        select array(
          select 'subject ' || subject from json_array_elements_text(entry -> 'subjects') as subject
          union all
          select 'record ' || (record ->> 'service') || '/' || (record ->> 'table') || '/' || (record ->> 'key') from json_array_elements(entry -> 'records') as record
        )
      $body$;
      create index tenon_audit_names on tenon_audit using gin (tenon_audit_names(entry)) where (entry -> 'subjects') is not null or (entry -> 'records') is not null;
    `,
  },
  {
    name: "0011_persons_of_runs.sql",
    text: `
      alter table tenon_runs add column subjects text[] not null default '{}', add column erasures integer not null default 0;
      create index tenon_runs_subjects on tenon_runs using gin (subjects) where subjects <> '{}';
      comment on column tenon_runs.subjects is 'Persons of whom the run tells';
      comment on column tenon_runs.erasures is 'How often one of them was erased: the values of the run go at its end';
    `,
  },
  {
    name: "0012_crashed_deliveries.sql",
    text: `
      alter table tenon_inbox add column under_way boolean not null default false, add column crashes integer not null default 0;
      create index tenon_inbox_under_way on tenon_inbox (lane) where under_way;
      comment on column tenon_inbox.under_way is 'A process has said that it begins with it: written after another one died, and for what was under way then';
      comment on column tenon_inbox.crashes is 'How many processes died while they were at work on it, as far as they had said so';
    `,
  },
  {
    name: "0013_persons_not_erased.sql",
    text: `
      create function tenon_assert_not_erased(persons text[]) returns void language plpgsql as $body$
      begin
        -- An erasure holds the same lock alone while it looks for runs and destroys the key. In one order, as whoever locks several.
        perform pg_advisory_xact_lock_shared(726639120, bucket) from (select distinct hashtext(person) & 63 as bucket from unnest(persons) as person order by 1) as buckets;
        if exists (select from tenon_privacy.keys where purpose = 'subject' and subject = any(persons) group by subject having count(wrapped) = 0) then
          raise exception 'a person of whom a run tells was erased meanwhile' using errcode = 'serialization_failure';
        end if;
      end
      $body$;
      comment on function tenon_assert_not_erased is 'Fails a transaction that writes a run which nobody could read: it is to be done again, with what is there now';
    `,
  },
  {
    name: "0014_call_counts.sql",
    text: `
      create table tenon_call_counts (
        seq bigint generated always as identity primary key,
        instance text not null,
        at timestamptz not null,
        edges json not null
      );
      create index tenon_call_counts_at on tenon_call_counts (at);
      comment on table tenon_call_counts is 'Who called whom in the last two hours, by process and 10 s: what incidents are compared with. Kept in the schema of the first service of the app';
    `,
  },
];
