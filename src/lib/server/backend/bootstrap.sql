-- What hosted Supabase has before the first migration, as far as our migrations touch it: roles,
-- auth.jwt(), auth.uid(), auth.role(), realtime.messages, realtime.topic(), realtime.send().
-- Run once, only where realtime.messages is missing; safe to run again. PostgreSQL 15, 17, 18.

do $$
declare
	r text;
begin
	foreach r in array array['anon', 'authenticated', 'authenticator', 'supabase_realtime_admin', 'service_role'] loop
		-- Roles belong to the whole server: another database's bootstrap may be making them now.
		begin
			if not exists (select from pg_catalog.pg_roles where rolname = r) then
				execute format('create role %I nologin noinherit', r);
				if r = 'service_role' then
					alter role service_role bypassrls;
				end if;
			end if;
		exception
			when duplicate_object or unique_violation then null;
		end;
	end loop;
end
$$;

do $$
begin
	-- Whoever connects must be able to become `authenticated`; a superuser is already.
	if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
		grant anon, authenticated, service_role to current_user;
	end if;
	grant anon, authenticated, service_role to authenticator;
exception
	-- Two databases of one server bootstrap at once.
	when unique_violation then null;
	when internal_error then
		if sqlerrm not like 'tuple concurrently updated%' then raise; end if;
end
$$;

create schema if not exists extensions;
create schema if not exists auth;
create schema if not exists realtime;
grant usage on schema public, extensions, auth, realtime to anon, authenticated, service_role;

create or replace function auth.jwt() returns jsonb
language sql stable as $$
	select coalesce(
		nullif(current_setting('request.jwt.claim', true), ''),
		nullif(current_setting('request.jwt.claims', true), '')
	)::jsonb
$$;

create or replace function auth.uid() returns uuid
language sql stable as $$
	select coalesce(
		nullif(current_setting('request.jwt.claim.sub', true), ''),
		auth.jwt() ->> 'sub'
	)::uuid
$$;

create or replace function auth.role() returns text
language sql stable as $$
	select coalesce(
		nullif(current_setting('request.jwt.claim.role', true), ''),
		auth.jwt() ->> 'role'
	)
$$;

create table if not exists realtime.messages (
	topic text not null,
	extension text not null,
	payload jsonb,
	event text,
	private boolean default false,
	updated_at timestamp not null default (now() at time zone 'utc'),
	inserted_at timestamp not null default (now() at time zone 'utc'),
	id uuid not null default gen_random_uuid(),
	binary_payload bytea,
	-- Ours, not Supabase's: which transaction sent it and its place therein. The notification names
	-- the transaction only, so a thousand messages of one commit are one notification.
	txid xid8 not null default pg_current_xact_id(),
	n bigint not null generated always as identity,
	primary key (id, inserted_at)
);

-- Hosted reads (replay) by topic and time.
create index if not exists messages_inserted_at_topic_index
	on realtime.messages (inserted_at desc, topic)
	where extension = 'broadcast' and private is true;
-- The feed reads by transaction.
create index if not exists messages_txid_index on realtime.messages (txid);

alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;

create or replace function realtime.topic() returns text
language sql stable as $$
	select nullif(current_setting('realtime.topic', true), '')
$$;

-- Security invoker as on hosted: called by a definer function it may always send, called by a
-- client it may not. A message that cannot be sent is a warning; the caller's work goes on.
create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true)
returns void
language plpgsql as $$
declare
	new_id uuid := gen_random_uuid();
begin
	if jsonb_typeof(payload) is distinct from 'object' then
		raise exception 'payload must be a JSON object';
	end if;
	perform set_config('realtime.topic', topic, true);
	insert into realtime.messages (id, payload, event, topic, private, extension)
	values (
		new_id,
		case when payload ? 'id' then payload else payload || jsonb_build_object('id', new_id) end,
		event, topic, private, 'broadcast'
	);
exception
	when others then
		raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$$;

create or replace function realtime.announce_messages() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
	-- The same text twice in one transaction is delivered once.
	perform pg_catalog.pg_notify('realtime_messages', pg_catalog.pg_current_xact_id()::text);
	return null;
end
$$;

create or replace trigger announce_messages after insert on realtime.messages
	for each statement execute function realtime.announce_messages();
