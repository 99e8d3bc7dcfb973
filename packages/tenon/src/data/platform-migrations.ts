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
];
