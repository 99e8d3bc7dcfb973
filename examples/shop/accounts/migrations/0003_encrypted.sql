-- Names, e-mail addresses and addresses are encrypted from here on. An e-mail address is found by a keyed digest.
drop index accounts_email;
alter table accounts add column email_index text;
create unique index accounts_email_index on accounts (email_index);
