create table categories (
  slug text primary key,
  name text not null
);

create table products (
  sku text primary key,
  name text not null,
  description text not null,
  category text not null references categories (slug),
  price_cents integer not null check (price_cents >= 0),
  currency text not null check (currency = 'EUR'),
  status text not null default 'active' check (status in ('active', 'archived')),
  has_image boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- What search reads: a word in the name weighs more than one in the description.
create function product_document(name text, description text) returns tsvector
  language sql immutable parallel safe
  return setweight(to_tsvector('english', name), 'A') || setweight(to_tsvector('english', description), 'C');

create index products_document on products using gin (product_document(name, description));
-- One index for each order in which a list can be read.
create index products_by_name on products (name, sku);
create index products_by_price on products (price_cents, sku);
create index products_by_age on products (created_at, sku);
create index products_by_category on products (category, name, sku);

create table product_images (
  sku text primary key references products (sku) on delete cascade,
  media_type text not null,
  content bytea not null
);
