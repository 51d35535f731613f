-- The schema that supabase/migrations make. Written by `npm run gen`, compared by the tests: do not edit.

create schema app;
grant usage on schema app to authenticated;
grant usage on schema app to service_role;

create schema identity;

create table app.account_deletions (
  account_id uuid not null,
  requested_at timestamp with time zone not null,
  constraint account_deletions_pkey PRIMARY KEY (account_id),
  constraint account_deletions_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE
);
alter table app.account_deletions enable row level security;
alter table app.account_deletions force row level security;

create table app.accounts (
  id uuid not null default gen_random_uuid(),
  name text not null,
  next_seq bigint not null default 1,
  epoch uuid not null default gen_random_uuid(),
  paused_at timestamp with time zone,
  paused_by uuid,
  created_at timestamp with time zone not null default now(),
  constraint accounts_pkey PRIMARY KEY (id),
  constraint accounts_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100)))
) with (fillfactor=50);
alter table app.accounts enable row level security;
alter table app.accounts force row level security;
grant select on app.accounts to authenticated;

create table app.analytics_events (
  account_id uuid not null,
  at timestamp with time zone not null,
  event_type text not null,
  platform text not null,
  events bigint not null,
  constraint analytics_events_pkey PRIMARY KEY (account_id, at, event_type, platform),
  constraint analytics_events_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE
);
alter table app.analytics_events enable row level security;
alter table app.analytics_events force row level security;

create table app.analytics_marks (
  account_id uuid not null,
  events_seq bigint not null default 0,
  plays_until timestamp with time zone not null default '-infinity'::timestamp with time zone,
  constraint analytics_marks_pkey PRIMARY KEY (account_id),
  constraint analytics_marks_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE
);
alter table app.analytics_marks enable row level security;
alter table app.analytics_marks force row level security;

create table app.analytics_plays (
  account_id uuid not null,
  overlay_id uuid not null,
  at timestamp with time zone not null,
  bucket smallint not null,
  plays bigint not null,
  shown bigint not null,
  completed bigint not null,
  cancelled bigint not null,
  skipped bigint not null,
  expired bigint not null,
  failed bigint not null,
  max_ms bigint,
  constraint analytics_plays_pkey PRIMARY KEY (overlay_id, at, bucket),
  constraint analytics_plays_overlay_id_fkey FOREIGN KEY (overlay_id) REFERENCES app.overlays(id) ON DELETE CASCADE
);
alter table app.analytics_plays enable row level security;
alter table app.analytics_plays force row level security;

create table app.app_tokens (
  id uuid not null default gen_random_uuid(),
  account_id uuid,
  platform text not null,
  client_id text not null,
  ciphertext bytea not null,
  expires_at timestamp with time zone,
  obtained_at timestamp with time zone not null,
  constraint app_tokens_pkey PRIMARY KEY (id),
  constraint app_tokens_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint app_tokens_account_id_platform_client_id_key UNIQUE NULLS NOT DISTINCT (account_id, platform, client_id)
);
alter table app.app_tokens enable row level security;
alter table app.app_tokens force row level security;

create table app.audit_log (
  id bigint not null generated always as identity,
  account_id uuid not null,
  at timestamp with time zone not null,
  actor_kind text not null,
  actor_id uuid,
  action text not null,
  target_kind text,
  target_id uuid,
  detail jsonb not null default '{}'::jsonb,
  constraint audit_log_pkey PRIMARY KEY (id)
);
alter table app.audit_log enable row level security;
alter table app.audit_log force row level security;
CREATE INDEX audit_log_account ON app.audit_log USING btree (account_id, id DESC);
CREATE INDEX audit_log_action ON app.audit_log USING btree (account_id, action, id DESC);
CREATE INDEX audit_log_actor ON app.audit_log USING btree (account_id, actor_id, id DESC);
CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON app.audit_log FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change();
grant select on app.audit_log to authenticated;

create table app.categories (
  platform text not null,
  id text not null,
  name text not null,
  picture text,
  updated_at timestamp with time zone not null,
  constraint categories_pkey PRIMARY KEY (platform, id),
  constraint categories_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 100))),
  constraint categories_name_check CHECK ((char_length(name) <= 200)),
  constraint categories_picture_check CHECK ((char_length(picture) <= 2000))
);
alter table app.categories enable row level security;
alter table app.categories force row level security;

create table app.channel_status (
  account_id uuid not null,
  platform text not null,
  is_online boolean not null default false,
  stream_title text,
  category text,
  category_id text,
  viewer_count integer,
  started_at timestamp with time zone,
  updated_at timestamp with time zone not null,
  watch jsonb not null default '{}'::jsonb,
  told jsonb not null default '[]'::jsonb,
  version integer not null default 0,
  constraint channel_status_pkey PRIMARY KEY (account_id, platform),
  constraint channel_status_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint channel_status_category_check CHECK ((char_length(category) <= 200)),
  constraint channel_status_category_id_check CHECK ((char_length(category_id) <= 100)),
  constraint channel_status_platform_check CHECK ((platform ~ '^[a-z][a-z0-9_]{0,49}$'::text)),
  constraint channel_status_stream_title_check CHECK ((char_length(stream_title) <= 500)),
  constraint channel_status_viewer_count_check CHECK ((viewer_count >= 0))
);
alter table app.channel_status enable row level security;
alter table app.channel_status force row level security;
CREATE INDEX channel_status_online ON app.channel_status USING btree (account_id) WHERE is_online;
CREATE INDEX channel_status_told ON app.channel_status USING btree (account_id) WHERE (told <> '[]'::jsonb);

create table app.connection_tokens (
  connection_id uuid not null,
  client_id text not null,
  access_ciphertext bytea not null,
  refresh_ciphertext bytea,
  expires_at timestamp with time zone,
  version integer not null default 1,
  obtained_at timestamp with time zone not null,
  refreshing_by uuid,
  refreshing_until timestamp with time zone,
  unanswered integer not null default 0,
  refresh_after timestamp with time zone,
  validating_until timestamp with time zone,
  constraint connection_tokens_pkey PRIMARY KEY (connection_id),
  constraint connection_tokens_client_id_check CHECK (((char_length(client_id) >= 1) AND (char_length(client_id) <= 200))),
  constraint connection_tokens_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES app.platform_connections(id) ON DELETE CASCADE
);
alter table app.connection_tokens enable row level security;
alter table app.connection_tokens force row level security;
CREATE TRIGGER connection_tokens_changed AFTER UPDATE ON app.connection_tokens FOR EACH ROW WHEN ((old.version IS DISTINCT FROM new.version)) EXECUTE FUNCTION app.notify_connection_change();

create table app.event_handlers (
  event_type text not null,
  handler text not null,
  constraint event_handlers_pkey PRIMARY KEY (event_type),
  constraint event_handlers_event_type_check CHECK ((event_type ~ '^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$'::text)),
  constraint event_handlers_handler_check CHECK ((handler ~ '^[a-z][a-z0-9_]*$'::text))
);
alter table app.event_handlers enable row level security;
alter table app.event_handlers force row level security;

create table app.event_keys (
  account_id uuid not null,
  kind text not null,
  key text not null,
  event_id uuid not null,
  event_created_at timestamp with time zone not null,
  seq bigint not null,
  created_at timestamp with time zone not null,
  constraint event_keys_pkey PRIMARY KEY (account_id, kind, key),
  constraint event_keys_kind_check CHECK ((kind = ANY (ARRAY['transport'::text, 'business'::text])))
);
alter table app.event_keys enable row level security;
alter table app.event_keys force row level security;
CREATE INDEX event_keys_age ON app.event_keys USING brin (created_at);

create table app.event_subscriptions (
  overlay_id uuid not null,
  pattern text not null,
  account_id uuid not null,
  lane text not null default 'main'::text,
  classes text[] not null default '{animated,alert,data}'::text[],
  like_pattern text not null generated always as (replace(replace(pattern, '_'::text, '\_'::text), '*'::text, '%'::text)) stored,
  condition jsonb,
  constraint event_subscriptions_pkey PRIMARY KEY (overlay_id, pattern),
  constraint event_subscriptions_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint event_subscriptions_classes_check CHECK ((classes <@ ARRAY['animated'::text, 'data'::text, 'alert'::text, 'system'::text])),
  constraint event_subscriptions_lane_check CHECK ((lane ~ '^[a-z][a-z0-9_-]{0,39}$'::text)),
  constraint event_subscriptions_overlay_id_fkey FOREIGN KEY (overlay_id) REFERENCES app.overlays(id) ON DELETE CASCADE,
  constraint event_subscriptions_pattern_check CHECK ((pattern ~ '^[a-z0-9_:*]{1,101}$'::text))
);
alter table app.event_subscriptions enable row level security;
alter table app.event_subscriptions force row level security;
CREATE INDEX event_subscriptions_account ON app.event_subscriptions USING btree (account_id);
grant select on app.event_subscriptions to authenticated;

create table app.event_templates (
  id uuid not null default gen_random_uuid(),
  account_id uuid not null,
  name text not null,
  event_type text not null,
  text text,
  data jsonb not null default '{}'::jsonb,
  class text,
  duration_ms integer,
  priority text,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint event_templates_pkey PRIMARY KEY (id),
  constraint event_templates_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint event_templates_class_check CHECK ((class = ANY (ARRAY['animated'::text, 'data'::text, 'alert'::text, 'system'::text]))),
  constraint event_templates_data_check CHECK ((jsonb_typeof(data) = 'object'::text)),
  constraint event_templates_duration_ms_check CHECK (((duration_ms >= 500) AND (duration_ms <= 120000))),
  constraint event_templates_event_type_check CHECK (((event_type ~ '^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$'::text) AND (char_length(event_type) <= 100))),
  constraint event_templates_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
  constraint event_templates_priority_check CHECK ((priority = ANY (ARRAY['low'::text, 'normal'::text, 'high'::text, 'critical'::text]))),
  constraint event_templates_text_check CHECK ((char_length(text) <= 500))
);
alter table app.event_templates enable row level security;
alter table app.event_templates force row level security;
CREATE UNIQUE INDEX event_templates_name ON app.event_templates USING btree (account_id, name);

create table app.event_types (
  account_id uuid not null,
  type text not null,
  title text not null,
  description text not null default ''::text,
  class text not null,
  duration_ms integer,
  priority text not null,
  schema jsonb,
  sample jsonb not null default '{}'::jsonb,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint event_types_pkey PRIMARY KEY (account_id, type),
  constraint event_types_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint event_types_class_check CHECK ((class = ANY (ARRAY['animated'::text, 'data'::text, 'alert'::text, 'system'::text]))),
  constraint event_types_description_check CHECK ((char_length(description) <= 500)),
  constraint event_types_duration_ms_check CHECK (((duration_ms >= 500) AND (duration_ms <= 120000))),
  constraint event_types_priority_check CHECK ((priority = ANY (ARRAY['low'::text, 'normal'::text, 'high'::text, 'critical'::text]))),
  constraint event_types_sample_check CHECK ((jsonb_typeof(sample) = 'object'::text)),
  constraint event_types_schema_check CHECK ((pg_column_size(schema) <= 65536)),
  constraint event_types_title_check CHECK (((char_length(title) >= 1) AND (char_length(title) <= 100))),
  constraint event_types_type_check CHECK ((type ~ '^custom:[a-z][a-z0-9_]{0,49}$'::text))
);
alter table app.event_types enable row level security;
alter table app.event_types force row level security;

create table app.eventsub_subscriptions (
  connection_id uuid not null,
  type text not null,
  version text not null,
  status text not null,
  reason text,
  platform_id text,
  cost integer not null default 0,
  received bigint not null default 0,
  missed bigint not null default 0,
  last_event_at timestamp with time zone,
  last_poll_at timestamp with time zone,
  last_poll_agreed boolean,
  updated_at timestamp with time zone not null,
  constraint eventsub_subscriptions_pkey PRIMARY KEY (connection_id, type),
  constraint eventsub_subscriptions_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES app.platform_connections(id) ON DELETE CASCADE,
  constraint eventsub_subscriptions_reason_check CHECK ((char_length(reason) <= 500)),
  constraint eventsub_subscriptions_status_check CHECK ((status = ANY (ARRAY['enabled'::text, 'pending'::text, 'missing'::text, 'revoked'::text, 'failed'::text]))),
  constraint eventsub_subscriptions_type_check CHECK (((char_length(type) >= 1) AND (char_length(type) <= 200)))
);
alter table app.eventsub_subscriptions enable row level security;
alter table app.eventsub_subscriptions force row level security;

create table app.fetch_log (
  id bigint not null generated always as identity,
  account_id uuid not null,
  connection_id uuid,
  platform text not null,
  call text not null,
  status integer,
  failure text,
  duration_ms integer not null,
  points_left integer,
  at timestamp with time zone not null,
  constraint fetch_log_pkey PRIMARY KEY (id),
  constraint fetch_log_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint fetch_log_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES app.platform_connections(id) ON DELETE CASCADE
);
alter table app.fetch_log enable row level security;
alter table app.fetch_log force row level security;
CREATE INDEX fetch_log_account ON app.fetch_log USING btree (account_id, at DESC);
CREATE INDEX fetch_log_at ON app.fetch_log USING btree (at);
CREATE INDEX fetch_log_connection ON app.fetch_log USING btree (connection_id, at DESC);

create table app.follower_history (
  viewer_id uuid not null,
  account_id uuid not null,
  action text not null,
  at timestamp with time zone not null,
  constraint follower_history_pkey PRIMARY KEY (viewer_id, at, action),
  constraint follower_history_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint follower_history_action_check CHECK ((action = ANY (ARRAY['follow'::text, 'unfollow'::text]))),
  constraint follower_history_viewer_id_fkey FOREIGN KEY (viewer_id) REFERENCES app.viewers(id) ON DELETE CASCADE
);
alter table app.follower_history enable row level security;
alter table app.follower_history force row level security;
CREATE INDEX follower_history_account ON app.follower_history USING btree (account_id, at DESC);
grant select on app.follower_history to authenticated;

create table app.gathering_parts (
  id bigint not null generated always as identity,
  account_id uuid not null,
  name text not null,
  transport_key text,
  about jsonb not null,
  draft jsonb not null,
  arrived_at timestamp with time zone not null,
  constraint gathering_parts_pkey PRIMARY KEY (id),
  constraint gathering_parts_account_id_name_fkey FOREIGN KEY (account_id, name) REFERENCES app.gatherings(account_id, name) ON DELETE CASCADE
);
alter table app.gathering_parts enable row level security;
alter table app.gathering_parts force row level security;
CREATE INDEX gathering_parts_gathering ON app.gathering_parts USING btree (account_id, name, id);
CREATE UNIQUE INDEX gathering_parts_transport ON app.gathering_parts USING btree (account_id, transport_key);

create table app.gatherings (
  account_id uuid not null,
  name text not null,
  rev bigint not null,
  due_at timestamp with time zone,
  memory jsonb not null default '[]'::jsonb,
  constraint gatherings_pkey PRIMARY KEY (account_id, name),
  constraint gatherings_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint gatherings_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 300)))
);
alter table app.gatherings enable row level security;
alter table app.gatherings force row level security;
CREATE INDEX gatherings_due ON app.gatherings USING btree (due_at) WHERE (due_at IS NOT NULL);

create table app.idempotency_keys (
  account_id uuid not null,
  actor_id uuid not null,
  key text not null,
  request_hash bytea not null,
  answer bytea,
  created_at timestamp with time zone not null,
  constraint idempotency_keys_pkey PRIMARY KEY (account_id, actor_id, key),
  constraint idempotency_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint idempotency_keys_key_check CHECK (((char_length(key) >= 1) AND (char_length(key) <= 255))),
  constraint idempotency_keys_request_hash_check CHECK ((octet_length(request_hash) = 32))
);
alter table app.idempotency_keys enable row level security;
alter table app.idempotency_keys force row level security;
CREATE INDEX idempotency_keys_age ON app.idempotency_keys USING brin (created_at);

create table app.invitations (
  id uuid not null default gen_random_uuid(),
  account_id uuid not null,
  role text not null,
  note text,
  token_hash bytea not null,
  created_by uuid not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  accepted_at timestamp with time zone,
  accepted_by uuid,
  revoked_at timestamp with time zone,
  constraint invitations_pkey PRIMARY KEY (id),
  constraint invitations_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint invitations_check CHECK (((accepted_at IS NULL) = (accepted_by IS NULL))),
  constraint invitations_check1 CHECK (((accepted_at IS NULL) OR (revoked_at IS NULL))),
  constraint invitations_note_check CHECK (((char_length(note) >= 1) AND (char_length(note) <= 254))),
  constraint invitations_role_fkey FOREIGN KEY (role) REFERENCES app.roles(name),
  constraint invitations_token_hash_check CHECK ((octet_length(token_hash) = 32)),
  constraint invitations_token_hash_key UNIQUE (token_hash)
);
alter table app.invitations enable row level security;
alter table app.invitations force row level security;
CREATE INDEX invitations_account ON app.invitations USING btree (account_id, created_at DESC);
CREATE INDEX invitations_role ON app.invitations USING btree (role);

create table app.keys (
  id uuid not null default gen_random_uuid(),
  account_id uuid not null,
  kind text not null,
  name text not null,
  hint text not null,
  overlay_id uuid,
  permissions text[] not null default '{}'::text[],
  token_hash bytea not null,
  created_by uuid,
  rotated_from uuid,
  created_at timestamp with time zone not null,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  ends_at timestamp with time zone,
  constraint keys_pkey PRIMARY KEY (id),
  constraint keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint keys_check CHECK (((kind = 'overlay'::text) = (overlay_id IS NOT NULL))),
  constraint keys_check1 CHECK (((kind <> 'ingest'::text) OR (permissions <@ '{events:create}'::text[]))),
  constraint keys_hint_check CHECK ((char_length(hint) <= 12)),
  constraint keys_kind_check CHECK ((kind = ANY (ARRAY['overlay'::text, 'api'::text, 'remote'::text, 'ingest'::text]))),
  constraint keys_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
  constraint keys_overlay_fkey FOREIGN KEY (overlay_id) REFERENCES app.overlays(id) ON DELETE CASCADE,
  constraint keys_rotated_from_fkey FOREIGN KEY (rotated_from) REFERENCES app.keys(id) ON DELETE SET NULL,
  constraint keys_token_hash_check CHECK ((octet_length(token_hash) = 32)),
  constraint keys_token_hash_key UNIQUE (token_hash)
);
alter table app.keys enable row level security;
alter table app.keys force row level security;
CREATE INDEX keys_account ON app.keys USING btree (account_id);
CREATE INDEX keys_creator ON app.keys USING btree (account_id, created_by);
CREATE INDEX keys_ending ON app.keys USING btree (ends_at) WHERE ((ends_at IS NOT NULL) AND (revoked_at IS NULL));
CREATE INDEX keys_overlay ON app.keys USING btree (overlay_id);
CREATE INDEX keys_rotated_from ON app.keys USING btree (rotated_from);

create table app.members (
  account_id uuid not null,
  user_id uuid not null,
  role text not null,
  created_at timestamp with time zone not null default now(),
  is_default boolean not null default false,
  constraint members_pkey PRIMARY KEY (account_id, user_id),
  constraint members_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint members_role_fkey FOREIGN KEY (role) REFERENCES app.roles(name)
);
alter table app.members enable row level security;
alter table app.members force row level security;
CREATE UNIQUE INDEX members_default ON app.members USING btree (user_id) WHERE is_default;
CREATE INDEX members_role ON app.members USING btree (role);
CREATE INDEX members_user ON app.members USING btree (user_id);
CREATE TRIGGER members_changed AFTER DELETE OR UPDATE OF role, user_id, account_id ON app.members FOR EACH ROW EXECUTE FUNCTION app.notify_member_change();
grant select on app.members to authenticated;

create table app.overlay_instances (
  overlay_id uuid not null,
  id uuid not null,
  account_id uuid not null,
  first_seen_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  visible boolean,
  muted boolean,
  protocol text,
  user_agent text,
  constraint overlay_instances_pkey PRIMARY KEY (overlay_id, id),
  constraint overlay_instances_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint overlay_instances_overlay_id_fkey FOREIGN KEY (overlay_id) REFERENCES app.overlays(id) ON DELETE CASCADE
) with (fillfactor=70);
alter table app.overlay_instances enable row level security;
alter table app.overlay_instances force row level security;
CREATE INDEX overlay_instances_account ON app.overlay_instances USING btree (account_id);
grant select on app.overlay_instances to authenticated;

create table app.overlay_queues (
  overlay_id uuid not null,
  account_id uuid not null,
  rev bigint not null default 0,
  paused_at timestamp with time zone,
  paused_by uuid,
  leader_id uuid,
  lease_version bigint not null default 0,
  lease_until timestamp with time zone,
  led_since timestamp with time zone,
  lead_wanted_at timestamp with time zone,
  constraint overlay_queues_pkey PRIMARY KEY (overlay_id),
  constraint overlay_queues_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint overlay_queues_overlay_id_fkey FOREIGN KEY (overlay_id) REFERENCES app.overlays(id) ON DELETE CASCADE
) with (fillfactor=50);
alter table app.overlay_queues enable row level security;
alter table app.overlay_queues force row level security;
CREATE INDEX overlay_queues_account ON app.overlay_queues USING btree (account_id);
grant select on app.overlay_queues to authenticated;

create table app.overlays (
  id uuid not null default gen_random_uuid(),
  account_id uuid not null,
  name text not null,
  document jsonb not null,
  revision integer not null default 1,
  width integer not null default 1920,
  height integer not null default 1080,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint overlays_pkey PRIMARY KEY (id),
  constraint overlays_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint overlays_document_check CHECK ((jsonb_typeof(document) = 'object'::text)),
  constraint overlays_height_check CHECK ((height > 0)),
  constraint overlays_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
  constraint overlays_revision_check CHECK ((revision > 0)),
  constraint overlays_width_check CHECK ((width > 0))
);
alter table app.overlays enable row level security;
alter table app.overlays force row level security;
CREATE INDEX overlays_account ON app.overlays USING btree (account_id);
grant select on app.overlays to authenticated;

create table app.pairings (
  id uuid not null default gen_random_uuid(),
  account_id uuid not null,
  permissions text[] not null,
  code_hash bytea not null,
  created_by uuid not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  key_id uuid,
  constraint pairings_pkey PRIMARY KEY (id),
  constraint pairings_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint pairings_check CHECK (((used_at IS NULL) = (key_id IS NULL))),
  constraint pairings_code_hash_check CHECK ((octet_length(code_hash) = 32)),
  constraint pairings_code_hash_key UNIQUE (code_hash),
  constraint pairings_key_id_fkey FOREIGN KEY (key_id) REFERENCES app.keys(id) ON DELETE CASCADE
);
alter table app.pairings enable row level security;
alter table app.pairings force row level security;
CREATE INDEX pairings_account ON app.pairings USING btree (account_id, created_at DESC);
CREATE INDEX pairings_key ON app.pairings USING btree (key_id);

create table app.pending_authorizations (
  id uuid not null default gen_random_uuid(),
  account_id uuid not null,
  actor_kind text not null,
  actor_id uuid not null,
  platform text not null,
  flow text not null,
  mode text,
  groups text[] not null,
  scopes text[] not null,
  client_id text not null,
  redirect_uri text,
  state_hash bytea,
  device_ciphertext bytea,
  interval_s integer,
  next_poll_at timestamp with time zone,
  status text not null default 'pending'::text,
  reason text,
  connection_id uuid,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  constraint pending_authorizations_pkey PRIMARY KEY (id),
  constraint pending_authorizations_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint pending_authorizations_check CHECK (((flow = 'code'::text) = (state_hash IS NOT NULL))),
  constraint pending_authorizations_check1 CHECK (((flow = 'device'::text) = (interval_s IS NOT NULL))),
  constraint pending_authorizations_check2 CHECK ((((flow = 'device'::text) AND (status = 'pending'::text)) = (device_ciphertext IS NOT NULL))),
  constraint pending_authorizations_flow_check CHECK ((flow = ANY (ARRAY['code'::text, 'device'::text]))),
  constraint pending_authorizations_interval_s_check CHECK (((interval_s >= 1) AND (interval_s <= 600))),
  constraint pending_authorizations_mode_check CHECK ((mode = ANY (ARRAY['websocket'::text, 'webhook'::text, 'relay'::text, 'poll'::text]))),
  constraint pending_authorizations_platform_check CHECK ((platform ~ '^[a-z][a-z0-9_]{0,49}$'::text)),
  constraint pending_authorizations_reason_check CHECK ((char_length(reason) <= 500)),
  constraint pending_authorizations_state_hash_key UNIQUE (state_hash),
  constraint pending_authorizations_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'connected'::text, 'denied'::text, 'expired'::text, 'failed'::text])))
);
alter table app.pending_authorizations enable row level security;
alter table app.pending_authorizations force row level security;
CREATE INDEX pending_authorizations_account ON app.pending_authorizations USING btree (account_id, created_at DESC);
CREATE INDEX pending_authorizations_created ON app.pending_authorizations USING btree (created_at);
CREATE INDEX pending_authorizations_polls ON app.pending_authorizations USING btree (next_poll_at) WHERE ((status = 'pending'::text) AND (flow = 'device'::text));

create table app.permissions (
  name text not null,
  constraint permissions_pkey PRIMARY KEY (name)
);
alter table app.permissions enable row level security;
alter table app.permissions force row level security;
grant select on app.permissions to authenticated;

create table app.platform_clients (
  account_id uuid not null,
  platform text not null,
  client_id text not null,
  secret_ciphertext bytea,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint platform_clients_pkey PRIMARY KEY (account_id, platform),
  constraint platform_clients_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint platform_clients_client_id_check CHECK (((char_length(client_id) >= 1) AND (char_length(client_id) <= 200))),
  constraint platform_clients_platform_check CHECK ((platform ~ '^[a-z][a-z0-9_]{0,49}$'::text))
);
alter table app.platform_clients enable row level security;
alter table app.platform_clients force row level security;

create table app.platform_connections (
  id uuid not null default gen_random_uuid(),
  account_id uuid not null,
  platform text not null,
  channel_id text not null,
  channel_name text,
  secret_ciphertext bytea,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  last_delivery_at timestamp with time zone,
  mode text not null,
  groups text[] not null default '{}'::text[],
  scopes text[] not null default '{}'::text[],
  status text not null default 'connected'::text,
  status_reason text,
  login text,
  picture text,
  validated_at timestamp with time zone,
  constraint platform_connections_pkey PRIMARY KEY (id),
  constraint platform_connections_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint platform_connections_account_id_platform_channel_id_key UNIQUE (account_id, platform, channel_id),
  constraint platform_connections_channel_id_check CHECK (((char_length(channel_id) >= 1) AND (char_length(channel_id) <= 200))),
  constraint platform_connections_channel_name_check CHECK ((char_length(channel_name) <= 200)),
  constraint platform_connections_login_check CHECK ((char_length(login) <= 200)),
  constraint platform_connections_mode_check CHECK ((mode = ANY (ARRAY['websocket'::text, 'webhook'::text, 'relay'::text, 'poll'::text]))),
  constraint platform_connections_picture_check CHECK ((char_length(picture) <= 2000)),
  constraint platform_connections_platform_check CHECK ((platform ~ '^[a-z][a-z0-9_]{0,49}$'::text)),
  constraint platform_connections_status_check CHECK ((status = ANY (ARRAY['connected'::text, 'reconnect_needed'::text, 'disconnected'::text]))),
  constraint platform_connections_status_reason_check CHECK ((char_length(status_reason) <= 500))
);
alter table app.platform_connections enable row level security;
alter table app.platform_connections force row level security;
CREATE INDEX platform_connections_channel ON app.platform_connections USING btree (platform, channel_id);
CREATE TRIGGER platform_connections_changed AFTER UPDATE ON app.platform_connections FOR EACH ROW WHEN ((((((old.mode IS DISTINCT FROM new.mode) OR (old.groups IS DISTINCT FROM new.groups)) OR (old.scopes IS DISTINCT FROM new.scopes)) OR (old.status IS DISTINCT FROM new.status)) OR (old.secret_ciphertext IS DISTINCT FROM new.secret_ciphertext))) EXECUTE FUNCTION app.notify_connection_change();
CREATE TRIGGER platform_connections_made AFTER INSERT OR DELETE ON app.platform_connections FOR EACH ROW EXECUTE FUNCTION app.notify_connection_change();

create table app.platform_events (
  id uuid not null,
  created_at timestamp with time zone not null,
  account_id uuid not null,
  seq bigint not null,
  event_type text not null,
  class text not null,
  platform text not null,
  origin text not null,
  external_id text,
  data jsonb not null,
  raw jsonb,
  metadata jsonb not null default '{}'::jsonb,
  priority smallint not null,
  status text not null,
  duration_ms integer,
  cancelable boolean not null,
  replayable boolean not null,
  scheduled_at timestamp with time zone,
  occurred_at timestamp with time zone,
  started_at timestamp with time zone,
  completed_at timestamp with time zone,
  cancelled_at timestamp with time zone,
  search text not null generated always as (lower("left"((jsonb_path_query_array(data, 'strict $.**?(@.type() == "string")'::jsonpath))::text, 500))) stored,
  constraint platform_events_pkey PRIMARY KEY (id, created_at),
  constraint platform_events_class_check CHECK ((class = ANY (ARRAY['animated'::text, 'data'::text, 'alert'::text, 'system'::text]))),
  constraint platform_events_origin_check CHECK ((origin = ANY (ARRAY['live'::text, 'test'::text, 'manual'::text, 'poll'::text]))),
  constraint platform_events_priority_check CHECK ((priority = ANY (ARRAY[0, 10, 20, 30]))),
  constraint platform_events_seq_check CHECK ((seq > 0)),
  constraint platform_events_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'completed'::text, 'cancelled'::text])))
) partition by RANGE (created_at);
alter table app.platform_events enable row level security;
alter table app.platform_events force row level security;
CREATE INDEX platform_events_search ON ONLY app.platform_events USING gin (search extensions.gin_trgm_ops);
CREATE INDEX platform_events_seq ON ONLY app.platform_events USING btree (account_id, seq DESC);
CREATE INDEX platform_events_type ON ONLY app.platform_events USING btree (account_id, event_type, seq DESC);

create table app.play_transitions (
  id bigint not null generated always as identity,
  play_id uuid not null,
  account_id uuid not null,
  at timestamp with time zone not null,
  from_status text not null,
  to_status text not null,
  actor_kind text not null,
  actor_id uuid,
  reason text,
  constraint play_transitions_pkey PRIMARY KEY (id)
);
alter table app.play_transitions enable row level security;
alter table app.play_transitions force row level security;
CREATE INDEX play_transitions_play ON app.play_transitions USING btree (play_id);
CREATE TRIGGER play_transitions_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON app.play_transitions FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change();
grant select on app.play_transitions to authenticated;

create table app.plays (
  id uuid not null default gen_random_uuid(),
  account_id uuid not null,
  overlay_id uuid not null,
  event_id uuid not null,
  event_created_at timestamp with time zone not null,
  seq bigint not null,
  priority smallint not null,
  lane text not null,
  status text not null,
  reason text not null,
  play_no integer not null,
  attempt integer not null default 0,
  duration_ms integer not null,
  instance_id uuid,
  lease_version bigint,
  claimed_at timestamp with time zone,
  scheduled_at timestamp with time zone,
  outcome text,
  detail jsonb,
  requested_by uuid,
  created_at timestamp with time zone not null,
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  constraint plays_pkey PRIMARY KEY (id),
  constraint plays_check CHECK (((ended_at IS NOT NULL) = (status = ANY (ARRAY['completed'::text, 'cancelled'::text, 'skipped'::text, 'expired'::text, 'failed'::text])))),
  constraint plays_check1 CHECK (((status <> 'playing'::text) OR ((instance_id IS NOT NULL) AND (claimed_at IS NOT NULL)))),
  constraint plays_duration_ms_check CHECK ((duration_ms > 0)),
  constraint plays_event_id_overlay_id_play_no_key UNIQUE (event_id, overlay_id, play_no),
  constraint plays_overlay_id_fkey FOREIGN KEY (overlay_id) REFERENCES app.overlays(id) ON DELETE CASCADE,
  constraint plays_play_no_check CHECK ((play_no > 0)),
  constraint plays_reason_check CHECK ((reason = ANY (ARRAY['live'::text, 'replay'::text, 'test'::text]))),
  constraint plays_status_check CHECK ((status = ANY (ARRAY['held'::text, 'queued'::text, 'playing'::text, 'completed'::text, 'cancelled'::text, 'skipped'::text, 'expired'::text, 'failed'::text])))
) with (fillfactor=70);
alter table app.plays enable row level security;
alter table app.plays force row level security;
CREATE INDEX plays_ended ON app.plays USING btree (overlay_id, ended_at DESC);
CREATE UNIQUE INDEX plays_one_in_a_lane ON app.plays USING btree (overlay_id, lane) WHERE (status = 'playing'::text);
CREATE INDEX plays_scheduled ON app.plays USING btree (scheduled_at) WHERE ((status = 'queued'::text) AND (scheduled_at IS NOT NULL));
CREATE INDEX plays_upcoming ON app.plays USING btree (account_id, scheduled_at) WHERE ((status = 'queued'::text) AND (scheduled_at IS NOT NULL));
CREATE INDEX plays_waiting ON app.plays USING btree (overlay_id, lane, priority DESC, seq, play_no) WHERE (status = 'queued'::text);
CREATE TRIGGER plays_move BEFORE UPDATE OF status ON app.plays FOR EACH ROW WHEN ((old.status IS DISTINCT FROM new.status)) EXECUTE FUNCTION app.check_play_move();
grant select on app.plays to authenticated;

create table app.quota_snapshots (
  id bigint not null generated always as identity,
  connection_id uuid not null,
  total integer not null,
  total_cost integer not null,
  max_total_cost integer not null,
  at timestamp with time zone not null,
  constraint quota_snapshots_pkey PRIMARY KEY (id),
  constraint quota_snapshots_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES app.platform_connections(id) ON DELETE CASCADE
);
alter table app.quota_snapshots enable row level security;
alter table app.quota_snapshots force row level security;
CREATE INDEX quota_snapshots_at ON app.quota_snapshots USING btree (at);
CREATE INDEX quota_snapshots_connection ON app.quota_snapshots USING btree (connection_id, at DESC);

create table app.role_permissions (
  role text not null,
  permission text not null,
  constraint role_permissions_pkey PRIMARY KEY (role, permission),
  constraint role_permissions_permission_fkey FOREIGN KEY (permission) REFERENCES app.permissions(name),
  constraint role_permissions_role_fkey FOREIGN KEY (role) REFERENCES app.roles(name)
);
alter table app.role_permissions enable row level security;
alter table app.role_permissions force row level security;
CREATE INDEX role_permissions_permission ON app.role_permissions USING btree (permission);
grant select on app.role_permissions to authenticated;

create table app.roles (
  name text not null,
  constraint roles_pkey PRIMARY KEY (name)
);
alter table app.roles enable row level security;
alter table app.roles force row level security;
grant select on app.roles to authenticated;

create table app.source_polls (
  connection_id uuid not null,
  name text not null,
  every_s integer,
  version integer not null default 1,
  opened_at timestamp with time zone,
  known_until timestamp with time zone,
  members jsonb,
  seq bigint,
  last_at timestamp with time zone,
  next_at timestamp with time zone,
  last_error text,
  missed bigint not null default 0,
  constraint source_polls_pkey PRIMARY KEY (connection_id, name),
  constraint source_polls_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES app.platform_connections(id) ON DELETE CASCADE,
  constraint source_polls_last_error_check CHECK ((char_length(last_error) <= 500)),
  constraint source_polls_name_check CHECK ((name ~ '^[a-z][a-z0-9_]{0,49}$'::text))
);
alter table app.source_polls enable row level security;
alter table app.source_polls force row level security;

create table app.sources (
  connection_id uuid not null,
  account_id uuid not null,
  owner uuid,
  lease_until timestamp with time zone,
  mode text not null,
  state text not null default 'waiting'::text,
  since timestamp with time zone not null,
  session_count integer not null default 0,
  sessions text[] not null default '{}'::text[],
  problems jsonb not null default '[]'::jsonb,
  received bigint not null default 0,
  missed bigint not null default 0,
  counted_since timestamp with time zone not null,
  last_event_at timestamp with time zone,
  reconcile_requested_at timestamp with time zone,
  reconciled_at timestamp with time zone,
  constraint sources_pkey PRIMARY KEY (connection_id),
  constraint sources_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint sources_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES app.platform_connections(id) ON DELETE CASCADE,
  constraint sources_state_check CHECK ((state = ANY (ARRAY['live'::text, 'connecting'::text, 'polling'::text, 'waiting'::text, 'stopped'::text, 'problem'::text])))
);
alter table app.sources enable row level security;
alter table app.sources force row level security;
CREATE INDEX sources_account ON app.sources USING btree (account_id);

create table app.spotify_manual (
  account_id uuid not null,
  started_by uuid,
  expires_at timestamp with time zone not null,
  constraint spotify_manual_pkey PRIMARY KEY (account_id),
  constraint spotify_manual_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE
);
alter table app.spotify_manual enable row level security;
alter table app.spotify_manual force row level security;

create table app.tasks (
  name text not null,
  title text not null,
  interval_s integer not null,
  is_enabled boolean not null default true,
  is_asked boolean not null default false,
  next_run_at timestamp with time zone not null,
  last_run_at timestamp with time zone,
  last_duration_ms integer,
  last_error text,
  run_owner uuid,
  run_until timestamp with time zone,
  runs bigint not null default 0,
  failures bigint not null default 0,
  failures_in_row integer not null default 0,
  constraint tasks_pkey PRIMARY KEY (name),
  constraint tasks_check CHECK (((run_owner IS NULL) = (run_until IS NULL))),
  constraint tasks_interval_s_check CHECK (((interval_s >= 1) AND (interval_s <= 2678400))),
  constraint tasks_last_duration_ms_check CHECK ((last_duration_ms >= 0)),
  constraint tasks_last_error_check CHECK ((char_length(last_error) <= 500)),
  constraint tasks_name_check CHECK ((name ~ '^[a-z][a-z0-9_]{0,49}$'::text)),
  constraint tasks_title_check CHECK (((char_length(title) >= 1) AND (char_length(title) <= 200)))
);
alter table app.tasks enable row level security;
alter table app.tasks force row level security;

create table app.viewer_events (
  viewer_id uuid not null,
  event_id uuid not null,
  event_created_at timestamp with time zone not null,
  event_type text not null,
  seq bigint not null,
  constraint viewer_events_pkey PRIMARY KEY (viewer_id, seq),
  constraint viewer_events_viewer_id_fkey FOREIGN KEY (viewer_id) REFERENCES app.viewers(id) ON DELETE CASCADE
);
alter table app.viewer_events enable row level security;
alter table app.viewer_events force row level security;

create table app.viewer_facts (
  viewer_id uuid not null,
  kind text not null,
  at timestamp with time zone not null,
  detail jsonb not null,
  constraint viewer_facts_pkey PRIMARY KEY (viewer_id, kind, at),
  constraint viewer_facts_kind_check CHECK ((kind = ANY (ARRAY['subscribe'::text, 'renew'::text, 'unsubscribe'::text, 'moderator_add'::text, 'moderator_remove'::text, 'vip_add'::text, 'vip_remove'::text]))),
  constraint viewer_facts_viewer_id_fkey FOREIGN KEY (viewer_id) REFERENCES app.viewers(id) ON DELETE CASCADE
);
alter table app.viewer_facts enable row level security;
alter table app.viewer_facts force row level security;

create table app.viewer_roles (
  viewer_id uuid not null,
  account_id uuid not null,
  role text not null,
  granted_at timestamp with time zone not null,
  revoked_at timestamp with time zone,
  constraint viewer_roles_pkey PRIMARY KEY (viewer_id, role, granted_at),
  constraint viewer_roles_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint viewer_roles_role_check CHECK ((role = ANY (ARRAY['moderator'::text, 'vip'::text]))),
  constraint viewer_roles_viewer_id_fkey FOREIGN KEY (viewer_id) REFERENCES app.viewers(id) ON DELETE CASCADE
);
alter table app.viewer_roles enable row level security;
alter table app.viewer_roles force row level security;
CREATE INDEX viewer_roles_account ON app.viewer_roles USING btree (account_id, role);
grant select on app.viewer_roles to authenticated;

create table app.viewer_subscriptions (
  viewer_id uuid not null,
  account_id uuid not null,
  started_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  tier smallint,
  is_gift boolean not null,
  gifter_id uuid,
  constraint viewer_subscriptions_pkey PRIMARY KEY (viewer_id, started_at),
  constraint viewer_subscriptions_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint viewer_subscriptions_gifter_id_fkey FOREIGN KEY (gifter_id) REFERENCES app.viewers(id) ON DELETE SET NULL,
  constraint viewer_subscriptions_viewer_id_fkey FOREIGN KEY (viewer_id) REFERENCES app.viewers(id) ON DELETE CASCADE
);
alter table app.viewer_subscriptions enable row level security;
alter table app.viewer_subscriptions force row level security;
CREATE INDEX viewer_subscriptions_account ON app.viewer_subscriptions USING btree (account_id);
CREATE INDEX viewer_subscriptions_gifter ON app.viewer_subscriptions USING btree (gifter_id);
grant select on app.viewer_subscriptions to authenticated;

create table app.viewers (
  id uuid not null default gen_random_uuid(),
  account_id uuid not null,
  platform text not null,
  platform_user_id text not null,
  login text not null,
  name text not null,
  named_at timestamp with time zone not null,
  picture text,
  picture_at timestamp with time zone,
  first_seen_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  constraint viewers_pkey PRIMARY KEY (id),
  constraint viewers_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint viewers_account_id_platform_platform_user_id_key UNIQUE (account_id, platform, platform_user_id),
  constraint viewers_platform_user_id_check CHECK (((char_length(platform_user_id) >= 1) AND (char_length(platform_user_id) <= 200)))
);
alter table app.viewers enable row level security;
alter table app.viewers force row level security;
CREATE INDEX viewers_seen ON app.viewers USING btree (account_id, last_seen_at DESC, id DESC);
grant select on app.viewers to authenticated;

create table app.webhook_deliveries (
  id bigint not null generated always as identity,
  connection_id uuid not null,
  message_id text,
  kind text not null,
  outcome text not null,
  at timestamp with time zone not null,
  constraint webhook_deliveries_pkey PRIMARY KEY (id),
  constraint webhook_deliveries_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES app.platform_connections(id) ON DELETE CASCADE
);
alter table app.webhook_deliveries enable row level security;
alter table app.webhook_deliveries force row level security;
CREATE INDEX webhook_deliveries_connection ON app.webhook_deliveries USING btree (connection_id, at DESC);

create table identity."twoFactor" (
  id uuid not null default gen_random_uuid(),
  secret text not null,
  "backupCodes" text not null,
  "userId" uuid not null,
  verified boolean,
  "failedVerificationCount" integer,
  "lockedUntil" timestamp with time zone,
  constraint "twoFactor_pkey" PRIMARY KEY (id),
  constraint "twoFactor_userId_fkey" FOREIGN KEY ("userId") REFERENCES identity."user"(id) ON DELETE CASCADE
);
alter table identity."twoFactor" enable row level security;
alter table identity."twoFactor" force row level security;
CREATE INDEX "twoFactor_secret_idx" ON identity."twoFactor" USING btree (secret);
CREATE INDEX "twoFactor_userId_idx" ON identity."twoFactor" USING btree ("userId");
CREATE TRIGGER totp_noted AFTER INSERT OR DELETE OR UPDATE ON identity."twoFactor" FOR EACH ROW EXECUTE FUNCTION app.note_sign_in('totp');

create table identity."user" (
  id uuid not null default gen_random_uuid(),
  name text not null,
  email text not null,
  "emailVerified" boolean not null,
  image text,
  "createdAt" timestamp with time zone not null default CURRENT_TIMESTAMP,
  "updatedAt" timestamp with time zone not null default CURRENT_TIMESTAMP,
  "twoFactorEnabled" boolean,
  constraint user_pkey PRIMARY KEY (id),
  constraint user_email_key UNIQUE (email)
);
alter table identity."user" enable row level security;
alter table identity."user" force row level security;

create table identity.account (
  id uuid not null default gen_random_uuid(),
  "accountId" text not null,
  "providerId" text not null,
  "userId" uuid not null,
  "accessToken" text,
  "refreshToken" text,
  "idToken" text,
  "accessTokenExpiresAt" timestamp with time zone,
  "refreshTokenExpiresAt" timestamp with time zone,
  scope text,
  password text,
  "createdAt" timestamp with time zone not null default CURRENT_TIMESTAMP,
  "updatedAt" timestamp with time zone not null,
  constraint account_pkey PRIMARY KEY (id),
  constraint "account_userId_fkey" FOREIGN KEY ("userId") REFERENCES identity."user"(id) ON DELETE CASCADE
);
alter table identity.account enable row level security;
alter table identity.account force row level security;
CREATE INDEX "account_userId_idx" ON identity.account USING btree ("userId");
CREATE TRIGGER account_noted AFTER INSERT OR DELETE OR UPDATE OF password ON identity.account FOR EACH ROW EXECUTE FUNCTION app.note_sign_in('account');

create table identity.passkey (
  id uuid not null default gen_random_uuid(),
  name text,
  "publicKey" text not null,
  "userId" uuid not null,
  "credentialID" text not null,
  counter integer not null,
  "deviceType" text not null,
  "backedUp" boolean not null,
  transports text,
  "createdAt" timestamp with time zone,
  aaguid text,
  constraint passkey_pkey PRIMARY KEY (id),
  constraint "passkey_userId_fkey" FOREIGN KEY ("userId") REFERENCES identity."user"(id) ON DELETE CASCADE
);
alter table identity.passkey enable row level security;
alter table identity.passkey force row level security;
CREATE INDEX "passkey_credentialID_idx" ON identity.passkey USING btree ("credentialID");
CREATE INDEX "passkey_userId_idx" ON identity.passkey USING btree ("userId");
CREATE TRIGGER passkey_noted AFTER INSERT OR DELETE ON identity.passkey FOR EACH ROW EXECUTE FUNCTION app.note_sign_in('passkey');

create table identity.session (
  id uuid not null default gen_random_uuid(),
  "expiresAt" timestamp with time zone not null,
  token text not null,
  "createdAt" timestamp with time zone not null default CURRENT_TIMESTAMP,
  "updatedAt" timestamp with time zone not null,
  "ipAddress" text,
  "userAgent" text,
  "userId" uuid not null,
  constraint session_pkey PRIMARY KEY (id),
  constraint session_token_key UNIQUE (token),
  constraint "session_userId_fkey" FOREIGN KEY ("userId") REFERENCES identity."user"(id) ON DELETE CASCADE
);
alter table identity.session enable row level security;
alter table identity.session force row level security;
CREATE INDEX "session_userId_idx" ON identity.session USING btree ("userId");
CREATE TRIGGER session_ended AFTER DELETE ON identity.session FOR EACH ROW EXECUTE FUNCTION app.notify_session_end();
CREATE TRIGGER session_noted AFTER INSERT OR DELETE ON identity.session FOR EACH ROW EXECUTE FUNCTION app.note_sign_in('session');

create table identity.verification (
  id uuid not null default gen_random_uuid(),
  identifier text not null,
  value text not null,
  "expiresAt" timestamp with time zone not null,
  "createdAt" timestamp with time zone not null default CURRENT_TIMESTAMP,
  "updatedAt" timestamp with time zone not null default CURRENT_TIMESTAMP,
  constraint verification_pkey PRIMARY KEY (id)
);
alter table identity.verification enable row level security;
alter table identity.verification force row level security;
CREATE INDEX verification_identifier_idx ON identity.verification USING btree (identifier);

create view app.current_followers with (security_invoker=true) as
 SELECT v.account_id,
    v.id AS viewer_id,
    v.platform,
    v.platform_user_id,
    v.login,
    v.name,
    last.at AS followed_at
   FROM (app.viewers v
     CROSS JOIN LATERAL ( SELECT h.action,
            h.at
           FROM app.follower_history h
          WHERE (h.viewer_id = v.id)
          ORDER BY h.at DESC, h.action DESC
         LIMIT 1) last)
  WHERE (last.action = 'follow'::text);

create view app.event_documents with (security_invoker=true) as
 SELECT id,
    created_at,
    account_id,
    seq,
    event_type,
    class,
    jsonb_build_object('id', id, 'account_id', account_id, 'seq', seq, 'event_type', event_type, 'class', class, 'platform', platform, 'origin', origin, 'external_id', external_id, 'data', data, 'metadata', metadata, 'priority',
        CASE priority
            WHEN 0 THEN 'low'::text
            WHEN 10 THEN 'normal'::text
            WHEN 20 THEN 'high'::text
            ELSE 'critical'::text
        END, 'status', status, 'duration_ms', duration_ms, 'cancelable', cancelable, 'replayable', replayable, 'scheduled_at', scheduled_at, 'occurred_at', occurred_at, 'created_at', created_at, 'started_at', started_at, 'completed_at', completed_at) AS document
   FROM app.platform_events e;

create view app.play_documents with (security_invoker=true) as
 SELECT id,
    account_id,
    overlay_id,
    event_id,
    event_created_at,
    seq,
    status,
        CASE
            WHEN (status = 'playing'::text) THEN claimed_at
            ELSE NULL::timestamp with time zone
        END AS playing_since,
    jsonb_build_object('id', id, 'event_id', event_id, 'account_id', account_id, 'overlay_id', overlay_id, 'seq', seq, 'priority',
        CASE priority
            WHEN 0 THEN 'low'::text
            WHEN 10 THEN 'normal'::text
            WHEN 20 THEN 'high'::text
            ELSE 'critical'::text
        END, 'lane', lane, 'status', status, 'reason', reason, 'play_no', play_no, 'attempt', attempt, 'duration_ms', duration_ms, 'instance_id',
        CASE
            WHEN (status = 'playing'::text) THEN instance_id
            ELSE NULL::uuid
        END, 'outcome', outcome, 'created_at', created_at, 'started_at', started_at, 'ended_at', ended_at) AS document
   FROM app.plays p;

CREATE OR REPLACE FUNCTION app.accept_invitation(p_token_hash bytea, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_person uuid := app.current_person();
  v_account uuid;
  v_invitation app.invitations;
  v_state text;
begin
  if v_person is null then
    perform app.refuse('CU403', 'An invitation is for a person: sign in');
  end if;
  select i.account_id into v_account from app.invitations i where i.token_hash = p_token_hash;
  if not found then
    perform app.refuse('CU404', 'There is no such invitation: ask for a new link');
  end if;
  perform from app.accounts a where a.id = v_account for no key update;
  select * into v_invitation from app.invitations i where i.token_hash = p_token_hash for update;
  if exists (select from app.members m where m.account_id = v_account and m.user_id = v_person) then
    perform app.refuse('CU409', 'You are a member of this account already');
  end if;
  v_state := app.invitation_state(v_invitation, p_now);
  if v_state <> 'open' then
    perform app.refuse('CU410', format('This invitation is %s: ask for a new link', v_state));
  end if;
  update app.invitations i set accepted_at = p_now, accepted_by = v_person where i.id = v_invitation.id;
  insert into app.members (account_id, user_id, role, created_at)
  values (v_account, v_person, v_invitation.role, p_now);
  perform app.log_command(v_account, 'invitation.accept', 'invitation', v_invitation.id,
    jsonb_build_object('role', v_invitation.role), p_now);
  return jsonb_build_object('account_id', v_account, 'role', v_invitation.role);
end
$function$;
revoke execute on function app.accept_invitation(bytea,timestamp with time zone) from public;
grant execute on function app.accept_invitation(bytea,timestamp with time zone) to authenticated;
grant execute on function app.accept_invitation(bytea,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.account_exists()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return exists (select from app.accounts);
end
$function$;
revoke execute on function app.account_exists() from public;
grant execute on function app.account_exists() to service_role;

CREATE OR REPLACE FUNCTION app.account_tables()
 RETURNS TABLE(name text, condition text, level integer, key text, place text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return query
  with recursive tables as (
    select c.oid, c.relname::text collate "default" as name,
      exists (select from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and a.attname = 'account_id' and not a.attisdropped) as has_account
    from pg_catalog.pg_class c
    where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  ), links as (
    select f.conrelid as child, f.confrelid as parent,
      (select string_agg(format('t.%I', a.attname::text collate "default"), ', ' order by k.n)
        from unnest(f.conkey) with ordinality k (att, n)
        join pg_catalog.pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.att) as child_columns,
      (select string_agg(format('t.%I', a.attname::text collate "default"), ', ' order by k.n)
        from unnest(f.confkey) with ordinality k (att, n)
        join pg_catalog.pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.att) as parent_columns
    from pg_catalog.pg_constraint f
    where f.contype = 'f' and f.conrelid <> f.confrelid
      and f.conrelid in (select oid from tables) and f.confrelid in (select oid from tables)
  ), paths as (
    select t.oid, t.name, 0 as level,
      case t.name when 'accounts' then 't.id = $1' else 't.account_id = $1' end as condition
    from tables t
    where t.has_account or t.name = 'accounts'
    union all
    select t.oid, t.name, p.level + 1,
      case when t.has_account then 't.account_id = $1'
        else format('(%s) in (select %s from app.%I t where %s)',
          l.child_columns, l.parent_columns, p.name, p.condition) end
    from paths p
    join links l on l.parent = p.oid
    join tables t on t.oid = l.child
    where p.level < 20
  )
  select p.name,
    -- Rows that belong in two ways (by either of two parents) are taken by each.
    string_agg(distinct p.condition, ' or '),
    max(p.level),
    k.key,
    k.place
  from paths p
  cross join lateral (
    select string_agg(format('t.%I', a.attname::text collate "default"), ', ' order by k.n) as key,
      string_agg(format('($2 ->> %s)::%s', k.n - 1, format_type(a.atttypid, a.atttypmod)), ', '
        order by k.n) as place
    from pg_catalog.pg_index i
    cross join lateral unnest(i.indkey::int2[]) with ordinality k (att, n)
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.att
    where i.indrelid = p.oid and i.indisprimary
  ) k
  group by p.name, k.key, k.place;
end
$function$;
revoke execute on function app.account_tables() from public;

CREATE OR REPLACE FUNCTION app.actor_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return (auth.jwt() ->> 'sub')::uuid;
end
$function$;
revoke execute on function app.actor_id() from public;

CREATE OR REPLACE FUNCTION app.actor_kind()
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return coalesce(auth.jwt() ->> 'kind', 'system');
end
$function$;
revoke execute on function app.actor_kind() from public;

CREATE OR REPLACE FUNCTION app.actor_name(p_kind text, p_id uuid)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return case p_kind
    when 'member' then (select u."name" from identity."user" u where u."id" = p_id)
    when 'system' then null
    else (select k.name from app.keys k where k.id = p_id)
  end;
end
$function$;
revoke execute on function app.actor_name(text,uuid) from public;

CREATE OR REPLACE FUNCTION app.add_overlay(p_account uuid, p_name text, p_document jsonb, p_now timestamp with time zone)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_overlay uuid;
begin
  insert into app.overlays (account_id, name, document, width, height, created_at, updated_at)
  values (p_account, p_name, p_document, coalesce((p_document #>> '{size,width}')::int, 1920),
    coalesce((p_document #>> '{size,height}')::int, 1080), p_now, p_now)
  returning id into v_overlay;
  insert into app.overlay_queues (overlay_id, account_id) values (v_overlay, p_account);
  insert into app.event_subscriptions (overlay_id, account_id, pattern)
  values (v_overlay, p_account, '*');
  return v_overlay;
end
$function$;
revoke execute on function app.add_overlay(uuid,text,jsonb,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.advance(p_overlay uuid, p_now timestamp with time zone)
 RETURNS uuid[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_leader uuid;
  v_lease bigint;
  v_started uuid[];
begin
  select q.leader_id, q.lease_version into v_leader, v_lease
  from app.overlay_queues q
  join app.accounts a on a.id = q.account_id
  where q.overlay_id = p_overlay and q.lease_until > p_now and q.paused_at is null
    and a.paused_at is null;
  if v_leader is null then
    return '{}';
  end if;
  -- Steps from lane to lane through the index of waiting plays: the cost is in the number of
  -- lanes, not in the length of the queue.
  with recursive lane as (
    (select p.lane from app.plays p
      where p.overlay_id = p_overlay and p.status = 'queued' order by p.lane limit 1)
    union all
    select (select p.lane from app.plays p
      where p.overlay_id = p_overlay and p.status = 'queued' and p.lane > l.lane
      order by p.lane limit 1)
    from lane l
    where l.lane is not null
  ),
  best as (
    select head.id
    from lane l
    cross join lateral (
      select p.id from app.plays p
      where p.overlay_id = p_overlay and p.lane = l.lane and p.status = 'queued'
        and (p.scheduled_at is null or p.scheduled_at <= p_now)
      order by p.priority desc, p.seq, p.play_no
      limit 1
    ) head
    where l.lane is not null
      and not exists (select from app.plays x
        where x.overlay_id = p_overlay and x.lane = l.lane and x.status = 'playing')
  ),
  started as (
    update app.plays p
    set status = 'playing', instance_id = v_leader, lease_version = v_lease,
      attempt = p.attempt + 1, claimed_at = p_now
    from best
    where p.id = best.id
    returning p.id, p.account_id
  ),
  logged as (
    insert into app.play_transitions (play_id, account_id, at, from_status, to_status, actor_kind,
      actor_id, reason)
    select s.id, s.account_id, p_now, 'queued', 'playing', 'overlay', v_leader, 'claimed'
    from started s
  )
  select coalesce(array_agg(s.id), '{}') into v_started from started s;
  return v_started;
end
$function$;
revoke execute on function app.advance(uuid,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.analytics_span(p_filter jsonb, p_now timestamp with time zone)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  v_zone text := coalesce(p_filter ->> 'time_zone', 'UTC');
  v_interval text := coalesce(p_filter ->> 'interval', 'day');
  v_quarter constant interval := interval '15 minutes';
  v_to timestamptz := coalesce((p_filter ->> 'to')::timestamptz, p_now);
  v_from timestamptz;
  v_most interval := case v_interval when 'hour' then interval '62 days' else interval '1100 days' end;
begin
  begin
    perform p_now at time zone v_zone;
  exception when invalid_parameter_value then
    perform app.refuse('CU400', format('time_zone: %s is not a time zone', v_zone));
  end;
  if v_interval not in ('hour', 'day') then
    perform app.refuse('CU400', 'interval: must be hour or day');
  end if;
  v_to := app.quarter_of(v_to - interval '1 microsecond') + v_quarter;
  v_from := app.quarter_of(coalesce((p_filter ->> 'from')::timestamptz, v_to - interval '30 days'));
  if v_from > v_to or v_to - v_from > v_most then
    perform app.refuse('CU400', 'from: must be before "to", by 1,100 days at most, by 62 when counted by the hour');
  end if;
  return jsonb_build_object('from', v_from, 'to', v_to, 'time_zone', v_zone, 'interval', v_interval);
end
$function$;
revoke execute on function app.analytics_span(jsonb,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.apply_watch(p_account uuid, p_platform text, p_version integer, p_watch jsonb, p_changes jsonb, p_drafts jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_version integer;
  v_change jsonb;
begin
  -- First the account's lock, which recording takes: two that hold one each would wait for ever.
  perform 1 from app.accounts a where a.id = p_account for no key update;
  if not found then
    return false;
  end if;
  insert into app.channel_status (account_id, platform, updated_at)
  values (p_account, p_platform, p_now)
  on conflict do nothing;
  select s.version into v_version
  from app.channel_status s
  where s.account_id = p_account and s.platform = p_platform
  for update;
  if v_version <> p_version then
    return false;
  end if;
  update app.channel_status s
  set watch = p_watch, told = '[]', version = s.version + 1
  where s.account_id = p_account and s.platform = p_platform;
  for v_change in select c.value from jsonb_array_elements(p_changes) as c loop
    case v_change ->> 'kind'
      when 'online' then
        perform app.set_online(p_account, p_platform, v_change -> 'stream', p_now);
      when 'offline' then
        perform app.set_offline(p_account, p_platform, p_now);
      when 'data' then
        perform app.update_stream_data(p_account, p_platform, v_change -> 'stream', p_now);
    end case;
  end loop;
  if jsonb_array_length(p_drafts) > 0 then
    perform app.record_events(p_account, p_drafts, p_now);
  end if;
  return true;
end
$function$;
revoke execute on function app.apply_watch(uuid,text,integer,jsonb,jsonb,jsonb,timestamp with time zone) from public;
grant execute on function app.apply_watch(uuid,text,integer,jsonb,jsonb,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.authorization_document(p_authorization uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select jsonb_build_object('id', a.id, 'account_id', a.account_id, 'actor_kind', a.actor_kind,
      'actor_id', a.actor_id, 'platform', a.platform, 'flow', a.flow, 'groups', a.groups,
      'scopes', a.scopes, 'client_id', a.client_id, 'redirect_uri', a.redirect_uri,
      'device_ciphertext', app.base64(a.device_ciphertext))
    from app.pending_authorizations a
    where a.id = p_authorization);
end
$function$;
revoke execute on function app.authorization_document(uuid) from public;

CREATE OR REPLACE FUNCTION app.await_device(p_authorization uuid, p_slower boolean, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update app.pending_authorizations a
  set interval_s = least(a.interval_s + case when p_slower then 5 else 0 end, 600),
    next_poll_at = p_now
      + make_interval(secs => least(a.interval_s + case when p_slower then 5 else 0 end, 600))
  where a.id = p_authorization and a.status = 'pending';
end
$function$;
revoke execute on function app.await_device(uuid,boolean,timestamp with time zone) from public;
grant execute on function app.await_device(uuid,boolean,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.base64(p_bytes bytea)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  return translate(encode(p_bytes, 'base64'), E'\n', '');
end
$function$;
revoke execute on function app.base64(bytea) from public;

CREATE OR REPLACE FUNCTION app.begin_authorization(p_account uuid, p_platform text, p_flow text, p_mode text, p_groups text[], p_scopes text[], p_client_id text, p_redirect_uri text, p_state_hash bytea, p_device_ciphertext bytea, p_interval_s integer, p_lasts_s integer, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_id uuid;
begin
  perform app.require_permission(p_account, 'connections:edit');
  -- The code comes back to a browser, which must be the one that asked.
  if p_flow = 'code' and app.actor_kind() <> 'member' then
    perform app.refuse('CU403', 'Only a signed-in member can consent in the browser: use the device flow');
  end if;
  if (select count(*) from app.pending_authorizations a
      where a.account_id = p_account and a.status = 'pending' and a.expires_at > p_now) >= 20 then
    perform app.refuse('CU429', 'Twenty consents are waiting already: finish one, or wait some minutes');
  end if;
  insert into app.pending_authorizations (account_id, actor_kind, actor_id, platform, flow, mode,
    groups, scopes, client_id, redirect_uri, state_hash, device_ciphertext, interval_s,
    next_poll_at, created_at, expires_at)
  values (p_account, app.actor_kind(), app.actor_id(), p_platform, p_flow, p_mode, p_groups,
    p_scopes, p_client_id, p_redirect_uri, p_state_hash, p_device_ciphertext, p_interval_s,
    case when p_flow = 'device' then p_now + make_interval(secs => p_interval_s) end,
    p_now, p_now + make_interval(secs => p_lasts_s))
  returning id into v_id;
  perform app.log_command(p_account, 'connection.authorize', 'authorization', v_id,
    jsonb_build_object('platform', p_platform, 'flow', p_flow, 'groups', p_groups), p_now);
  return (select jsonb_build_object('id', a.id, 'expires_at', a.expires_at)
    from app.pending_authorizations a where a.id = v_id);
end
$function$;
revoke execute on function app.begin_authorization(uuid,text,text,text,text[],text[],text,text,bytea,bytea,integer,integer,timestamp with time zone) from public;
grant execute on function app.begin_authorization(uuid,text,text,text,text[],text[],text,text,bytea,bytea,integer,integer,timestamp with time zone) to authenticated;
grant execute on function app.begin_authorization(uuid,text,text,text,text[],text[],text,text,bytea,bytea,integer,integer,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.blot_person(p_document jsonb, p_person text)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  case jsonb_typeof(p_document)
    when 'object' then
      if p_document ->> 'id' = p_person and p_document ? 'login' then
        return p_document || '{"id": "erased", "login": "erased", "name": "erased", "picture": null}';
      end if;
      return (select coalesce(jsonb_object_agg(o.key, app.blot_person(o.value, p_person)), '{}')
        from jsonb_each(p_document) o);
    when 'array' then
      return (select coalesce(jsonb_agg(app.blot_person(a.value, p_person) order by a.place), '[]')
        from jsonb_array_elements(p_document) with ordinality as a (value, place));
    else
      return p_document;
  end case;
end
$function$;
revoke execute on function app.blot_person(jsonb,text) from public;

CREATE OR REPLACE FUNCTION app.bucket_ms(p_bucket smallint)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  select case when p_bucket < 1 then 0 else round(power(1.02::double precision, p_bucket - 0.5)) end::bigint
$function$;
revoke execute on function app.bucket_ms(smallint) from public;

CREATE OR REPLACE FUNCTION app.cancel_event(p_account uuid, p_event uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_event app.platform_events;
  v_overlays uuid[];
  v_plays uuid[];
begin
  perform app.require_permission(p_account, 'queue:control');
  v_event := app.find_event(p_account, p_event);
  if not v_event.cancelable then
    perform app.refuse('CU409', 'This event cannot be cancelled');
  end if;
  perform from app.accounts a where a.id = p_account for no key update;
  v_overlays := array(select distinct p.overlay_id from app.plays p
    where p.event_id = p_event and p.ended_at is null);
  perform app.lock_queues(v_overlays);
  v_plays := array(select p.id from app.plays p
    where p.event_id = p_event and p.ended_at is null and p.overlay_id = any (v_overlays)
    order by p.overlay_id, p.play_no);
  perform app.cancel_plays(v_plays, v_overlays, p_now);
  update app.platform_events e
  set cancelled_at = coalesce(e.cancelled_at, p_now)
  where e.id = p_event and e.created_at = v_event.created_at
    and (cardinality(v_plays) > 0 or v_event.scheduled_at > p_now);
  perform app.log_command(p_account, 'event.cancel', 'event', p_event,
    jsonb_build_object('plays', to_jsonb(v_plays)), p_now);
  return jsonb_build_object('event_id', p_event, 'cancelled', to_jsonb(v_plays),
    'already', cardinality(v_plays) = 0,
    'status', (select e.status from app.platform_events e
      where e.id = p_event and e.created_at = v_event.created_at));
end
$function$;
revoke execute on function app.cancel_event(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.cancel_event(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.cancel_event(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.cancel_play(p_account uuid, p_play uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_play app.plays;
  v_event app.platform_events;
  v_plays uuid[];
begin
  perform app.require_permission(p_account, 'queue:control');
  select * into v_play from app.plays p where p.id = p_play and p.account_id = p_account;
  if not found then
    perform app.refuse('CU404', format('There is no play %s', p_play));
  end if;
  v_event := app.find_event(p_account, v_play.event_id);
  if not v_event.cancelable then
    perform app.refuse('CU409', 'This event cannot be cancelled');
  end if;
  perform app.lock_queues(array[v_play.overlay_id]);
  v_plays := array(select p.id from app.plays p where p.id = p_play and p.ended_at is null);
  perform app.cancel_plays(v_plays, array[v_play.overlay_id], p_now);
  perform app.log_command(p_account, 'play.cancel', 'play', p_play,
    jsonb_build_object('plays', to_jsonb(v_plays)), p_now);
  return jsonb_build_object('event_id', v_play.event_id, 'play_id', p_play,
    'cancelled', to_jsonb(v_plays), 'already', cardinality(v_plays) = 0,
    'status', (select e.status from app.platform_events e
      where e.id = v_event.id and e.created_at = v_event.created_at));
end
$function$;
revoke execute on function app.cancel_play(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.cancel_play(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.cancel_play(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.cancel_plays(p_plays uuid[], p_overlays uuid[], p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_started uuid[];
begin
  perform app.move_plays(p_plays, 'cancelled', 'cancelled', 'cancel', p_now);
  v_started := array(select unnest(app.advance(o, p_now)) from unnest(p_overlays) as o order by o);
  perform app.publish_plays(p_plays || v_started,
    array_fill('ANIMATION_CANCEL'::text, array[cardinality(p_plays)])
      || array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
end
$function$;
revoke execute on function app.cancel_plays(uuid[],uuid[],timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.change_role(p_account uuid, p_user uuid, p_role text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_before text;
begin
  perform app.lock_members(p_account, 'members:edit');
  v_before := app.role_of(p_account, p_user);
  if p_user = app.actor_id() then
    perform app.refuse('CU403', 'Nobody changes their own role: another member has to');
  end if;
  perform app.require_role_within(p_account, v_before);
  perform app.require_role_within(p_account, p_role);
  if v_before = 'owner' and p_role <> 'owner' then
    perform app.require_other_owner(p_account, p_user);
  end if;
  update app.members m
  set role = p_role
  where m.account_id = p_account and m.user_id = p_user and m.role <> p_role;
  perform app.log_command(p_account, 'member.role', 'member', p_user,
    jsonb_build_object('from', v_before, 'to', p_role), p_now);
  return app.member_document(p_account, p_user);
end
$function$;
revoke execute on function app.change_role(uuid,uuid,text,timestamp with time zone) from public;
grant execute on function app.change_role(uuid,uuid,text,timestamp with time zone) to authenticated;
grant execute on function app.change_role(uuid,uuid,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.check_condition(p_condition jsonb, p_depth integer)
 RETURNS integer
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
declare
  v_with jsonb := p_condition -> 'value';
  v_scalars constant text[] := array['string', 'number', 'boolean'];
  v_parts jsonb;
  v_part jsonb;
  v_count integer := 0;
begin
  if p_depth < 1 or jsonb_typeof(p_condition) <> 'object' then
    return null;
  end if;
  if p_condition ?| array['all', 'any', 'not'] then
    v_parts := case when p_condition ? 'not' then jsonb_build_array(p_condition -> 'not')
      else coalesce(p_condition -> 'all', p_condition -> 'any') end;
    if (select count(*) from jsonb_object_keys(p_condition)) <> 1 or jsonb_typeof(v_parts) <> 'array'
      or jsonb_array_length(v_parts) not between 1 and 50 then
      return null;
    end if;
    for v_part in select * from jsonb_array_elements(v_parts) loop
      -- Null as soon as one part is.
      v_count := v_count + app.check_condition(v_part, p_depth - 1);
    end loop;
    return v_count;
  end if;
  if p_condition - array['field', 'op', 'value'] <> '{}'
    or coalesce(p_condition ->> 'field', '') !~ '^(event_type|class|platform|origin|priority|((data|metadata)(\.[A-Za-z_][A-Za-z0-9_]{0,59}){1,6}))$'
    -- What is missing compares with null.
    or not coalesce(case p_condition ->> 'op'
      when 'exists' then coalesce(jsonb_typeof(v_with), 'boolean') = 'boolean'
      when 'in' then jsonb_typeof(v_with) = 'array' and jsonb_array_length(v_with) between 1 and 100
        and (select bool_and(jsonb_typeof(v) = any (v_scalars)) from jsonb_array_elements(v_with) as v)
      else (p_condition ->> 'op') = any (array['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'contains'])
        and jsonb_typeof(v_with) = any (v_scalars)
    end, false) then
    return null;
  end if;
  return 1;
end
$function$;
revoke execute on function app.check_condition(jsonb,integer) from public;

CREATE OR REPLACE FUNCTION app.check_play_move()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if not app.may_become(old.status, new.status) then
    raise exception 'A play that is % cannot become %', old.status, new.status using errcode = 'CU409';
  end if;
  return new;
end
$function$;
revoke execute on function app.check_play_move() from public;

CREATE OR REPLACE FUNCTION app.claim_devices(p_authorization uuid, p_limit integer, p_lease_s integer, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_claimed jsonb;
begin
  with due as (
    select a.id from app.pending_authorizations a
    where a.status = 'pending' and a.flow = 'device' and a.next_poll_at <= p_now
      and a.expires_at > p_now and (p_authorization is null or a.id = p_authorization)
    order by a.next_poll_at
    limit p_limit
    for update skip locked
  ),
  claimed as (
    update app.pending_authorizations a
    set next_poll_at = p_now + make_interval(secs => p_lease_s)
    from due
    where a.id = due.id
    returning a.id
  )
  select coalesce(jsonb_agg(app.authorization_document(c.id)), '[]') into v_claimed from claimed c;
  return v_claimed;
end
$function$;
revoke execute on function app.claim_devices(uuid,integer,integer,timestamp with time zone) from public;
grant execute on function app.claim_devices(uuid,integer,integer,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.claim_idempotency_key(p_account uuid, p_key text, p_request_hash bytea, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_actor uuid := app.actor_id();
  v_row app.idempotency_keys;
begin
  if v_actor is null or not app.is_related(p_account) then
    perform app.refuse('CU404', format('There is no account %s', p_account));
  end if;
  insert into app.idempotency_keys (account_id, actor_id, key, request_hash, created_at)
  values (p_account, v_actor, p_key, p_request_hash, p_now)
  on conflict do nothing;
  if found then
    return jsonb_build_object('is_new', true, 'same_request', true, 'answer', null);
  end if;
  select * into v_row
  from app.idempotency_keys i
  where i.account_id = p_account and i.actor_id = v_actor and i.key = p_key;
  return jsonb_build_object('is_new', false, 'same_request', coalesce(v_row.request_hash = p_request_hash, false),
    'answer', translate(encode(v_row.answer, 'base64'), E'\n', ''));
end
$function$;
revoke execute on function app.claim_idempotency_key(uuid,text,bytea,timestamp with time zone) from public;
grant execute on function app.claim_idempotency_key(uuid,text,bytea,timestamp with time zone) to authenticated;
grant execute on function app.claim_idempotency_key(uuid,text,bytea,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.claim_next(p_overlay uuid, p_instance uuid, p_lane text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_started uuid[];
begin
  perform app.require_overlay_key(p_overlay);
  perform from app.overlay_queues q
  where q.overlay_id = p_overlay and q.leader_id = p_instance and q.lease_until > p_now
  for no key update;
  if not found then
    return null;
  end if;
  v_started := app.advance(p_overlay, p_now);
  perform app.publish_plays(v_started, array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
  return (
    select d.play
    from app.describe_plays(array(
      select p.id from app.plays p
      where p.overlay_id = p_overlay and p.lane = p_lane and p.status = 'playing'
        and p.instance_id = p_instance), p_now) d);
end
$function$;
revoke execute on function app.claim_next(uuid,uuid,text,timestamp with time zone) from public;
grant execute on function app.claim_next(uuid,uuid,text,timestamp with time zone) to authenticated;
grant execute on function app.claim_next(uuid,uuid,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.claim_refresh(p_connection uuid, p_version integer, p_holder uuid, p_lease_s integer, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_tokens app.connection_tokens;
begin
  select * into v_tokens
  from app.connection_tokens t
  where t.connection_id = p_connection
  for update;
  if not found or v_tokens.version <> p_version then
    return jsonb_build_object('outcome', 'changed', 'unanswered', 0);
  end if;
  if v_tokens.refreshing_until > p_now then
    return jsonb_build_object('outcome', 'held', 'unanswered', v_tokens.unanswered);
  end if;
  if v_tokens.refresh_after > p_now then
    return jsonb_build_object('outcome', 'later', 'unanswered', v_tokens.unanswered);
  end if;
  update app.connection_tokens t
  set refreshing_by = p_holder, refreshing_until = p_now + make_interval(secs => p_lease_s),
    unanswered = t.unanswered + 1
  where t.connection_id = p_connection;
  return jsonb_build_object('outcome', 'claimed', 'unanswered', v_tokens.unanswered);
end
$function$;
revoke execute on function app.claim_refresh(uuid,integer,uuid,integer,timestamp with time zone) from public;
grant execute on function app.claim_refresh(uuid,integer,uuid,integer,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.claim_sources(p_owner uuid, p_platforms text[], p_lease_s numeric, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_stopped uuid;
begin
  -- What is connected no more has no source.
  for v_stopped in
    update app.sources s
    set owner = null, lease_until = null, state = 'stopped', since = p_now, session_count = 0, problems = '[]'
    from app.platform_connections c
    where c.id = s.connection_id and c.status = 'disconnected' and s.state <> 'stopped'
    returning s.connection_id
  loop
    perform app.publish_source(v_stopped, p_now);
  end loop;
  insert into app.sources (connection_id, account_id, mode, since, counted_since)
  select c.id, c.account_id, c.mode, p_now, p_now
  from app.platform_connections c
  join app.connection_tokens t on t.connection_id = c.id
  where c.platform = any (p_platforms) and c.status <> 'disconnected'
    and not exists (select from app.sources s where s.connection_id = c.id)
  on conflict (connection_id) do nothing;
  update app.sources s
  set owner = p_owner, lease_until = p_now + p_lease_s * interval '1 second', mode = c.mode
  from app.platform_connections c
  where c.id = s.connection_id and c.platform = any (p_platforms) and c.status <> 'disconnected'
    and exists (select from app.connection_tokens t where t.connection_id = c.id)
    and (s.owner = p_owner or s.owner is null or s.lease_until <= p_now);
  return jsonb_build_object(
    'held', (
      select coalesce(jsonb_agg(jsonb_build_object('connection_id', c.id, 'account_id', c.account_id,
          'platform', c.platform, 'channel_id', c.channel_id, 'mode', c.mode, 'status', c.status,
          'scopes', c.scopes, 'groups', c.groups, 'secret_ciphertext', app.base64(c.secret_ciphertext),
          'connected_at', c.created_at, 'sessions', s.sessions,
          'reconcile_wanted', coalesce(s.reconcile_requested_at > s.reconciled_at,
            s.reconcile_requested_at is not null))
        order by c.created_at, c.id), '[]')
      from app.sources s
      join app.platform_connections c on c.id = s.connection_id
      where s.owner = p_owner),
    'elsewhere', (
      select coalesce(jsonb_agg(s.connection_id), '[]')
      from app.sources s
      join app.platform_connections c on c.id = s.connection_id
      where s.owner is distinct from p_owner and s.owner is not null and c.status <> 'disconnected'));
end
$function$;
revoke execute on function app.claim_sources(uuid,text[],numeric,timestamp with time zone) from public;
grant execute on function app.claim_sources(uuid,text[],numeric,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.claim_tasks(p_owner uuid, p_names text[], p_limit integer, p_lease_s integer, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS text[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_claimed text[];
begin
  with due as (
    select t.name
    from app.tasks t
    where t.name = any (p_names)
      and ((t.is_enabled and t.next_run_at <= p_now) or t.is_asked)
      and (t.run_until is null or t.run_until <= p_now)
    order by t.next_run_at, t.name
    limit p_limit
    for update skip locked
  ),
  claimed as (
    update app.tasks t
    set run_owner = p_owner, run_until = p_now + make_interval(secs => p_lease_s),
      last_run_at = p_now, is_asked = false, runs = t.runs + 1,
      failures = t.failures + case when t.run_owner is null then 0 else 1 end,
      failures_in_row = t.failures_in_row + case when t.run_owner is null then 0 else 1 end,
      last_error = case when t.run_owner is null then t.last_error
        else 'The process that ran it ended in the middle of it' end
    from due
    where t.name = due.name
    returning t.name
  )
  select coalesce(array_agg(c.name order by c.name), '{}') into v_claimed from claimed c;
  return v_claimed;
end
$function$;
revoke execute on function app.claim_tasks(uuid,text[],integer,integer,timestamp with time zone) from public;
grant execute on function app.claim_tasks(uuid,text[],integer,integer,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.claim_validations(p_before timestamp with time zone, p_limit integer, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_claimed jsonb;
begin
  with due as (
    select t.connection_id
    from app.connection_tokens t
    join app.platform_connections c on c.id = t.connection_id
    where c.status = 'connected' and (c.validated_at is null or c.validated_at < p_before)
      and (t.validating_until is null or t.validating_until <= p_now)
    order by c.validated_at nulls first
    limit p_limit
    for update of t skip locked
  ),
  claimed as (
    update app.connection_tokens t
    set validating_until = p_now + interval '2 minutes'
    from due
    where t.connection_id = due.connection_id
    returning t.connection_id
  )
  select coalesce(jsonb_agg(c.connection_id), '[]') into v_claimed from claimed c;
  return v_claimed;
end
$function$;
revoke execute on function app.claim_validations(timestamp with time zone,integer,timestamp with time zone) from public;
grant execute on function app.claim_validations(timestamp with time zone,integer,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.complete_authorization(p_authorization uuid, p_channel jsonb, p_scopes text[], p_groups text[], p_default_mode text, p_access_ciphertext bytea, p_refresh_ciphertext bytea, p_expires_at timestamp with time zone, p_secret_ciphertext bytea, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_begun app.pending_authorizations;
  v_connection uuid;
  v_mode text;
begin
  select * into v_begun
  from app.pending_authorizations a
  where a.id = p_authorization
  for update;
  perform app.require_own_authorization(p_authorization);
  perform app.require_permission(v_begun.account_id, 'connections:edit');
  if v_begun.status <> 'pending' or (v_begun.flow = 'code' and v_begun.used_at is null) then
    perform app.refuse('CU410', 'This consent was used or is too old: begin again');
  end if;
  v_mode := coalesce(v_begun.mode,
    (select c.mode from app.platform_connections c
      where c.account_id = v_begun.account_id and c.platform = v_begun.platform
        and c.channel_id = p_channel ->> 'channel_id' and c.status <> 'disconnected'),
    p_default_mode);
  insert into app.platform_connections (account_id, platform, channel_id, channel_name, login,
    picture, mode, groups, scopes, secret_ciphertext, validated_at, created_at, updated_at)
  values (v_begun.account_id, v_begun.platform, p_channel ->> 'channel_id',
    left(p_channel ->> 'name', 200), left(p_channel ->> 'login', 200), p_channel ->> 'picture',
    v_mode, p_groups, p_scopes, case when v_mode = 'webhook' then p_secret_ciphertext end,
    p_now, p_now, p_now)
  on conflict (account_id, platform, channel_id) do update
  set channel_name = excluded.channel_name, login = excluded.login, picture = excluded.picture,
    mode = excluded.mode, groups = excluded.groups, scopes = excluded.scopes,
    secret_ciphertext = coalesce(platform_connections.secret_ciphertext, excluded.secret_ciphertext),
    status = 'connected', status_reason = null, validated_at = excluded.validated_at,
    updated_at = excluded.updated_at
  returning id into v_connection;
  insert into app.connection_tokens (connection_id, client_id, access_ciphertext,
    refresh_ciphertext, expires_at, obtained_at)
  values (v_connection, v_begun.client_id, p_access_ciphertext, p_refresh_ciphertext, p_expires_at, p_now)
  on conflict (connection_id) do update
  set client_id = excluded.client_id, access_ciphertext = excluded.access_ciphertext,
    refresh_ciphertext = excluded.refresh_ciphertext, expires_at = excluded.expires_at,
    obtained_at = excluded.obtained_at, version = connection_tokens.version + 1,
    refreshing_by = null, refreshing_until = null, unanswered = 0, refresh_after = null,
    validating_until = null;
  update app.pending_authorizations a
  set status = 'connected', connection_id = v_connection, device_ciphertext = null,
    used_at = coalesce(a.used_at, p_now)
  where a.id = p_authorization;
  perform app.log_command(v_begun.account_id, 'connection.connect', 'connection', v_connection,
    jsonb_build_object('platform', v_begun.platform, 'channel_id', p_channel ->> 'channel_id',
      'flow', v_begun.flow, 'groups', p_groups, 'scopes', p_scopes), p_now);
  perform app.publish_connection(v_begun.account_id, v_connection, p_now);
  return app.connection_document(v_connection);
end
$function$;
revoke execute on function app.complete_authorization(uuid,jsonb,text[],text[],text,bytea,bytea,timestamp with time zone,bytea,timestamp with time zone) from public;
grant execute on function app.complete_authorization(uuid,jsonb,text[],text[],text,bytea,bytea,timestamp with time zone,bytea,timestamp with time zone) to authenticated;
grant execute on function app.complete_authorization(uuid,jsonb,text[],text[],text,bytea,bytea,timestamp with time zone,bytea,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.connection_document(p_connection uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select jsonb_build_object('id', c.id, 'platform', c.platform, 'channel_id', c.channel_id,
      'channel_name', c.channel_name, 'login', c.login, 'picture', c.picture, 'mode', c.mode,
      'groups', c.groups, 'scopes', c.scopes, 'status', c.status, 'status_reason', c.status_reason,
      'token_expires_at', t.expires_at, 'validated_at', c.validated_at,
      'created_at', c.created_at, 'updated_at', c.updated_at,
      'last_delivery_at', c.last_delivery_at)
    from app.platform_connections c
    left join app.connection_tokens t on t.connection_id = c.id
    where c.id = p_connection);
end
$function$;
revoke execute on function app.connection_document(uuid) from public;

CREATE OR REPLACE FUNCTION app.count_events(p_account uuid, p_after bigint, p_to_seq bigint, p_from timestamp with time zone, p_to timestamp with time zone)
 RETURNS TABLE(at timestamp with time zone, event_type text, platform text, events bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  -- app.quarter_of, written out: a call for each of very many rows would be most of the work.
  select date_bin('15 minutes', e.created_at, '2000-01-01 00:00:00+00'), e.event_type, e.platform, count(*)
  from app.platform_events e
  where e.account_id = p_account and e.seq > p_after and e.seq <= p_to_seq
    and e.created_at >= p_from and e.created_at < p_to and e.origin <> 'test'
  group by 1, 2, 3
$function$;
revoke execute on function app.count_events(uuid,bigint,bigint,timestamp with time zone,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.count_plays(p_account uuid, p_from timestamp with time zone, p_to timestamp with time zone)
 RETURNS TABLE(overlay_id uuid, at timestamp with time zone, bucket smallint, plays bigint, shown bigint, completed bigint, cancelled bigint, skipped bigint, expired bigint, failed bigint, max_ms bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select p.overlay_id, date_bin('15 minutes', p.ended_at, '2000-01-01 00:00:00+00'),
    case when p.delay_ms is null then -1 when p.delay_ms < 1 then 0
      else 1 + floor(ln(p.delay_ms::double precision) / ln(1.02::double precision)) end::smallint,
    count(*), count(p.started_at), count(*) filter (where p.status = 'completed'),
    count(*) filter (where p.status = 'cancelled'), count(*) filter (where p.status = 'skipped'),
    count(*) filter (where p.status = 'expired'), count(*) filter (where p.status = 'failed'),
    max(p.delay_ms)
  from (
    select p.overlay_id, p.ended_at, p.started_at, p.status,
      case when p.play_no = 1 and p.reason = 'live' and p.started_at is not null then
        greatest(0, floor(extract(epoch from
          p.started_at - greatest(p.event_created_at, p.scheduled_at)) * 1000))::bigint end as delay_ms
    from app.overlays o
    join app.plays p on p.overlay_id = o.id
    where o.account_id = p_account and p.ended_at >= p_from and p.ended_at < p_to
      -- One look for each replay; `not exists` might read all events at once instead.
      and (p.reason = 'live' or (p.reason = 'replay' and (
        select e.origin from app.platform_events e
        where e.id = p.event_id and e.created_at = p.event_created_at) is distinct from 'test'))
  ) p
  group by 1, 2, 3
$function$;
revoke execute on function app.count_plays(uuid,timestamp with time zone,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.create_account(p_name text, p_owner uuid, p_document jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_account uuid;
  v_overlay uuid;
begin
  if p_name is null or char_length(p_name) not between 1 and 100 then
    perform app.refuse('CU400', 'name: an account needs a name of 1 to 100 characters');
  end if;
  if p_owner is null then
    perform app.refuse('CU400', 'owner: an account needs an owner');
  end if;
  insert into app.accounts (name, created_at) values (p_name, p_now) returning id into v_account;
  insert into app.members (account_id, user_id, role, created_at)
  values (v_account, p_owner, 'owner', p_now);
  v_overlay := app.add_overlay(v_account, 'My alerts', p_document, p_now);
  perform app.log_command(v_account, 'account.create', 'account', v_account,
    jsonb_build_object('owner', p_owner), p_now);
  return jsonb_build_object('account_id', v_account, 'overlay_id', v_overlay);
end
$function$;
revoke execute on function app.create_account(text,uuid,jsonb,timestamp with time zone) from public;
grant execute on function app.create_account(text,uuid,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.create_event_type(p_account uuid, p_type jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'overlays:edit');
  -- The account's lock: the count below holds.
  perform from app.accounts a where a.id = p_account for no key update;
  if (select count(*) from app.event_types t where t.account_id = p_account) >= 200 then
    perform app.refuse('CU409', 'An account has at most 200 event types of its own: delete one first');
  end if;
  insert into app.event_types (account_id, type, title, description, class, duration_ms, priority,
    schema, sample, created_at, updated_at)
  values (p_account, p_type ->> 'type', p_type ->> 'title', coalesce(p_type ->> 'description', ''),
    p_type ->> 'class', (p_type ->> 'duration_ms')::integer, p_type ->> 'priority',
    nullif(p_type -> 'schema', 'null'), coalesce(p_type -> 'sample', '{}'), p_now, p_now)
  on conflict do nothing;
  if not found then
    perform app.refuse('CU409', format('type: there is %s already', p_type ->> 'type'));
  end if;
  perform app.log_command(p_account, 'event_type.create', 'account', p_account,
    jsonb_build_object('event_type', p_type - 'sample'), p_now);
  return app.event_type_document(p_account, p_type ->> 'type');
end
$function$;
revoke execute on function app.create_event_type(uuid,jsonb,timestamp with time zone) from public;
grant execute on function app.create_event_type(uuid,jsonb,timestamp with time zone) to authenticated;
grant execute on function app.create_event_type(uuid,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.create_invitation(p_account uuid, p_role text, p_note text, p_token_hash bytea, p_expires_at timestamp with time zone, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_id uuid;
begin
  perform app.lock_members(p_account, 'members:edit');
  perform app.require_role_within(p_account, p_role);
  if p_token_hash is null or octet_length(p_token_hash) <> 32 then
    perform app.refuse('CU400', 'token_hash: must be a SHA-256, 32 bytes');
  end if;
  if p_expires_at is null or p_expires_at not between p_now and p_now + interval '31 days' then
    perform app.refuse('CU400', 'expires_at: an invitation is good for 31 days at most');
  end if;
  insert into app.invitations (account_id, role, note, token_hash, created_by, created_at, expires_at)
  values (p_account, p_role, p_note, p_token_hash, app.actor_id(), p_now, p_expires_at)
  returning id into v_id;
  perform app.log_command(p_account, 'invitation.create', 'invitation', v_id,
    jsonb_build_object('role', p_role), p_now);
  return app.invitation_document(v_id);
end
$function$;
revoke execute on function app.create_invitation(uuid,text,text,bytea,timestamp with time zone,timestamp with time zone) from public;
grant execute on function app.create_invitation(uuid,text,text,bytea,timestamp with time zone,timestamp with time zone) to authenticated;
grant execute on function app.create_invitation(uuid,text,text,bytea,timestamp with time zone,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.create_key(p_account uuid, p_kind text, p_name text, p_overlay uuid, p_permissions text[], p_token_hash bytea, p_hint text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_id uuid;
  v_beyond text;
begin
  perform app.require_key_permission(p_account, p_kind);
  if app.actor_kind() <> 'member' then
    perform app.refuse('CU403', 'A key cannot make keys: sign in');
  end if;
  if p_kind is null or p_kind not in ('overlay', 'api', 'remote', 'ingest') then
    perform app.refuse('CU400', format('kind: %s is not a kind of key', coalesce(p_kind, 'null')));
  end if;
  if p_name is null or char_length(p_name) not between 1 and 100 then
    perform app.refuse('CU400', 'name: a key needs a name of 1 to 100 characters');
  end if;
  if p_token_hash is null or octet_length(p_token_hash) <> 32 then
    perform app.refuse('CU400', 'token_hash: must be a SHA-256, 32 bytes');
  end if;
  if p_kind = 'overlay' and not exists (
    select from app.overlays o where o.id = p_overlay and o.account_id = p_account) then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
  end if;
  if p_kind <> 'overlay' and p_overlay is not null then
    perform app.refuse('CU400', format('overlay_id: a key of kind %s belongs to no overlay', p_kind));
  end if;
  select wanted.name into v_beyond
  from unnest(p_permissions) as wanted (name)
  where not exists (select from app.permissions p where p.name = wanted.name)
  limit 1;
  if found then
    perform app.refuse('CU400', format('permissions: there is no permission %s', v_beyond));
  end if;
  select wanted.name into v_beyond
  from unnest(p_permissions) as wanted (name)
  where not wanted.name = any (app.permissions_in(p_account))
  limit 1;
  if found then
    perform app.refuse('CU403', format('You cannot give what you do not have: %s', v_beyond));
  end if;
  insert into app.keys (account_id, kind, name, hint, overlay_id, permissions, token_hash,
    created_by, created_at)
  values (p_account, p_kind, p_name, p_hint, p_overlay, coalesce(p_permissions, '{}'), p_token_hash,
    app.actor_id(), p_now)
  returning id into v_id;
  perform app.log_command(p_account, 'key.create', 'key', v_id,
    jsonb_build_object('kind', p_kind, 'name', p_name, 'overlay_id', p_overlay), p_now);
  return app.key_document(v_id);
end
$function$;
revoke execute on function app.create_key(uuid,text,text,uuid,text[],bytea,text,timestamp with time zone) from public;
grant execute on function app.create_key(uuid,text,text,uuid,text[],bytea,text,timestamp with time zone) to authenticated;
grant execute on function app.create_key(uuid,text,text,uuid,text[],bytea,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.create_pairing(p_account uuid, p_permissions text[], p_code_hash bytea, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_id uuid;
begin
  perform app.require_permission(p_account, 'keys:edit');
  if app.actor_kind() <> 'member' then
    perform app.refuse('CU403', 'A key cannot make keys: sign in');
  end if;
  if p_code_hash is null or octet_length(p_code_hash) <> 32 then
    perform app.refuse('CU400', 'code_hash: must be a SHA-256, 32 bytes');
  end if;
  if not coalesce(p_permissions, '{}') <@ app.permissions_in(p_account) then
    perform app.refuse('CU403', 'You cannot give what you do not have');
  end if;
  -- Codes live for a minute: old ones are in nobody's way, and need not be kept.
  delete from app.pairings p where p.account_id = p_account and p.created_at < p_now - interval '1 day';
  insert into app.pairings (account_id, permissions, code_hash, created_by, created_at, expires_at)
  values (p_account, coalesce(p_permissions, '{}'), p_code_hash, app.actor_id(), p_now,
    p_now + interval '60 seconds')
  returning id into v_id;
  perform app.log_command(p_account, 'pairing.create', 'pairing', v_id,
    jsonb_build_object('permissions', to_jsonb(p_permissions)), p_now);
  return app.pairing_document(v_id, p_now);
end
$function$;
revoke execute on function app.create_pairing(uuid,text[],bytea,timestamp with time zone) from public;
grant execute on function app.create_pairing(uuid,text[],bytea,timestamp with time zone) to authenticated;
grant execute on function app.create_pairing(uuid,text[],bytea,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.current_person()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_claims jsonb := auth.jwt();
begin
  if v_claims ->> 'kind' is distinct from 'member' then
    return null;
  end if;
  if v_claims ? 'session_id' and not exists (
    select from identity."session" s where s."id" = (v_claims ->> 'session_id')::uuid) then
    return null;
  end if;
  return (v_claims ->> 'sub')::uuid;
end
$function$;
revoke execute on function app.current_person() from public;

CREATE OR REPLACE FUNCTION app.delete_account(p_account uuid, p_name text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_people uuid[];
  v_key app.keys;
begin
  perform app.lock_members(p_account, 'account:manage');
  if p_name is distinct from (select a.name from app.accounts a where a.id = p_account) then
    perform app.refuse('CU400', 'name: type the name of the account exactly, to delete it');
  end if;
  insert into app.account_deletions (account_id, requested_at) values (p_account, p_now)
  on conflict do nothing;
  for v_key in
    select * from app.keys k where k.account_id = p_account and k.revoked_at is null order by k.id
  loop
    perform app.end_key(v_key, p_now);
  end loop;
  -- No more events come in.
  delete from app.platform_connections c where c.account_id = p_account;
  with gone as (
    delete from app.members m where m.account_id = p_account returning m.user_id
  )
  select array_agg(g.user_id) into v_people from gone g;
  -- Who came here once and left; this account is why they are known.
  v_people := v_people || array(select i.accepted_by from app.invitations i
    where i.account_id = p_account and i.accepted_by is not null);
  delete from identity."user" u
  where u."id" = any (v_people)
    and not exists (select from app.members m where m.user_id = u."id" and m.account_id <> p_account);
  return jsonb_build_object('account_id', p_account);
end
$function$;
revoke execute on function app.delete_account(uuid,text,timestamp with time zone) from public;
grant execute on function app.delete_account(uuid,text,timestamp with time zone) to authenticated;
grant execute on function app.delete_account(uuid,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.delete_event_template(p_account uuid, p_template uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_name text;
begin
  perform app.require_permission(p_account, 'overlays:edit');
  delete from app.event_templates t where t.id = p_template and t.account_id = p_account
  returning t.name into v_name;
  if not found then
    perform app.refuse('CU404', format('There is no template %s', p_template));
  end if;
  perform app.log_command(p_account, 'event_template.delete', 'event_template', p_template,
    jsonb_build_object('name', v_name), p_now);
  return jsonb_build_object('id', p_template, 'deleted', true);
end
$function$;
revoke execute on function app.delete_event_template(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.delete_event_template(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.delete_event_template(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.delete_event_type(p_account uuid, p_type text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'overlays:edit');
  delete from app.event_types t where t.account_id = p_account and t.type = p_type;
  if not found then
    perform app.refuse('CU404', format('There is no event type %s', p_type));
  end if;
  perform app.log_command(p_account, 'event_type.delete', 'account', p_account,
    jsonb_build_object('type', p_type), p_now);
  return jsonb_build_object('type', p_type, 'deleted', true);
end
$function$;
revoke execute on function app.delete_event_type(uuid,text,timestamp with time zone) from public;
grant execute on function app.delete_event_type(uuid,text,timestamp with time zone) to authenticated;
grant execute on function app.delete_event_type(uuid,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.derive_event_status(p_statuses text[])
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  return case
    when 'playing' = any (p_statuses) then 'active'
    when p_statuses && array['held', 'queued'] then 'pending'
    when cardinality(p_statuses) = 0 or 'completed' = any (p_statuses) then 'completed'
    else 'cancelled'
  end;
end
$function$;
revoke execute on function app.derive_event_status(text[]) from public;

CREATE OR REPLACE FUNCTION app.derive_roles(p_viewers uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  delete from app.viewer_roles r where r.viewer_id = any (p_viewers);
  with fact as (
    select f.viewer_id, split_part(f.kind, '_', 1) as role, f.kind like '%\_remove' as is_end, f.at,
      count(*) filter (where f.kind like '%\_remove') over (
        partition by f.viewer_id, split_part(f.kind, '_', 1)
        order by f.at, case when f.kind like '%\_remove' then 1 else 0 end) as ends_before
    from app.viewer_facts f
    where f.viewer_id = any (p_viewers)
      and f.kind in ('moderator_add', 'moderator_remove', 'vip_add', 'vip_remove')
  )
  insert into app.viewer_roles (viewer_id, account_id, role, granted_at, revoked_at)
  select f.viewer_id, v.account_id, f.role, min(f.at), e.at
  from fact f
  join app.viewers v on v.id = f.viewer_id
  left join fact e on e.viewer_id = f.viewer_id and e.role = f.role and e.is_end
    and e.ends_before = f.ends_before + 1
  where not f.is_end
  group by f.viewer_id, v.account_id, f.role, f.ends_before, e.at;
end
$function$;
revoke execute on function app.derive_roles(uuid[]) from public;

CREATE OR REPLACE FUNCTION app.derive_subscriptions(p_viewers uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  delete from app.viewer_subscriptions s where s.viewer_id = any (p_viewers);
  with fact as (
    select f.viewer_id, f.kind, f.at, f.detail,
      (f.detail ->> 'is_gift')::boolean as is_gift,
      count(*) filter (where f.kind = 'unsubscribe') over line as ends_before,
      -- In one instant: the end of the old, then the new.
      row_number() over line as place
    from app.viewer_facts f
    where f.viewer_id = any (p_viewers) and f.kind in ('subscribe', 'renew', 'unsubscribe')
    window line as (partition by f.viewer_id
      order by f.at, case f.kind when 'unsubscribe' then 0 when 'subscribe' then 1 else 2 end)
  ),
  step as (
    select f.*,
      case when lag(f.place) over spell is null then 1
        when f.kind = 'renew' then 0
        when f.is_gift and lag(f.is_gift) over spell and lag(f.kind) over spell = 'subscribe'
          and f.at - lag(f.at) over spell < interval '10 minutes' then 0
        else 1 end as begins
    from fact f
    where f.kind <> 'unsubscribe'
    window spell as (partition by f.viewer_id, f.ends_before order by f.place)
  ),
  numbered as (
    select s.*, sum(s.begins) over (partition by s.viewer_id, s.ends_before order by s.place) as number
    from step s
  ),
  period as (
    select n.viewer_id, n.ends_before, min(n.at) as started_at,
      (array_agg(n.detail -> 'tier' order by n.place desc)
        filter (where jsonb_typeof(n.detail -> 'tier') = 'number'))[1] as tier,
      (array_agg(n.is_gift order by n.place desc) filter (where n.is_gift is not null))[1] as is_gift,
      (array_agg(n.detail ->> 'gifter' order by n.place)
        filter (where n.detail ->> 'gifter' is not null))[1] as gifter
    from numbered n
    group by n.viewer_id, n.ends_before, n.number
  ),
  ending as (
    select f.viewer_id, f.ends_before - 1 as closes, f.at from fact f where f.kind = 'unsubscribe'
  )
  insert into app.viewer_subscriptions (viewer_id, account_id, started_at, ended_at, tier, is_gift, gifter_id)
  select p.viewer_id, v.account_id, p.started_at,
    coalesce(lead(p.started_at) over (partition by p.viewer_id, p.ends_before order by p.started_at), e.at),
    p.tier::smallint, coalesce(p.is_gift, false), g.id
  from period p
  join app.viewers v on v.id = p.viewer_id
  left join ending e on e.viewer_id = p.viewer_id and e.closes = p.ends_before
  -- Facts name the platform's id, so that they do not depend on which viewer came first.
  left join app.viewers g on g.account_id = v.account_id and g.platform = v.platform
    and g.platform_user_id = p.gifter;
end
$function$;
revoke execute on function app.derive_subscriptions(uuid[]) from public;

CREATE OR REPLACE FUNCTION app.describe_plays(p_plays uuid[], p_now timestamp with time zone)
 RETURNS TABLE(ord bigint, id uuid, overlay_id uuid, account_id uuid, play jsonb)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_from timestamptz;
  v_to timestamptz;
begin
  select min(p.event_created_at), max(p.event_created_at) into v_from, v_to
  from app.plays p where p.id = any (p_plays);
  return query
    select wanted.ord, p.id, p.overlay_id, p.account_id,
      p.document || jsonb_build_object('elapsed_ms', app.elapsed_ms(p.playing_since, p_now), 'event', e.document)
    from unnest(p_plays) with ordinality as wanted (id, ord)
    join app.play_documents p on p.id = wanted.id
    join app.event_documents e on e.id = p.event_id and e.created_at = p.event_created_at
      and e.created_at between v_from and v_to
    order by wanted.ord;
end
$function$;
revoke execute on function app.describe_plays(uuid[],timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.describe_plays_for(p_plays uuid[], p_userinfo boolean, p_now timestamp with time zone)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select coalesce(
      jsonb_agg(
        case when p_userinfo then d.play
          else d.play || jsonb_build_object('event', app.redact(d.play -> 'event', false)) end
        order by d.ord),
      '[]')
    from app.describe_plays(p_plays, p_now) d);
end
$function$;
revoke execute on function app.describe_plays_for(uuid[],boolean,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.disconnect(p_account uuid, p_connection uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_status text;
begin
  perform app.require_permission(p_account, 'connections:edit');
  select c.status into v_status
  from app.platform_connections c
  where c.id = p_connection and c.account_id = p_account
  for update;
  if not found then
    perform app.refuse('CU404', format('There is no connection %s', p_connection));
  end if;
  if v_status <> 'disconnected' then
    delete from app.connection_tokens t where t.connection_id = p_connection;
    update app.platform_connections c
    set status = 'disconnected', status_reason = null, secret_ciphertext = null, scopes = '{}',
      updated_at = p_now
    where c.id = p_connection;
    perform app.log_command(p_account, 'connection.disconnect', 'connection', p_connection, null, p_now);
    perform app.publish_connection(p_account, p_connection, p_now);
  end if;
  return app.connection_document(p_connection);
end
$function$;
revoke execute on function app.disconnect(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.disconnect(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.disconnect(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.drop_event_partitions(p_before timestamp with time zone, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_name text;
  v_start timestamptz;
  v_end timestamptz;
  v_dropped integer := 0;
begin
  -- The same lock as app.ensure_event_partitions.
  perform pg_advisory_xact_lock(hashtextextended('app.platform_events', 0));
  for v_name in
    select c.relname
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'app.platform_events'::regclass
      and c.relname ~ '^platform_events_[0-9]{4}_[0-9]{2}$'
    order by c.relname
  loop
    v_start := to_date(right(v_name, 7), 'YYYY_MM')::timestamp at time zone 'UTC';
    v_end := (v_start at time zone 'UTC' + interval '1 month') at time zone 'UTC';
    exit when v_end > least(p_before, p_now);
    continue when exists (
      select from app.plays p
      where p.event_created_at >= v_start and p.event_created_at < v_end and p.ended_at is null);
    delete from app.plays p where p.event_created_at >= v_start and p.event_created_at < v_end;
    execute format('drop table app.%I', v_name);
    v_dropped := v_dropped + 1;
  end loop;
  return v_dropped;
end
$function$;
revoke execute on function app.drop_event_partitions(timestamp with time zone,timestamp with time zone) from public;
grant execute on function app.drop_event_partitions(timestamp with time zone,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.drop_member(p_account uuid, p_user uuid, p_action text, p_now timestamp with time zone)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_role text := app.role_of(p_account, p_user);
begin
  if v_role = 'owner' then
    perform app.require_other_owner(p_account, p_user);
  end if;
  delete from app.members m where m.account_id = p_account and m.user_id = p_user;
  perform app.log_command(p_account, p_action, 'member', p_user, jsonb_build_object('role', v_role), p_now);
  return jsonb_build_object('user_id', p_user, 'role', v_role);
end
$function$;
revoke execute on function app.drop_member(uuid,uuid,text,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.due_gatherings(p_now timestamp with time zone DEFAULT clock_timestamp(), p_limit integer DEFAULT 500)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select coalesce(
      jsonb_agg(jsonb_build_object('account_id', d.account_id, 'name', d.name) order by d.due_at), '[]')
    from (
      select g.account_id, g.name, g.due_at
      from app.gatherings g
      where g.due_at <= p_now
      order by g.due_at
      limit p_limit
    ) d);
end
$function$;
revoke execute on function app.due_gatherings(timestamp with time zone,integer) from public;
grant execute on function app.due_gatherings(timestamp with time zone,integer) to service_role;

CREATE OR REPLACE FUNCTION app.elapsed_ms(p_since timestamp with time zone, p_now timestamp with time zone)
 RETURNS bigint
 LANGUAGE plpgsql
 IMMUTABLE STRICT
 SET search_path TO ''
AS $function$
begin
  return greatest(0, floor(extract(epoch from p_now - p_since) * 1000))::bigint;
end
$function$;
revoke execute on function app.elapsed_ms(timestamp with time zone,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.emit_events(p_account uuid, p_drafts jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_outcomes jsonb;
begin
  perform app.require_permission(p_account, 'events:create');
  v_outcomes := app.record_events(p_account, p_drafts, p_now);
  perform app.log_command(p_account, 'event.emit', 'event', (v_outcomes -> 0 ->> 'event_id')::uuid,
    jsonb_build_object('events', v_outcomes), p_now);
  return v_outcomes;
end
$function$;
revoke execute on function app.emit_events(uuid,jsonb,timestamp with time zone) from public;
grant execute on function app.emit_events(uuid,jsonb,timestamp with time zone) to authenticated;
grant execute on function app.emit_events(uuid,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.end_authorization(p_authorization uuid, p_status text, p_reason text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update app.pending_authorizations a
  set status = p_status, reason = left(p_reason, 500), device_ciphertext = null,
    used_at = coalesce(a.used_at, p_now)
  where a.id = p_authorization and a.status = 'pending';
end
$function$;
revoke execute on function app.end_authorization(uuid,text,text,timestamp with time zone) from public;
grant execute on function app.end_authorization(uuid,text,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.end_due_keys(p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_key app.keys;
  v_ended integer := 0;
begin
  for v_key in
    select * from app.keys k
    where k.ends_at <= p_now and k.revoked_at is null
    order by k.id
    -- Another process is at it.
    for update skip locked
  loop
    perform app.end_key(v_key, p_now);
    perform app.log_command(v_key.account_id, 'key.end', 'key', v_key.id,
      jsonb_build_object('kind', v_key.kind), p_now);
    v_ended := v_ended + 1;
  end loop;
  return v_ended;
end
$function$;
revoke execute on function app.end_due_keys(timestamp with time zone) from public;
grant execute on function app.end_due_keys(timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.end_key(p_key app.keys, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update app.keys set revoked_at = p_now where id = p_key.id;
  perform pg_notify('cuelight_revoked', jsonb_build_object('key_id', p_key.id)::text);
  if p_key.overlay_id is not null then
    perform app.publish_status(p_key.account_id, p_key.overlay_id, 'key', false,
      jsonb_build_object('key_id', p_key.id, 'revoked', true), p_now);
  end if;
end
$function$;
revoke execute on function app.end_key(app.keys,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.ensure_event_partitions(p_now timestamp with time zone, p_months_ahead integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_first timestamp := date_trunc('month', p_now at time zone 'UTC');
  v_start timestamp;
  v_name text;
  v_made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('app.platform_events', 0));
  for v_month in 0..p_months_ahead loop
    v_start := v_first + make_interval(months => v_month);
    v_name := 'platform_events_' || to_char(v_start, 'YYYY_MM');
    if to_regclass('app.' || v_name) is null then
      execute format(
        'create table if not exists app.%I partition of app.platform_events '
          -- Room for the two later versions (active, completed) beside the first.
          'for values from (%L) to (%L) with (fillfactor = 80)',
        v_name, v_start at time zone 'UTC', (v_start + interval '1 month') at time zone 'UTC');
      execute format('alter table app.%I enable row level security', v_name);
      execute format('alter table app.%I force row level security', v_name);
      v_made := v_made + 1;
    end if;
  end loop;
  return v_made;
end
$function$;
revoke execute on function app.ensure_event_partitions(timestamp with time zone,integer) from public;
grant execute on function app.ensure_event_partitions(timestamp with time zone,integer) to service_role;

CREATE OR REPLACE FUNCTION app.erase_viewer(p_account uuid, p_viewer uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_viewer app.viewers;
  v_events integer;
begin
  perform app.require_permission(p_account, 'events:delete');
  -- Nothing is recorded of them while they are erased.
  perform 1 from app.accounts a where a.id = p_account for no key update;
  perform app.require_viewer(p_account, p_viewer);
  select * into v_viewer from app.viewers v where v.id = p_viewer;
  update app.platform_events e
  set raw = null,
    data = app.blot_person(e.data, v_viewer.platform_user_id)
      -- What they wrote is theirs, too.
      || case when e.data #>> '{user,id}' = v_viewer.platform_user_id and e.data ? 'message'
        then '{"message": ""}'::jsonb else '{}' end
      || case when e.data #>> '{user,id}' = v_viewer.platform_user_id and e.data ? 'fragments'
        then '{"fragments": []}'::jsonb else '{}' end
  -- Every event of the platform is looked at: nothing lists who is named as a recipient or in chat.
  where e.account_id = p_account and e.platform = v_viewer.platform
    and jsonb_path_exists(e.data, 'strict $.** ? (@.id == $person && exists(@.login))',
      jsonb_build_object('person', v_viewer.platform_user_id), true);
  get diagnostics v_events = row_count;
  -- Facts about others that name them as a giver.
  update app.viewer_facts f
  set detail = f.detail || '{"gifter": null}'
  from app.viewers v
  where v.id = f.viewer_id and v.account_id = p_account and v.platform = v_viewer.platform
    and f.detail ->> 'gifter' = v_viewer.platform_user_id;
  delete from app.viewers v where v.id = p_viewer;
  perform app.log_command(p_account, 'viewer.erase', 'viewer', p_viewer,
    jsonb_build_object('events', v_events), p_now);
  return jsonb_build_object('viewer_id', p_viewer, 'events', v_events);
end
$function$;
revoke execute on function app.erase_viewer(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.erase_viewer(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.erase_viewer(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.event_analytics(p_account uuid, p_filter jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_span jsonb;
  v_zone text;
  v_from timestamptz;
  v_to timestamptz;
  v_types text[] := app.read_list(p_filter -> 'types');
  v_platforms text[] := app.read_list(p_filter -> 'platform');
  v_mark bigint;
begin
  perform app.require_permission(p_account, 'events:read');
  v_span := app.analytics_span(p_filter, p_now);
  v_zone := v_span ->> 'time_zone';
  v_from := (v_span ->> 'from')::timestamptz;
  v_to := (v_span ->> 'to')::timestamptz;
  -- One snapshot for the mark and both tables: the function is stable.
  select m.events_seq into v_mark from app.analytics_marks m where m.account_id = p_account;
  return v_span || (
    with counted as materialized (
      select c.at, c.event_type, c.platform, c.events
      from (
        select r.at, r.event_type, r.platform, r.events
        from app.analytics_events r
        where r.account_id = p_account and r.at >= v_from and r.at < v_to
        union all
        select t.at, t.event_type, t.platform, t.events
        from app.count_events(p_account, coalesce(v_mark, 0), 9223372036854775807, v_from, v_to) t
      ) c
      where (v_types is null or c.event_type = any (v_types))
        and (v_platforms is null or c.platform = any (v_platforms))
    ),
    quarter as materialized (
      select c.at, sum(c.events) as events from counted c group by c.at
    )
    select jsonb_build_object(
      'total', (select coalesce(sum(q.events), 0) from quarter q),
      'by_type', (
        select coalesce(jsonb_agg(jsonb_build_object('event_type', g.event_type, 'count', g.events)
          order by g.events desc, g.event_type), '[]')
        from (select c.event_type, sum(c.events) as events from counted c group by c.event_type) g),
      'by_platform', (
        select coalesce(jsonb_agg(jsonb_build_object('platform', g.platform, 'count', g.events)
          order by g.events desc, g.platform), '[]')
        from (select c.platform, sum(c.events) as events from counted c group by c.platform) g),
      'by_hour', (
        select coalesce(jsonb_agg(jsonb_build_object('hour', g.hour, 'count', g.events) order by g.hour), '[]')
        from (
          select extract(hour from q.at at time zone v_zone)::integer as hour, sum(q.events) as events
          from quarter q group by 1) g),
      'series', (
        select coalesce(jsonb_agg(jsonb_build_object('at', g.at, 'count', g.events) order by g.at), '[]')
        from (
          select date_trunc(v_span ->> 'interval', q.at, v_zone) as at, sum(q.events) as events
          from quarter q group by 1) g)));
end
$function$;
revoke execute on function app.event_analytics(uuid,jsonb,timestamp with time zone) from public;
grant execute on function app.event_analytics(uuid,jsonb,timestamp with time zone) to authenticated;
grant execute on function app.event_analytics(uuid,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.event_type_document(p_account uuid, p_type text)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select to_jsonb(t) - 'account_id' from app.event_types t
    where t.account_id = p_account and t.type = p_type);
end
$function$;
revoke execute on function app.event_type_document(uuid,text) from public;

CREATE OR REPLACE FUNCTION app.export_rows(p_account uuid, p_table text, p_after jsonb, p_limit integer)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_table record;
  v_relation regclass;
  v_secrets text[];
  v_answer jsonb;
begin
  perform app.require_permission(p_account, 'account:manage');
  select * into v_table from app.account_tables() t where t.name = p_table;
  if not found then
    perform app.refuse('CU404', format('There is no table %s of accounts', p_table));
  end if;
  v_relation := format('app.%I', p_table)::regclass;
  select coalesce(array_agg(a.attname::text), '{}') into v_secrets
  from pg_catalog.pg_attribute a
  where a.attrelid = v_relation and a.attnum > 0 and not a.attisdropped
    and (a.atttypid = 'bytea'::regtype
      or a.attname ~ '(secret|token|cipher|password|verifier|hash)' and a.attname !~ '(_at|_until)$');
  execute format(
    'with page as (
      select to_jsonb(t) - $4 as document, jsonb_build_array(%1$s) as place, row_number() over (order by %1$s) as n
      from %2$s t
      where (%3$s) and ($2 is null or (%1$s) > (%4$s))
      order by %1$s limit $3)
    select jsonb_build_object(''rows'', coalesce(jsonb_agg(document order by n), ''[]''),
      ''after'', case when count(*) = $3 then (array_agg(place order by n desc))[1] end)
    from page',
    v_table.key, v_relation, v_table.condition, v_table.place)
  into v_answer
  using p_account, p_after, p_limit, v_secrets;
  return v_answer;
end
$function$;
revoke execute on function app.export_rows(uuid,text,jsonb,integer) from public;
grant execute on function app.export_rows(uuid,text,jsonb,integer) to authenticated;
grant execute on function app.export_rows(uuid,text,jsonb,integer) to service_role;

CREATE OR REPLACE FUNCTION app.export_tables(p_account uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'account:manage');
  return (
    select jsonb_agg(t.name order by t.level, t.name)
    from app.account_tables() t
    where t.name not in ('app_tokens', 'connection_tokens', 'idempotency_keys',
      'pending_authorizations', 'account_deletions'));
end
$function$;
revoke execute on function app.export_tables(uuid) from public;
grant execute on function app.export_tables(uuid) to authenticated;
grant execute on function app.export_tables(uuid) to service_role;

CREATE OR REPLACE FUNCTION app.find_access(p_connection uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select jsonb_build_object('id', c.id, 'account_id', c.account_id, 'platform', c.platform,
      'channel_id', c.channel_id, 'status', c.status, 'status_reason', c.status_reason,
      'tokens', case when t.connection_id is not null then jsonb_build_object(
        'client_id', t.client_id, 'version', t.version, 'expires_at', t.expires_at,
        'access_ciphertext', app.base64(t.access_ciphertext),
        'refresh_ciphertext', app.base64(t.refresh_ciphertext)) end,
      'client', app.find_client(c.account_id, c.platform))
    from app.platform_connections c
    left join app.connection_tokens t on t.connection_id = c.id
    where c.id = p_connection);
end
$function$;
revoke execute on function app.find_access(uuid) from public;
grant execute on function app.find_access(uuid) to service_role;

CREATE OR REPLACE FUNCTION app.find_app_token(p_account uuid, p_platform text, p_client_id text)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select jsonb_build_object('ciphertext', app.base64(a.ciphertext), 'expires_at', a.expires_at,
      'obtained_at', a.obtained_at)
    from app.app_tokens a
    where a.account_id is not distinct from p_account and a.platform = p_platform
      and a.client_id = p_client_id);
end
$function$;
revoke execute on function app.find_app_token(uuid,text,text) from public;
grant execute on function app.find_app_token(uuid,text,text) to service_role;

CREATE OR REPLACE FUNCTION app.find_categories(p_platform text, p_before timestamp with time zone, p_limit integer)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select coalesce(jsonb_agg(w.category_id order by w.category_id), '[]')
    from (
      select distinct s.category_id
      from app.channel_status s
      where s.platform = p_platform and s.category_id is not null
        and not exists (
          select from app.categories c
          where c.platform = s.platform and c.id = s.category_id and c.updated_at >= p_before)
      order by s.category_id
      limit p_limit
    ) w);
end
$function$;
revoke execute on function app.find_categories(text,timestamp with time zone,integer) from public;
grant execute on function app.find_categories(text,timestamp with time zone,integer) to service_role;

CREATE OR REPLACE FUNCTION app.find_client(p_account uuid, p_platform text)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select jsonb_build_object('client_id', c.client_id, 'secret_ciphertext', app.base64(c.secret_ciphertext))
    from app.platform_clients c
    where c.account_id = p_account and c.platform = p_platform);
end
$function$;
revoke execute on function app.find_client(uuid,text) from public;
grant execute on function app.find_client(uuid,text) to service_role;

CREATE OR REPLACE FUNCTION app.find_connections(p_platform text, p_channel_id text)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select coalesce(
      jsonb_agg(
        jsonb_build_object('id', c.id, 'account_id', c.account_id, 'channel_id', c.channel_id,
          'secret_ciphertext', app.base64(c.secret_ciphertext))
        order by c.created_at, c.id),
      '[]')
    from app.platform_connections c
    where c.platform = p_platform and (p_channel_id is null or c.channel_id = p_channel_id)
      and c.secret_ciphertext is not null);
end
$function$;
revoke execute on function app.find_connections(text,text) from public;
grant execute on function app.find_connections(text,text) to service_role;

CREATE OR REPLACE FUNCTION app.find_duplicates(p_account uuid, p_drafts jsonb)
 RETURNS TABLE(ord integer, event_id uuid, seq bigint, twin integer)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_draft record;
  v_seen jsonb := '{}';
begin
  for v_draft in
    select d.ord::integer as ord, d.transport_key, d.business_key, known.event_id, known.seq
    from rows from (jsonb_to_recordset(p_drafts) as (transport_key text, business_key text))
      with ordinality as d (transport_key, business_key, ord)
    left join lateral (
      select k.event_id, k.seq from app.event_keys k
      where k.account_id = p_account
        and ((k.kind = 'transport' and k.key = d.transport_key) or (k.kind = 'business' and k.key = d.business_key))
      order by k.seq
      limit 1
    ) known on true
    order by d.ord
  loop
    ord := v_draft.ord;
    event_id := v_draft.event_id;
    seq := v_draft.seq;
    -- least() skips nulls: the earlier of the two, if any.
    twin := least((v_seen ->> ('transport ' || v_draft.transport_key))::integer,
      (v_seen ->> ('business ' || v_draft.business_key))::integer);
    if event_id is not null or twin is not null then
      return next;
    else
      v_seen := v_seen
        || jsonb_build_object(coalesce('transport ' || v_draft.transport_key, ''), ord)
        || jsonb_build_object(coalesce('business ' || v_draft.business_key, ''), ord);
    end if;
  end loop;
end
$function$;
revoke execute on function app.find_duplicates(uuid,jsonb) from public;

CREATE OR REPLACE FUNCTION app.find_event(p_account uuid, p_event uuid)
 RETURNS app.platform_events
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_event app.platform_events;
begin
  select * into v_event from app.platform_events e where e.id = p_event and e.account_id = p_account;
  if not found then
    perform app.refuse('CU404', format('There is no event %s', p_event));
  end if;
  return v_event;
end
$function$;
revoke execute on function app.find_event(uuid,uuid) from public;

CREATE OR REPLACE FUNCTION app.find_event_template(p_account uuid, p_template uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_template jsonb;
begin
  perform app.require_permission(p_account, 'events:create');
  select to_jsonb(t) - 'account_id' into v_template
  from app.event_templates t
  where t.id = p_template and t.account_id = p_account;
  if v_template is null then
    perform app.refuse('CU404', format('There is no template %s', p_template));
  end if;
  return v_template;
end
$function$;
revoke execute on function app.find_event_template(uuid,uuid) from public;
grant execute on function app.find_event_template(uuid,uuid) to authenticated;
grant execute on function app.find_event_template(uuid,uuid) to service_role;

CREATE OR REPLACE FUNCTION app.find_event_type(p_account uuid, p_type text)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'events:create');
  return app.event_type_document(p_account, p_type);
end
$function$;
revoke execute on function app.find_event_type(uuid,text) from public;
grant execute on function app.find_event_type(uuid,text) to authenticated;
grant execute on function app.find_event_type(uuid,text) to service_role;

CREATE OR REPLACE FUNCTION app.find_invitation(p_token_hash bytea, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select jsonb_build_object('account', a.name, 'role', i.role, 'expires_at', i.expires_at,
      'state', app.invitation_state(i, p_now))
    from app.invitations i
    join app.accounts a on a.id = i.account_id
    where i.token_hash = p_token_hash);
end
$function$;
revoke execute on function app.find_invitation(bytea,timestamp with time zone) from public;
grant execute on function app.find_invitation(bytea,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.find_key(p_token_hash bytea, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_key app.keys;
begin
  select * into v_key from app.keys k
  where k.token_hash = p_token_hash and k.revoked_at is null
    and (k.ends_at is null or k.ends_at > p_now);
  if not found then
    return null;
  end if;
  if v_key.last_used_at is null or v_key.last_used_at < p_now - interval '1 minute' then
    update app.keys set last_used_at = p_now where id = v_key.id;
  end if;
  return jsonb_build_object('id', v_key.id, 'kind', v_key.kind, 'account_id', v_key.account_id,
    'overlay_id', v_key.overlay_id, 'permissions', to_jsonb(v_key.permissions),
    'created_by', v_key.created_by);
end
$function$;
revoke execute on function app.find_key(bytea,timestamp with time zone) from public;
grant execute on function app.find_key(bytea,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.find_told()
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('account_id', s.account_id, 'platform', s.platform)), '[]')
    from app.channel_status s
    where s.told <> '[]');
end
$function$;
revoke execute on function app.find_told() from public;
grant execute on function app.find_told() to service_role;

CREATE OR REPLACE FUNCTION app.find_watched(p_platform text)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select coalesce(jsonb_agg(to_jsonb(w) order by w.account_id), '[]')
    from (
      select distinct on (c.account_id) c.account_id, c.channel_id, c.id as connection_id
      from app.platform_connections c
      where c.platform = p_platform and c.status = 'connected'
      order by c.account_id, c.created_at, c.id
    ) w);
end
$function$;
revoke execute on function app.find_watched(text) from public;
grant execute on function app.find_watched(text) to service_role;

CREATE OR REPLACE FUNCTION app.finish_task(p_owner uuid, p_name text, p_error text, p_duration_ms integer, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_before integer;
  v_after integer;
begin
  select t.failures_in_row into v_before
  from app.tasks t
  where t.name = p_name and t.run_owner = p_owner
  for update;
  if not found then
    return null;
  end if;
  v_after := case when p_error is null then 0 else v_before + 1 end;
  update app.tasks t
  set run_owner = null, run_until = null, last_duration_ms = p_duration_ms,
    last_error = left(p_error, 500), failures_in_row = v_after,
    failures = t.failures + case when p_error is null then 0 else 1 end,
    next_run_at = p_now + make_interval(secs => case when p_error is null then t.interval_s
      else least(15 * 2 ^ least(v_after - 1, 20), greatest(t.interval_s, 900)) end)
  where t.name = p_name;
  return jsonb_build_object('failures_before', v_before, 'failures_in_row', v_after);
end
$function$;
revoke execute on function app.finish_task(uuid,text,text,integer,timestamp with time zone) from public;
grant execute on function app.finish_task(uuid,text,text,integer,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.gather(p_account uuid, p_parts jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_new integer[];
begin
  if not exists (select from app.accounts a where a.id = p_account) then
    perform app.refuse('CU404', format('There is no account %s', p_account));
  end if;
  -- First of all the locks: what is known below cannot change any more.
  insert into app.gatherings (account_id, name, rev, due_at)
  select p_account, n.name, 1, p_now
  from (select distinct part ->> 'name' as name from jsonb_array_elements(p_parts) as part order by 1) n
  on conflict (account_id, name) do update
  set rev = gatherings.rev + 1, due_at = least(gatherings.due_at, excluded.due_at);

  with part as (
    select d.ord, d.draft ->> 'transport_key' as key
    from rows from (jsonb_to_recordset(p_parts) as (draft jsonb)) with ordinality as d (draft, ord)
  )
  select coalesce(array_agg(p.ord), '{}') into v_new
  from part p
  where p.key is null or (
    not exists (select from part twin where twin.key = p.key and twin.ord < p.ord)
    and not exists (select from app.gathering_parts w where w.account_id = p_account and w.transport_key = p.key)
    and not exists (select from app.event_keys k
      where k.account_id = p_account and k.kind = 'transport' and k.key = p.key));

  insert into app.gathering_parts (account_id, name, transport_key, about, draft, arrived_at)
  select p_account, d.name, d.draft ->> 'transport_key', d.about, d.draft, p_now
  from rows from (jsonb_to_recordset(p_parts) as (name text, about jsonb, draft jsonb))
    with ordinality as d (name, about, draft, ord)
  where d.ord = any (v_new)
  order by d.ord;

  return (
    select coalesce(
      jsonb_agg(case when i = any (v_new) then 'gathered' else 'duplicate' end order by i), '[]')
    from generate_series(1, jsonb_array_length(p_parts)) as i);
end
$function$;
revoke execute on function app.gather(uuid,jsonb,timestamp with time zone) from public;
grant execute on function app.gather(uuid,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.get_all_online_accounts()
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('account_id', o.account_id, 'platforms', o.platforms)
      order by o.account_id), '[]')
    from (
      select s.account_id, jsonb_agg(s.platform order by s.platform) as platforms
      from app.channel_status s
      where s.is_online
      group by s.account_id
    ) o);
end
$function$;
revoke execute on function app.get_all_online_accounts() from public;
grant execute on function app.get_all_online_accounts() to service_role;

CREATE OR REPLACE FUNCTION app.get_authorization(p_account uuid, p_authorization uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'connections:edit');
  perform app.require_own_authorization(p_authorization);
  return (
    select jsonb_build_object('platform', a.platform,
      'status', case when a.status = 'pending' and a.expires_at <= p_now then 'expired' else a.status end,
      'reason', a.reason, 'groups', a.groups,
      'connection', app.connection_document(a.connection_id))
    from app.pending_authorizations a
    where a.id = p_authorization);
end
$function$;
revoke execute on function app.get_authorization(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.get_authorization(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.get_authorization(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.get_connection(p_account uuid, p_connection uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'connections:read');
  if not exists (select from app.platform_connections c where c.id = p_connection and c.account_id = p_account) then
    perform app.refuse('CU404', format('There is no connection %s', p_connection));
  end if;
  return app.connection_document(p_connection);
end
$function$;
revoke execute on function app.get_connection(uuid,uuid) from public;
grant execute on function app.get_connection(uuid,uuid) to authenticated;
grant execute on function app.get_connection(uuid,uuid) to service_role;

CREATE OR REPLACE FUNCTION app.get_event(p_account uuid, p_event uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_userinfo boolean := app.has_permission(p_account, 'events:userinfo');
  v_event jsonb;
begin
  perform app.require_permission(p_account, 'events:read');
  select app.redact(d.document, v_userinfo)
    || jsonb_build_object('raw', case when v_userinfo then e.raw end)
  into v_event
  from app.platform_events e
  join app.event_documents d on d.id = e.id and d.created_at = e.created_at
  where e.id = p_event and e.account_id = p_account;
  if v_event is null then
    perform app.refuse('CU404', format('There is no event %s', p_event));
  end if;
  return v_event || jsonb_build_object('plays', (
    select coalesce(
      jsonb_agg(
        p.document || jsonb_build_object(
          'elapsed_ms', app.elapsed_ms(p.playing_since, p_now),
          'transitions', (
            select coalesce(
              jsonb_agg(
                jsonb_build_object('at', t.at, 'from_status', t.from_status, 'to_status', t.to_status,
                  'actor_kind', t.actor_kind, 'actor_id', t.actor_id, 'reason', t.reason)
                order by t.id),
              '[]')
            from app.play_transitions t
            where t.play_id = p.id))
        order by p.overlay_id, (p.document ->> 'play_no')::integer),
      '[]')
    from app.play_documents p
    where p.event_id = p_event));
end
$function$;
revoke execute on function app.get_event(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.get_event(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.get_event(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.get_overlay(p_account uuid, p_overlay uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_overlay jsonb;
begin
  perform app.require_permission(p_account, 'overlays:read');
  select jsonb_build_object('id', o.id, 'name', o.name, 'revision', o.revision, 'width', o.width,
    'height', o.height, 'created_at', o.created_at, 'updated_at', o.updated_at,
    'document', o.document)
  into v_overlay
  from app.overlays o
  where o.id = p_overlay and o.account_id = p_account;
  if v_overlay is null then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
  end if;
  return v_overlay;
end
$function$;
revoke execute on function app.get_overlay(uuid,uuid) from public;
grant execute on function app.get_overlay(uuid,uuid) to authenticated;
grant execute on function app.get_overlay(uuid,uuid) to service_role;

CREATE OR REPLACE FUNCTION app.get_pairing(p_account uuid, p_pairing uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'keys:edit');
  if not exists (select from app.pairings p where p.id = p_pairing and p.account_id = p_account) then
    perform app.refuse('CU404', format('There is no pairing %s', p_pairing));
  end if;
  return app.pairing_document(p_pairing, p_now);
end
$function$;
revoke execute on function app.get_pairing(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.get_pairing(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.get_pairing(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.get_queue(p_account uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_userinfo boolean := app.has_permission(p_account, 'events:userinfo');
begin
  perform app.require_permission(p_account, 'events:read');
  return (
    select jsonb_build_object('epoch', a.epoch, 'top_seq', a.next_seq - 1,
      'paused', a.paused_at is not null,
      'overlays', (
        select coalesce(
          jsonb_agg(
            jsonb_build_object('overlay_id', o.id, 'name', o.name, 'rev', q.rev,
              'paused', q.paused_at is not null or a.paused_at is not null,
              'leader_id', case when q.lease_until > p_now then q.leader_id end,
              'instances', (
                -- Pages call every 5 s at the least: two calls missed and a page is gone.
                select coalesce(
                  jsonb_agg(
                    jsonb_build_object('id', i.id, 'last_seen_at', i.last_seen_at,
                      'visible', i.visible, 'user_agent', i.user_agent,
                      'leads', i.id = q.leader_id and q.lease_until > p_now)
                    order by i.first_seen_at, i.id),
                  '[]')
                from app.overlay_instances i
                where i.overlay_id = o.id and i.last_seen_at > p_now - interval '15 seconds'),
              'playing', app.describe_plays_for(array(
                select p.id from app.plays p
                where p.overlay_id = o.id and p.status = 'playing' order by p.lane), v_userinfo, p_now),
              'waiting', app.describe_plays_for(array(
                select p.id from app.plays p
                where p.overlay_id = o.id and p.status = 'queued'
                order by p.priority desc, p.seq, p.play_no limit 50), v_userinfo, p_now),
              'waiting_count', (
                select count(*) from app.plays p where p.overlay_id = o.id and p.status = 'queued'),
              'recent', app.describe_plays_for(array(
                select p.id from app.plays p
                where p.overlay_id = o.id and p.ended_at is not null
                order by p.ended_at desc, p.seq desc limit 20), v_userinfo, p_now))
            order by o.created_at, o.id),
          '[]')
        from app.overlays o
        join app.overlay_queues q on q.overlay_id = o.id
        where o.account_id = p_account))
    from app.accounts a
    where a.id = p_account);
end
$function$;
revoke execute on function app.get_queue(uuid,timestamp with time zone) from public;
grant execute on function app.get_queue(uuid,timestamp with time zone) to authenticated;
grant execute on function app.get_queue(uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.get_source(p_account uuid, p_connection uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_connection app.platform_connections;
  v_source app.sources;
begin
  perform app.require_permission(p_account, 'connections:read');
  select c.* into v_connection
  from app.platform_connections c
  where c.id = p_connection and c.account_id = p_account;
  if not found then
    perform app.refuse('CU404', format('There is no connection %s', p_connection));
  end if;
  select s.* into v_source from app.sources s where s.connection_id = p_connection;
  return jsonb_build_object(
    'connection_id', p_connection,
    'platform', v_connection.platform,
    'mode', v_connection.mode,
    'state', case
      when v_connection.status = 'disconnected' then 'stopped'
      when v_source.connection_id is null then
        -- Made by hand: nobody but the platform knows what is subscribed, so what came counts.
        case when v_connection.last_delivery_at is null then 'waiting' else 'live' end
      -- Nobody has held it for a while: what it was is no longer known.
      when v_source.owner is null or v_source.lease_until <= p_now then 'waiting'
      else v_source.state end,
    'since', coalesce(v_source.since, v_connection.updated_at),
    'last_event_at', greatest(v_source.last_event_at, v_connection.last_delivery_at),
    'session_count', coalesce(v_source.session_count, 0),
    'problems', case
      when v_connection.status = 'disconnected' then '[]'
      else coalesce(v_source.problems, '[]') end,
    'reconciled_at', v_source.reconciled_at,
    'reliability', jsonb_build_object('received', coalesce(v_source.received, 0),
      'missed', coalesce(v_source.missed, 0),
      'since', coalesce(v_source.counted_since, v_connection.created_at)),
    'subscriptions', (
      select coalesce(jsonb_agg(jsonb_build_object('type', e.type, 'version', e.version,
        'status', e.status, 'reason', e.reason, 'cost', e.cost, 'received', e.received,
        'last_event_at', e.last_event_at, 'last_poll_at', e.last_poll_at,
        'last_poll_agreed', e.last_poll_agreed, 'missed', e.missed) order by e.type), '[]')
      from app.eventsub_subscriptions e
      where e.connection_id = p_connection),
    'quota', (
      select jsonb_build_object('total', q.total, 'total_cost', q.total_cost,
        'max_total_cost', q.max_total_cost, 'at', q.at)
      from app.quota_snapshots q
      where q.connection_id = p_connection
      order by q.at desc, q.id desc
      limit 1),
    'polls', (
      select coalesce(jsonb_agg(jsonb_build_object('name', p.name, 'every_s', p.every_s,
        'last_at', p.last_at, 'next_at', p.next_at, 'last_error', p.last_error,
        'missed', p.missed) order by p.name), '[]')
      from app.source_polls p
      where p.connection_id = p_connection));
end
$function$;
revoke execute on function app.get_source(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.get_source(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.get_source(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.get_spotify_manual(p_account uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'spotify:read');
  return app.spotify_manual_document(p_account, p_now);
end
$function$;
revoke execute on function app.get_spotify_manual(uuid,timestamp with time zone) from public;
grant execute on function app.get_spotify_manual(uuid,timestamp with time zone) to authenticated;
grant execute on function app.get_spotify_manual(uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.get_status(p_account uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'spotify:read');
  return (
    select coalesce(jsonb_agg(app.status_document(s.account_id, s.platform) order by s.platform), '[]')
    from app.channel_status s
    where s.account_id = p_account);
end
$function$;
revoke execute on function app.get_status(uuid) from public;
grant execute on function app.get_status(uuid) to authenticated;
grant execute on function app.get_status(uuid) to service_role;

CREATE OR REPLACE FUNCTION app.get_subscriptions(p_account uuid, p_overlay uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'overlays:read');
  perform app.require_overlay(p_account, p_overlay);
  return jsonb_build_object('overlay_id', p_overlay, 'items', (
    select coalesce(
      jsonb_agg(
        jsonb_build_object('pattern', s.pattern, 'classes', s.classes, 'lane', s.lane,
          'condition', s.condition)
        order by length(s.pattern) desc, s.pattern),
      '[]')
    from app.event_subscriptions s
    where s.overlay_id = p_overlay));
end
$function$;
revoke execute on function app.get_subscriptions(uuid,uuid) from public;
grant execute on function app.get_subscriptions(uuid,uuid) to authenticated;
grant execute on function app.get_subscriptions(uuid,uuid) to service_role;

CREATE OR REPLACE FUNCTION app.get_viewer(p_account uuid, p_viewer uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'events:userinfo');
  perform app.require_viewer(p_account, p_viewer);
  return app.viewer_document(p_viewer) || jsonb_build_object(
    'follow_history', (
      select coalesce(jsonb_agg(jsonb_build_object('action', h.action, 'at', h.at) order by h.at desc, h.action desc), '[]')
      from (select * from app.follower_history f where f.viewer_id = p_viewer
        order by f.at desc, f.action desc limit 100) h),
    'subscriptions', (
      select coalesce(jsonb_agg(jsonb_build_object('tier', s.tier, 'is_gift', s.is_gift,
        'gifter', case when g.id is not null then jsonb_build_object('id', g.id, 'login', g.login, 'name', g.name) end,
        'started_at', s.started_at, 'ended_at', s.ended_at) order by s.started_at desc), '[]')
      from (select * from app.viewer_subscriptions x where x.viewer_id = p_viewer
        order by x.started_at desc limit 100) s
      left join app.viewers g on g.id = s.gifter_id),
    'role_history', (
      select coalesce(jsonb_agg(jsonb_build_object('role', r.role, 'granted_at', r.granted_at,
        'revoked_at', r.revoked_at) order by r.granted_at desc, r.role), '[]')
      from (select * from app.viewer_roles x where x.viewer_id = p_viewer
        order by x.granted_at desc, x.role limit 100) r),
    'counts', (
      select coalesce(jsonb_object_agg(c.event_type, c.number), '{}')
      from (select e.event_type, count(*) as number from app.viewer_events e
        where e.viewer_id = p_viewer group by e.event_type) c),
    'last_events', (
      select coalesce(jsonb_agg(d.document order by d.seq desc), '[]')
      from (select * from app.viewer_events x where x.viewer_id = p_viewer
        and app.has_permission(p_account, 'events:read') order by x.seq desc limit 20) e
      join app.event_documents d on d.id = e.event_id and d.created_at = e.event_created_at));
end
$function$;
revoke execute on function app.get_viewer(uuid,uuid) from public;
grant execute on function app.get_viewer(uuid,uuid) to authenticated;
grant execute on function app.get_viewer(uuid,uuid) to service_role;

CREATE OR REPLACE FUNCTION app.get_watch(p_account uuid, p_platform text)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return coalesce(
    (select jsonb_build_object('version', s.version, 'watch', s.watch, 'told', s.told)
      from app.channel_status s
      where s.account_id = p_account and s.platform = p_platform),
    '{"version": 0, "watch": {}, "told": []}');
end
$function$;
revoke execute on function app.get_watch(uuid,text) from public;
grant execute on function app.get_watch(uuid,text) to service_role;

CREATE OR REPLACE FUNCTION app.handle_events(p_account uuid, p_drafts jsonb, p_events uuid[], p_first bigint, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.note_viewers(p_account, p_drafts, p_events, p_first, p_now);
  perform app.note_streams(p_account, p_drafts, p_now);
end
$function$;
revoke execute on function app.handle_events(uuid,jsonb,uuid[],bigint,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.has_permission(p_account uuid, p_permission text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return p_permission = any (app.permissions_in(p_account));
end
$function$;
revoke execute on function app.has_permission(uuid,text) from public;
grant execute on function app.has_permission(uuid,text) to authenticated;
grant execute on function app.has_permission(uuid,text) to service_role;

CREATE OR REPLACE FUNCTION app.has_waited(p_overlay uuid, p_instance uuid, p_wanted_at timestamp with time zone, p_patience interval, p_now timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_is_heard boolean := exists (
    select from app.overlay_instances i
    where i.overlay_id = p_overlay and i.id = p_instance and i.last_seen_at >= p_now - interval '3 seconds');
begin
  if p_wanted_at is null or not v_is_heard then
    update app.overlay_queues q set lead_wanted_at = p_now where q.overlay_id = p_overlay;
    return false;
  end if;
  return p_wanted_at + p_patience <= p_now;
end
$function$;
revoke execute on function app.has_waited(uuid,uuid,timestamp with time zone,interval,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.heartbeat(p_overlay uuid, p_instance uuid, p_facts jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_patience constant interval := interval '5 seconds';
  v_account uuid := app.require_overlay_key(p_overlay);
  v_lease_until timestamptz := p_now + interval '5 seconds';
  v_queue app.overlay_queues;
  v_started uuid[];
begin
  if p_instance is null then
    perform app.refuse('CU400', 'instance_id: a page needs an id');
  end if;
  select * into v_queue from app.overlay_queues q where q.overlay_id = p_overlay;
  if v_queue.leader_id = p_instance and v_queue.lease_until > p_now then
    -- Again in the condition: between the look and this update somebody may have taken over.
    update app.overlay_queues q
    set lease_until = greatest(q.lease_until, v_lease_until)
    where q.overlay_id = p_overlay and q.leader_id = p_instance
    returning * into v_queue;
    if not found then
      select * into v_queue from app.overlay_queues q where q.overlay_id = p_overlay;
    end if;
  elsif v_queue.leader_id is null or v_queue.lease_until < p_now or v_queue.leader_id = p_instance then
    select * into v_queue from app.overlay_queues q where q.overlay_id = p_overlay for no key update;
    if v_queue.leader_id = p_instance then
      update app.overlay_queues q
      set lease_until = greatest(q.lease_until, v_lease_until), led_since = p_now, lead_wanted_at = null
      where q.overlay_id = p_overlay;
      v_started := app.advance(p_overlay, p_now);
      perform app.publish_plays(v_started, array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
    elsif v_queue.lease_until < p_now
      and exists (
        select from app.plays p
        where p.overlay_id = p_overlay and p.status = 'playing' and p.started_at is null)
      and not app.has_waited(p_overlay, p_instance, v_queue.lead_wanted_at, v_patience, p_now) then
      null;
    elsif v_queue.leader_id is null or v_queue.lease_until < p_now then
      perform app.take_lead(v_account, p_overlay, p_instance, v_lease_until, p_now);
    end if;
    select * into v_queue from app.overlay_queues q where q.overlay_id = p_overlay;
  end if;

  insert into app.overlay_instances (overlay_id, id, account_id, first_seen_at, last_seen_at, visible,
    muted, protocol, user_agent)
  values (p_overlay, p_instance, v_account, p_now, p_now, (p_facts ->> 'visible')::boolean,
    (p_facts ->> 'muted')::boolean, left(p_facts ->> 'protocol', 40), left(p_facts ->> 'user_agent', 300))
  on conflict (overlay_id, id) do update
  set last_seen_at = excluded.last_seen_at, visible = excluded.visible, muted = excluded.muted,
    protocol = excluded.protocol, user_agent = excluded.user_agent;

  return jsonb_build_object('leads', v_queue.leader_id = p_instance, 'leader_id', v_queue.leader_id,
    'lease_version', v_queue.lease_version,
    -- Until when the lead is not to be had.
    'lease_ms', app.elapsed_ms(p_now, greatest(v_queue.lease_until, v_queue.lead_wanted_at + v_patience)), 'rev', v_queue.rev,
    'next_in_ms', case
      when v_queue.leader_id = p_instance then 2000
      when v_queue.lead_wanted_at is not null then 1000
      else 5000 end);
end
$function$;
revoke execute on function app.heartbeat(uuid,uuid,jsonb,timestamp with time zone) from public;
grant execute on function app.heartbeat(uuid,uuid,jsonb,timestamp with time zone) to authenticated;
grant execute on function app.heartbeat(uuid,uuid,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.invitation_document(p_invitation uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select to_jsonb(i) - 'token_hash' - 'account_id'
    from app.invitations i
    where i.id = p_invitation);
end
$function$;
revoke execute on function app.invitation_document(uuid) from public;

CREATE OR REPLACE FUNCTION app.invitation_state(p_invitation app.invitations, p_now timestamp with time zone)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return case
    when p_invitation.accepted_at is not null then 'accepted'
    when p_invitation.revoked_at is not null then 'revoked'
    when p_invitation.expires_at <= p_now then 'expired'
    when not exists (
      select from app.members m
      where m.account_id = p_invitation.account_id and m.user_id = p_invitation.created_by
        and app.permissions_of(m.role) @> app.permissions_of(p_invitation.role)
        and 'members:edit' = any (app.permissions_of(m.role))) then 'revoked'
    else 'open'
  end;
end
$function$;
revoke execute on function app.invitation_state(app.invitations,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.is_any_online(p_account uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return exists (select from app.channel_status s where s.account_id = p_account and s.is_online);
end
$function$;
revoke execute on function app.is_any_online(uuid) from public;
grant execute on function app.is_any_online(uuid) to service_role;

CREATE OR REPLACE FUNCTION app.is_live(p_key app.keys)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return p_key.revoked_at is null
    and (p_key.ends_at is null or p_key.ends_at > statement_timestamp());
end
$function$;
revoke execute on function app.is_live(app.keys) from public;

CREATE OR REPLACE FUNCTION app.is_operator_account(p_account uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return p_account = (select a.id from app.accounts a order by a.created_at, a.id limit 1);
end
$function$;
revoke execute on function app.is_operator_account(uuid) from public;

CREATE OR REPLACE FUNCTION app.is_recoverable(p_account uuid, p_own_epoch uuid, p_top bigint, p_epoch text, p_cursor bigint)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return p_cursor is not null and p_epoch is not null and p_epoch = p_own_epoch::text
    and p_cursor between 0 and p_top
    and (p_cursor = p_top or exists (
      select from app.platform_events e where e.account_id = p_account and e.seq = p_cursor + 1));
end
$function$;
revoke execute on function app.is_recoverable(uuid,uuid,bigint,text,bigint) from public;

CREATE OR REPLACE FUNCTION app.is_related(p_account uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_claims jsonb := auth.jwt();
begin
  return case
    when v_claims ->> 'kind' = 'member' then exists (
      select from app.members m
      where m.account_id = p_account and m.user_id = app.current_person())
    when v_claims ->> 'kind' in ('api', 'remote', 'ingest') then exists (
      select from app.keys k
      where k.id = (v_claims ->> 'key_id')::uuid and k.account_id = p_account
        and k.kind = v_claims ->> 'kind' and app.is_live(k))
    else false
  end;
end
$function$;
revoke execute on function app.is_related(uuid) from public;

CREATE OR REPLACE FUNCTION app.keep_answer(p_account uuid, p_key text, p_answer bytea)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update app.idempotency_keys i
  set answer = p_answer
  where i.account_id = p_account and i.actor_id = app.actor_id() and i.key = p_key
    and i.answer is null;
  if not found then
    perform app.refuse('CU409', 'This idempotency key has its answer already');
  end if;
end
$function$;
revoke execute on function app.keep_answer(uuid,text,bytea) from public;
grant execute on function app.keep_answer(uuid,text,bytea) to authenticated;
grant execute on function app.keep_answer(uuid,text,bytea) to service_role;

CREATE OR REPLACE FUNCTION app.key_document(p_key uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select jsonb_build_object('id', k.id, 'kind', k.kind, 'name', k.name, 'hint', k.hint,
      'overlay_id', k.overlay_id, 'permissions', to_jsonb(k.permissions),
      -- An overlay's key opens its overlay and nothing else.
      'effective_permissions', to_jsonb(
        case when app.is_live(k) then app.permissions_of_key(k) else '{}' end),
      'created_by', k.created_by, 'rotated_from', k.rotated_from, 'created_at', k.created_at,
      'last_used_at', k.last_used_at, 'ends_at', k.ends_at, 'revoked_at', k.revoked_at)
    from app.keys k
    where k.id = p_key);
end
$function$;
revoke execute on function app.key_document(uuid) from public;

CREATE OR REPLACE FUNCTION app.leave_account(p_account uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if app.current_person() is null or not app.is_related(p_account) then
    perform app.refuse('CU404', format('There is no account %s', p_account));
  end if;
  perform from app.accounts a where a.id = p_account for no key update;
  return app.drop_member(p_account, app.actor_id(), 'member.leave', p_now);
end
$function$;
revoke execute on function app.leave_account(uuid,timestamp with time zone) from public;
grant execute on function app.leave_account(uuid,timestamp with time zone) to authenticated;
grant execute on function app.leave_account(uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.list_audit(p_account uuid, p_search text, p_actor uuid, p_action text, p_from timestamp with time zone, p_to timestamp with time zone, p_before bigint, p_limit integer)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_like text := '%' || replace(replace(replace(p_search, '\', '\\'), '%', '\%'), '_', '\_') || '%';
  v_limit integer := least(greatest(coalesce(p_limit, 25), 1), 1000);
begin
  perform app.require_permission(p_account, 'audit:read');
  return (
    with page as (
      select l.*
      from app.audit_log l
      where l.account_id = p_account
        and (p_before is null or l.id < p_before)
        and (p_actor is null or l.actor_id = p_actor)
        -- 'key' finds key.create and key.revoke, 'key.create' itself.
        and (p_action is null or l.action = p_action or starts_with(l.action, p_action || '.'))
        and (p_from is null or l.at >= p_from)
        and (p_to is null or l.at < p_to)
        and (p_search is null or l.action ilike v_like or l.detail::text ilike v_like
          or l.target_id::text ilike v_like)
      order by l.id desc
      limit v_limit + 1
    ), shown as (
      select * from page order by id desc limit v_limit
    )
    select jsonb_build_object(
      'items', coalesce(
        jsonb_agg(
          jsonb_build_object('id', s.id, 'at', s.at, 'actor_kind', s.actor_kind,
            'actor_id', s.actor_id, 'actor_name', app.actor_name(s.actor_kind, s.actor_id),
            'action', s.action, 'target_kind', s.target_kind, 'target_id', s.target_id,
            'detail', s.detail)
          order by s.id desc),
        '[]'),
      'next_before', case when (select count(*) from page) > v_limit then min(s.id) end)
    from shown s);
end
$function$;
revoke execute on function app.list_audit(uuid,text,uuid,text,timestamp with time zone,timestamp with time zone,bigint,integer) from public;
grant execute on function app.list_audit(uuid,text,uuid,text,timestamp with time zone,timestamp with time zone,bigint,integer) to authenticated;
grant execute on function app.list_audit(uuid,text,uuid,text,timestamp with time zone,timestamp with time zone,bigint,integer) to service_role;

CREATE OR REPLACE FUNCTION app.list_clients(p_account uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'connections:read');
  return (
    select coalesce(
      jsonb_agg(jsonb_build_object('platform', c.platform, 'client_id', c.client_id,
        'has_secret', c.secret_ciphertext is not null) order by c.platform),
      '[]')
    from app.platform_clients c
    where c.account_id = p_account);
end
$function$;
revoke execute on function app.list_clients(uuid) from public;
grant execute on function app.list_clients(uuid) to authenticated;
grant execute on function app.list_clients(uuid) to service_role;

CREATE OR REPLACE FUNCTION app.list_connections(p_account uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'connections:read');
  return (
    select coalesce(jsonb_agg(app.connection_document(c.id) order by c.created_at, c.id), '[]')
    from app.platform_connections c
    where c.account_id = p_account);
end
$function$;
revoke execute on function app.list_connections(uuid) from public;
grant execute on function app.list_connections(uuid) to authenticated;
grant execute on function app.list_connections(uuid) to service_role;

CREATE OR REPLACE FUNCTION app.list_event_templates(p_account uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if not app.has_permission(p_account, 'events:create') then
    perform app.require_permission(p_account, 'events:read');
  end if;
  return (
    select coalesce(jsonb_agg(to_jsonb(t) - 'account_id' order by t.name), '[]')
    from app.event_templates t
    where t.account_id = p_account);
end
$function$;
revoke execute on function app.list_event_templates(uuid) from public;
grant execute on function app.list_event_templates(uuid) to authenticated;
grant execute on function app.list_event_templates(uuid) to service_role;

CREATE OR REPLACE FUNCTION app.list_event_types(p_account uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if not app.has_permission(p_account, 'events:create') then
    perform app.require_permission(p_account, 'events:read');
  end if;
  return (
    select coalesce(jsonb_agg(to_jsonb(t) - 'account_id' order by t.type), '[]')
    from app.event_types t
    where t.account_id = p_account);
end
$function$;
revoke execute on function app.list_event_types(uuid) from public;
grant execute on function app.list_event_types(uuid) to authenticated;
grant execute on function app.list_event_types(uuid) to service_role;

CREATE OR REPLACE FUNCTION app.list_events(p_account uuid, p_filter jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_types text[] := app.read_list(p_filter -> 'types');
  v_search text := nullif(trim(p_filter ->> 'search'), '');
  v_limit integer := least(greatest(coalesce((p_filter ->> 'limit')::integer, 50), 1), 200);
  v_page integer := greatest(coalesce((p_filter ->> 'page')::integer, 1), 1);
  v_cursor bigint := (p_filter ->> 'cursor')::bigint;
  v_offset bigint;
  v_most constant integer := 10000;
  v_userinfo boolean := app.has_permission(p_account, 'events:userinfo');
  v_where text := 'e.account_id = $1';
  v_from text := 'app.platform_events e where %s';
  v_total bigint;
  v_items jsonb;
  v_last bigint;
begin
  perform app.require_permission(p_account, 'events:read');
  -- A filter on what one may not see would answer by the length of the list.
  if v_search is not null and not v_userinfo then
    perform app.refuse('CU403', 'search: this needs the permission events:userinfo');
  end if;
  v_offset := case when v_cursor is null then (v_page - 1)::bigint * v_limit else 0 end;

  -- Only the conditions that were asked for, and always planned for these very values: which
  -- index is best depends on them.
  v_where := concat_ws(' and ', v_where,
    case when p_filter ->> 'from' is not null then 'e.created_at >= $2' end,
    case when p_filter ->> 'to' is not null then 'e.created_at < $3' end,
    case when app.read_list(p_filter -> 'platform') is not null then 'e.platform = any ($4)' end,
    case when app.read_list(p_filter -> 'origin') is not null then 'e.origin = any ($5)' end,
    case when app.read_list(p_filter -> 'status') is not null then 'e.status = any ($6)' end,
    case when v_search is not null then 'e.search like $7' end);
  if v_search is not null then
    -- As it stands in the search column: lower case, escaped by JSON; then for LIKE.
    v_search := lower(to_jsonb(v_search)::text);
    v_search := substr(v_search, 2, length(v_search) - 2);
    v_search := '%' || replace(replace(replace(v_search, '\', '\\'), '%', '\%'), '_', '\_') || '%';
  end if;

  -- A range of the index for each type; in order within each, merged after.
  if v_types is not null then
    v_from := 'unnest($8) as t (type) cross join lateral (select e.id, e.created_at, e.seq '
      'from app.platform_events e where e.event_type = t.type and %s';
  end if;

  execute 'select count(*) from (select from ' || format(v_from, v_where)
    || case when v_types is not null then format(' limit %s) e', v_most + 1) else '' end
    || format(' limit %s) counted', v_most + 1)
  into v_total
  using p_account, (p_filter ->> 'from')::timestamptz, (p_filter ->> 'to')::timestamptz,
    app.read_list(p_filter -> 'platform'), app.read_list(p_filter -> 'origin'),
    app.read_list(p_filter -> 'status'), v_search, v_types;

  if v_cursor is not null then
    v_where := v_where || ' and e.seq < $9';
  end if;
  execute 'with page as (select e.id, e.created_at, e.seq from ' || format(v_from, v_where)
    || case when v_types is not null
      then format(' order by e.seq desc limit %s) e', v_limit + v_offset) else '' end
    || format(' order by e.seq desc limit %s offset %s)', v_limit, v_offset)
    || ' select coalesce(jsonb_agg(app.redact(d.document, $10) order by d.seq desc), ''[]''), min(d.seq)'
    || ' from page join app.event_documents d on d.id = page.id and d.created_at = page.created_at'
  into v_items, v_last
  using p_account, (p_filter ->> 'from')::timestamptz, (p_filter ->> 'to')::timestamptz,
    app.read_list(p_filter -> 'platform'), app.read_list(p_filter -> 'origin'),
    app.read_list(p_filter -> 'status'), v_search, v_types, v_cursor, v_userinfo;

  return jsonb_build_object('items', v_items, 'page', v_page, 'limit', v_limit,
    'total', least(v_total, v_most), 'total_is_exact', v_total <= v_most,
    -- A full page may have more behind it.
    'next_cursor', case when jsonb_array_length(v_items) = v_limit then v_last end);
end
$function$;
revoke execute on function app.list_events(uuid,jsonb) from public;
grant execute on function app.list_events(uuid,jsonb) to authenticated;
grant execute on function app.list_events(uuid,jsonb) to service_role;

CREATE OR REPLACE FUNCTION app.list_invitations(p_account uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'members:read');
  return (
    select coalesce(jsonb_agg(app.invitation_document(i.id) order by i.created_at desc, i.id), '[]')
    from app.invitations i
    where i.account_id = p_account);
end
$function$;
revoke execute on function app.list_invitations(uuid) from public;
grant execute on function app.list_invitations(uuid) to authenticated;
grant execute on function app.list_invitations(uuid) to service_role;

CREATE OR REPLACE FUNCTION app.list_keys(p_account uuid, p_kind text DEFAULT NULL::text, p_overlay uuid DEFAULT NULL::uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_overlay_keys boolean := app.has_permission(p_account, 'overlays:keys');
  v_other_keys boolean := app.has_permission(p_account, 'keys:edit');
begin
  if p_kind is not null or not (v_overlay_keys or v_other_keys) then
    perform app.require_key_permission(p_account, p_kind);
  end if;
  if p_overlay is not null and not exists (
    select from app.overlays o where o.id = p_overlay and o.account_id = p_account) then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
  end if;
  return (
    select coalesce(jsonb_agg(app.key_document(k.id) order by k.created_at desc, k.id), '[]')
    from app.keys k
    where k.account_id = p_account
      and (p_kind is null or k.kind = p_kind)
      and (p_overlay is null or k.overlay_id = p_overlay)
      and case when k.kind = 'overlay' then v_overlay_keys else v_other_keys end);
end
$function$;
revoke execute on function app.list_keys(uuid,text,uuid) from public;
grant execute on function app.list_keys(uuid,text,uuid) to authenticated;
grant execute on function app.list_keys(uuid,text,uuid) to service_role;

CREATE OR REPLACE FUNCTION app.list_members(p_account uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'members:read');
  return (
    select coalesce(
      jsonb_agg(app.member_document(p_account, m.user_id)
        order by cardinality(app.permissions_of(m.role)) desc, m.created_at, m.user_id),
      '[]')
    from app.members m
    where m.account_id = p_account);
end
$function$;
revoke execute on function app.list_members(uuid) from public;
grant execute on function app.list_members(uuid) to authenticated;
grant execute on function app.list_members(uuid) to service_role;

CREATE OR REPLACE FUNCTION app.list_overlays(p_account uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'overlays:read');
  return (
    select coalesce(
      jsonb_agg(
        jsonb_build_object('id', o.id, 'name', o.name, 'revision', o.revision, 'width', o.width,
          'height', o.height, 'created_at', o.created_at, 'updated_at', o.updated_at)
        order by o.created_at, o.id),
      '[]')
    from app.overlays o
    where o.account_id = p_account);
end
$function$;
revoke execute on function app.list_overlays(uuid) from public;
grant execute on function app.list_overlays(uuid) to authenticated;
grant execute on function app.list_overlays(uuid) to service_role;

CREATE OR REPLACE FUNCTION app.list_tasks(p_account uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_is_operator boolean := app.is_operator_account(p_account);
begin
  perform app.require_permission(p_account, 'connections:read');
  return (
    select coalesce(jsonb_agg(app.task_document(t.name, v_is_operator, p_now) order by t.name), '[]')
    from app.tasks t);
end
$function$;
revoke execute on function app.list_tasks(uuid,timestamp with time zone) from public;
grant execute on function app.list_tasks(uuid,timestamp with time zone) to authenticated;
grant execute on function app.list_tasks(uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.list_upcoming(p_account uuid, p_filter jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_types text[] := app.read_list(p_filter -> 'types');
  v_platforms text[] := app.read_list(p_filter -> 'platform');
  v_limit integer := least(greatest(coalesce((p_filter ->> 'limit')::integer, 25), 1), 200);
  v_page integer := greatest(coalesce((p_filter ->> 'page')::integer, 1), 1);
  v_userinfo boolean := app.has_permission(p_account, 'events:userinfo');
begin
  perform app.require_permission(p_account, 'events:read');
  return (
    with waiting as materialized (
      select w.event_id, w.event_created_at, min(w.scheduled_at) as scheduled_at, min(w.seq) as seq
      from app.plays w
      where w.account_id = p_account and w.status = 'queued' and w.scheduled_at > p_now
      group by w.event_id, w.event_created_at
    ),
    wanted as materialized (
      select w.scheduled_at, w.seq, e.id, e.created_at
      from waiting w
      join app.platform_events e on e.id = w.event_id and e.created_at = w.event_created_at
      where (v_types is null or e.event_type = any (v_types))
        and (v_platforms is null or e.platform = any (v_platforms))
    ),
    page as (
      select w.* from wanted w
      order by w.scheduled_at, w.seq
      limit v_limit offset (v_page - 1)::bigint * v_limit
    )
    select jsonb_build_object('page', v_page, 'limit', v_limit,
      'total', (select count(*) from wanted), 'total_is_exact', true, 'next_cursor', null,
      'items', coalesce(
        jsonb_agg(app.redact(d.document, v_userinfo) order by page.scheduled_at, page.seq), '[]'))
    from page
    join app.event_documents d on d.id = page.id and d.created_at = page.created_at);
end
$function$;
revoke execute on function app.list_upcoming(uuid,jsonb,timestamp with time zone) from public;
grant execute on function app.list_upcoming(uuid,jsonb,timestamp with time zone) to authenticated;
grant execute on function app.list_upcoming(uuid,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.list_viewers(p_account uuid, p_filter jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
declare
  v_search text := lower(nullif(trim(p_filter ->> 'search'), ''));
  v_platform text := p_filter ->> 'platform';
  v_role text := p_filter ->> 'role';
  v_limit integer := least(greatest(coalesce((p_filter ->> 'limit')::integer, 50), 1), 200);
  v_cursor text := p_filter ->> 'cursor';
  v_seen timestamptz;
  v_id uuid;
  v_items jsonb;
  v_next text;
begin
  perform app.require_permission(p_account, 'events:userinfo');
  if v_cursor is not null then
    if v_cursor !~ '^[0-9]{1,17}_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then
      perform app.refuse('CU400', 'cursor: take it from the next_cursor of the page before');
    end if;
    -- Microseconds since 1970, which is what the database keeps.
    v_seen := '1970-01-01 00:00:00+00'::timestamptz + split_part(v_cursor, '_', 1)::bigint * interval '1 microsecond';
    v_id := split_part(v_cursor, '_', 2)::uuid;
  end if;
  if v_search is not null then
    v_search := '%' || replace(replace(replace(v_search, '\', '\\'), '%', '\%'), '_', '\_') || '%';
  end if;
  with page as materialized (
    select v.id, v.last_seen_at
    from app.viewers v
    where v.account_id = p_account
      and (v_platform is null or v.platform = v_platform)
      and (v_search is null or lower(v.login || ' ' || v.name) like v_search)
      and (v_seen is null or (v.last_seen_at, v.id) < (v_seen, v_id))
      and case v_role
        when 'follower' then exists (select from app.current_followers f where f.viewer_id = v.id)
        when 'subscriber' then exists (
          select from app.viewer_subscriptions s where s.viewer_id = v.id and s.ended_at is null)
        when 'moderator' then exists (
          select from app.viewer_roles r where r.viewer_id = v.id and r.role = 'moderator' and r.revoked_at is null)
        when 'vip' then exists (
          select from app.viewer_roles r where r.viewer_id = v.id and r.role = 'vip' and r.revoked_at is null)
        else true end
    order by v.last_seen_at desc, v.id desc
    -- One more tells whether there is another page.
    limit v_limit + 1
  ),
  shown as (
    select p.id, p.last_seen_at, row_number() over (order by p.last_seen_at desc, p.id desc) as place
    from page p
  )
  select coalesce(jsonb_agg(app.viewer_document(s.id) order by s.place) filter (where s.place <= v_limit), '[]'),
    case when count(*) > v_limit then max((extract(epoch from s.last_seen_at) * 1000000)::bigint || '_' || s.id)
      filter (where s.place = v_limit) end
  into v_items, v_next
  from shown s;
  return jsonb_build_object('items', v_items, 'next_cursor', v_next);
end
$function$;
revoke execute on function app.list_viewers(uuid,jsonb) from public;
grant execute on function app.list_viewers(uuid,jsonb) to authenticated;
grant execute on function app.list_viewers(uuid,jsonb) to service_role;

CREATE OR REPLACE FUNCTION app.lock_key(p_account uuid, p_key uuid)
 RETURNS app.keys
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_key app.keys;
begin
  if not app.is_related(p_account) then
    perform app.refuse('CU404', format('There is no account %s', p_account));
  end if;
  select * into v_key from app.keys k where k.id = p_key and k.account_id = p_account for update;
  if not found then
    perform app.refuse('CU404', format('There is no key %s', p_key));
  end if;
  perform app.require_key_permission(p_account, v_key.kind);
  return v_key;
end
$function$;
revoke execute on function app.lock_key(uuid,uuid) from public;

CREATE OR REPLACE FUNCTION app.lock_members(p_account uuid, p_permission text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, p_permission);
  if app.actor_kind() <> 'member' then
    perform app.refuse('CU403', 'A key cannot change members: sign in');
  end if;
  perform from app.accounts a where a.id = p_account for no key update;
  perform app.require_permission(p_account, p_permission);
end
$function$;
revoke execute on function app.lock_members(uuid,text) from public;

CREATE OR REPLACE FUNCTION app.lock_queues(p_overlays uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform from app.overlay_queues q
  where q.overlay_id = any (p_overlays)
  order by q.overlay_id
  for no key update;
end
$function$;
revoke execute on function app.lock_queues(uuid[]) from public;

CREATE OR REPLACE FUNCTION app.log_command(p_account uuid, p_action text, p_target_kind text, p_target uuid, p_detail jsonb, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into app.audit_log (account_id, at, actor_kind, actor_id, action, target_kind, target_id, detail)
  values (p_account, p_now, app.actor_kind(), app.actor_id(), p_action, p_target_kind, p_target,
    coalesce(p_detail, '{}'));
end
$function$;
revoke execute on function app.log_command(uuid,text,text,uuid,jsonb,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.log_sign_in(p_user uuid, p_action text, p_detail jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into app.audit_log (account_id, at, actor_kind, actor_id, action, target_kind, target_id, detail)
  select m.account_id, clock_timestamp(), 'member', p_user, p_action, 'member', p_user, p_detail
  from app.members m
  where m.user_id = p_user;
end
$function$;
revoke execute on function app.log_sign_in(uuid,text,jsonb) from public;

CREATE OR REPLACE FUNCTION app.make_plays(p_account uuid, p_drafts jsonb, p_events uuid[], p_first bigint, p_overlays uuid[], p_live uuid[], p_now timestamp with time zone, OUT p_statuses text[], OUT p_behind uuid[])
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_events uuid[];
  v_statuses text[];
begin
  with route as materialized (
    select distinct on (d.ord, s.overlay_id) d.ord, s.overlay_id, s.lane, d.origin, d.duration_ms,
      d.scheduled_at, d.scheduled_at is null or d.scheduled_at <= p_now as is_due,
      case d.priority when 'low' then 0 when 'high' then 20 when 'critical' then 30 else 10 end::smallint as priority
    from rows from (jsonb_to_recordset(p_drafts) as (event_type text, class text, origin text,
        priority text, duration_ms integer, scheduled_at timestamptz))
      with ordinality as d (event_type, class, origin, priority, duration_ms, scheduled_at, ord)
    join app.event_subscriptions s
      on s.overlay_id = any (p_overlays) and d.class = any (s.classes) and d.event_type like s.like_pattern
        and (s.condition is null or app.meets(s.condition, p_drafts -> (d.ord - 1)::integer))
    where d.class in ('animated', 'alert')
    order by d.ord, s.overlay_id, length(s.pattern) desc, s.pattern
  ),
  -- Lanes that show nothing though they could.
  idle as materialized (
    select l.overlay_id, l.lane, q.leader_id, q.lease_version,
      exists (select from app.plays x
        where x.overlay_id = l.overlay_id and x.lane = l.lane and x.status = 'queued'
          and (x.scheduled_at is null or x.scheduled_at <= p_now)) as has_line
    from (select distinct r.overlay_id, r.lane from route r where r.overlay_id = any (p_live)) l
    join app.overlay_queues q on q.overlay_id = l.overlay_id
    where not exists (select from app.plays x
      where x.overlay_id = l.overlay_id and x.lane = l.lane and x.status = 'playing')
  ),
  born as (
    select r.*, case when r.is_due and row_number() over (
      partition by r.overlay_id, r.lane, r.is_due order by r.priority desc, r.ord) = 1 then 1 else 0 end as is_best
    from route r
  ),
  play as (
    insert into app.plays (account_id, overlay_id, event_id, event_created_at, seq, priority, lane,
      status, reason, play_no, attempt, duration_ms, instance_id, lease_version, claimed_at,
      scheduled_at, created_at)
    select p_account, b.overlay_id, p_events[b.ord], p_now, p_first - 1 + b.ord, b.priority, b.lane,
      case when i.lane is null then 'queued' else 'playing' end,
      case when b.origin = 'test' then 'test' else 'live' end, 1,
      case when i.lane is null then 0 else 1 end, coalesce(b.duration_ms, 6000),
      i.leader_id, i.lease_version, case when i.lane is not null then p_now end, b.scheduled_at, p_now
    from born b
    left join idle i
      on i.overlay_id = b.overlay_id and i.lane = b.lane and b.is_best = 1 and not i.has_line
    returning id, event_id, overlay_id, status, instance_id
  ),
  transition as (
    insert into app.play_transitions (play_id, account_id, at, from_status, to_status, actor_kind,
      actor_id, reason)
    select p.id, p_account, p_now, 'queued', 'playing', 'overlay', p.instance_id, 'claimed'
    from play p
    where p.status = 'playing'
  ),
  queue as (
    update app.overlay_queues q
    set rev = q.rev + made.number
    from (select p.overlay_id, count(*) as number from play p group by p.overlay_id) made
    where q.overlay_id = made.overlay_id
  )
  select array_agg(p.event_id), array_agg(p.status),
    (select array_agg(distinct i.overlay_id) from idle i where i.has_line)
  into v_events, v_statuses, p_behind
  from play p;

  -- app.derive_event_status, for the two statuses that plays are born with.
  p_statuses := array(
    select case when bool_or(p.status = 'playing') then 'active'
      when bool_or(p.status = 'queued') then 'pending' else 'completed' end
    from unnest(p_events) with ordinality as e (id, ord)
    left join unnest(v_events, v_statuses) as p (event_id, status) on p.event_id = e.id
    group by e.ord
    order by e.ord);
end
$function$;
revoke execute on function app.make_plays(uuid,jsonb,uuid[],bigint,uuid[],uuid[],timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.may_become(p_from text, p_to text)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  return case p_from
    when 'held' then p_to in ('queued', 'cancelled', 'skipped', 'expired', 'failed')
    when 'queued' then p_to in ('held', 'playing', 'completed', 'cancelled', 'skipped', 'expired', 'failed')
    when 'playing' then p_to in ('queued', 'completed', 'cancelled', 'skipped', 'failed')
    else false
  end;
end
$function$;
revoke execute on function app.may_become(text,text) from public;

CREATE OR REPLACE FUNCTION app.may_join(p_topic text, p_extension text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_id uuid;
  v_account uuid;
begin
  if p_extension is distinct from 'broadcast'
    or p_topic is null
    or p_topic !~ '^(account|overlay):[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then
    return false;
  end if;
  v_id := split_part(p_topic, ':', 2)::uuid;
  if p_topic like 'account:%' then
    return app.has_permission(v_id, 'events:read') and app.has_permission(v_id, 'events:userinfo');
  end if;
  if auth.jwt() ->> 'kind' = 'overlay' then
    return exists (
      select from app.keys k
      where k.id = (auth.jwt() ->> 'key_id')::uuid and k.kind = 'overlay' and k.overlay_id = v_id
        and app.is_live(k));
  end if;
  select o.account_id into v_account from app.overlays o where o.id = v_id;
  return v_account is not null and app.has_permission(v_account, 'overlays:read')
    and app.has_permission(v_account, 'events:userinfo');
end
$function$;
revoke execute on function app.may_join(text,text) from public;
grant execute on function app.may_join(text,text) to authenticated;
grant execute on function app.may_join(text,text) to service_role;

CREATE OR REPLACE FUNCTION app.meets(p_condition jsonb, p_event jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
declare
  v_part jsonb;
  v_value jsonb;
  v_with jsonb := p_condition -> 'value';
  v_op text := p_condition ->> 'op';
  v_order integer;
begin
  if p_condition ? 'all' then
    for v_part in select * from jsonb_array_elements(p_condition -> 'all') loop
      if not app.meets(v_part, p_event) then
        return false;
      end if;
    end loop;
    return true;
  elsif p_condition ? 'any' then
    for v_part in select * from jsonb_array_elements(p_condition -> 'any') loop
      if app.meets(v_part, p_event) then
        return true;
      end if;
    end loop;
    return false;
  elsif p_condition ? 'not' then
    return not app.meets(p_condition -> 'not', p_event);
  end if;

  -- Null is as good as absent.
  v_value := nullif(p_event #> string_to_array(p_condition ->> 'field', '.'), 'null');
  if v_op = 'exists' then
    return (v_value is not null) = (coalesce(v_with, 'true') = 'true'::jsonb);
  elsif v_op = 'ne' then
    return v_value is distinct from v_with;
  elsif v_value is null then
    return false;
  elsif v_op = 'eq' then
    return v_value = v_with;
  elsif v_op = 'in' then
    return jsonb_typeof(v_value) in ('string', 'number', 'boolean')
      and v_with @> jsonb_build_array(v_value);
  elsif v_op = 'contains' then
    return case
      when jsonb_typeof(v_value) = 'array' then v_value @> jsonb_build_array(v_with)
      when jsonb_typeof(v_value) = 'string' and jsonb_typeof(v_with) = 'string'
        then strpos(v_value #>> '{}', v_with #>> '{}') > 0
      else false
    end;
  end if;
  v_order := case
    when jsonb_typeof(v_value) <> jsonb_typeof(v_with) then null
    when jsonb_typeof(v_value) = 'number' then
      sign((v_value #>> '{}')::numeric - (v_with #>> '{}')::numeric)::integer
    -- By code point, as in every language and on every machine.
    when jsonb_typeof(v_value) = 'string' then case
      when (v_value #>> '{}') collate "C" < (v_with #>> '{}') collate "C" then -1
      when (v_value #>> '{}') collate "C" > (v_with #>> '{}') collate "C" then 1
      else 0 end
  end;
  return coalesce(case v_op
    when 'lt' then v_order < 0
    when 'lte' then v_order <= 0
    when 'gt' then v_order > 0
    when 'gte' then v_order >= 0
  end, false);
end
$function$;
revoke execute on function app.meets(jsonb,jsonb) from public;

CREATE OR REPLACE FUNCTION app.member_document(p_account uuid, p_user uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select jsonb_build_object('user_id', m.user_id, 'name', u."name", 'email', u."email",
      'role', m.role, 'is_you', m.user_id is not distinct from app.current_person(),
      'created_at', m.created_at)
    from app.members m
    left join identity."user" u on u."id" = m.user_id
    where m.account_id = p_account and m.user_id = p_user);
end
$function$;
revoke execute on function app.member_document(uuid,uuid) from public;

CREATE OR REPLACE FUNCTION app.move_plays(p_plays uuid[], p_to text, p_outcome text, p_reason text, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  with old as (
    select p.id, p.status from app.plays p where p.id = any (p_plays)
  ),
  moved as (
    update app.plays p
    set status = p_to,
      outcome = p_outcome,
      -- Shown to its end, though the page's 'started' may have been lost.
      started_at = case when p_to = 'completed' then coalesce(p.started_at, p.claimed_at) else p.started_at end,
      ended_at = case when p_to in ('held', 'queued') then null else p_now end
    from old
    where p.id = old.id
    returning p.id, p.account_id, old.status as from_status
  )
  insert into app.play_transitions (play_id, account_id, at, from_status, to_status, actor_kind,
    actor_id, reason)
  select m.id, m.account_id, p_now, m.from_status, p_to, app.actor_kind(), app.actor_id(), p_reason
  from moved m;
end
$function$;
revoke execute on function app.move_plays(uuid[],text,text,text,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.my_accounts()
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_claims jsonb := auth.jwt();
begin
  return (
    select coalesce(
      jsonb_agg(
        jsonb_build_object('id', a.id, 'name', a.name, 'role', mine.role,
          'permissions', to_jsonb(app.permissions_in(a.id)), 'is_default', mine.is_default)
        order by a.name, a.id),
      '[]')
    from (
      select m.account_id, m.role, m.is_default
      from app.members m
      where m.user_id = app.current_person()
      union all
      select k.account_id, null, true
      from app.keys k
      where v_claims ->> 'kind' in ('api', 'remote', 'ingest')
        and k.id = (v_claims ->> 'key_id')::uuid and k.kind = v_claims ->> 'kind' and app.is_live(k)
    ) mine
    join app.accounts a on a.id = mine.account_id);
end
$function$;
revoke execute on function app.my_accounts() from public;
grant execute on function app.my_accounts() to authenticated;
grant execute on function app.my_accounts() to service_role;

CREATE OR REPLACE FUNCTION app.note_export(p_account uuid, p_what text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account,
    case p_what when 'audit' then 'audit:read' else 'account:manage' end);
  perform app.log_command(p_account,
    case p_what when 'audit' then 'audit.export' else 'account.export' end,
    'account', p_account, null, p_now);
end
$function$;
revoke execute on function app.note_export(uuid,text,timestamp with time zone) from public;
grant execute on function app.note_export(uuid,text,timestamp with time zone) to authenticated;
grant execute on function app.note_export(uuid,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.note_sign_in()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_row jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
  v_user uuid := (v_row ->> 'userId')::uuid;
  v_what text := tg_argv[0];
begin
  case v_what
    when 'session' then
      -- One that ran out by itself is nobody's deed.
      if tg_op = 'INSERT' or (v_row ->> 'expiresAt')::timestamptz > clock_timestamp() then
        perform app.log_sign_in(v_user,
          case tg_op when 'INSERT' then 'session.start' else 'session.end' end,
          jsonb_build_object('session_id', v_row ->> 'id'));
      end if;
    when 'account' then
      if tg_op = 'UPDATE' then
        if old."password" is distinct from new."password" then
          perform app.log_sign_in(v_user, 'password.change', '{}');
        end if;
      else
        perform app.log_sign_in(v_user, case tg_op when 'INSERT' then 'sign_in.link' else 'sign_in.unlink' end,
          jsonb_build_object('provider', v_row ->> 'providerId'));
      end if;
    when 'totp' then
      if tg_op = 'DELETE' or (v_row ->> 'verified')::boolean and
        (tg_op = 'INSERT' or not coalesce(old."verified", false)) then
        perform app.log_sign_in(v_user, case tg_op when 'DELETE' then 'totp.disable' else 'totp.enable' end, '{}');
      elsif tg_op = 'UPDATE' and old."backupCodes" is distinct from new."backupCodes" then
        perform app.log_sign_in(v_user, 'totp.recovery_codes', '{}');
      end if;
    when 'passkey' then
      perform app.log_sign_in(v_user, case tg_op when 'INSERT' then 'passkey.add' else 'passkey.remove' end,
        jsonb_build_object('name', v_row ->> 'name'));
    else
      null;
  end case;
  return null;
end
$function$;
revoke execute on function app.note_sign_in() from public;

CREATE OR REPLACE FUNCTION app.note_streams(p_account uuid, p_drafts jsonb, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into app.channel_status as s (account_id, platform, updated_at, told, version)
  select p_account, d.platform, p_now,
    jsonb_agg(jsonb_build_object('kind', replace(h.handler, 'stream_', ''),
      'at', coalesce(d.occurred_at, p_now), 'stream_id', d.data ->> 'id',
      'started_at', d.data ->> 'started_at', 'title', d.data ->> 'title',
      'category', d.data #>> '{category,name}', 'category_id', d.data #>> '{category,id}')
      order by d.ord), 1
  from rows from (jsonb_to_recordset(p_drafts) as (event_type text, platform text, origin text,
      data jsonb, occurred_at timestamptz))
    with ordinality as d (event_type, platform, origin, data, occurred_at, ord)
  join app.event_handlers h on h.event_type = d.event_type
  where h.handler in ('stream_online', 'stream_offline', 'stream_update')
    and coalesce(d.origin, 'live') = 'live'
  group by d.platform
  on conflict (account_id, platform) do update
  set told = s.told || excluded.told, version = s.version + 1;
end
$function$;
revoke execute on function app.note_streams(uuid,jsonb,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.note_validation(p_connection uuid, p_version integer, p_scopes text[], p_groups text[], p_expires_at timestamp with time zone, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update app.platform_connections c
  set validated_at = p_now, scopes = p_scopes,
    groups = array(select g.name from unnest(c.groups) with ordinality as g (name, ord)
      where g.name = any (p_groups) order by g.ord)
  where c.id = p_connection and exists (
    select from app.connection_tokens t where t.connection_id = c.id and t.version = p_version);
  update app.connection_tokens t
  set expires_at = coalesce(p_expires_at, t.expires_at), validating_until = null
  where t.connection_id = p_connection and t.version = p_version;
end
$function$;
revoke execute on function app.note_validation(uuid,integer,text[],text[],timestamp with time zone,timestamp with time zone) from public;
grant execute on function app.note_validation(uuid,integer,text[],text[],timestamp with time zone,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.note_viewers(p_account uuid, p_drafts jsonb, p_events uuid[], p_first bigint, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  -- Of whom something new was told: of subscriptions, of roles.
  v_subscribers uuid[];
  v_bearers uuid[];
begin
  with told as materialized (
    -- Each event with a handler, and everybody it names: actor (1), gifter (2), recipients (3 …).
    select d.ord::integer as ord, d.event_type, h.handler, d.platform, n.place,
      coalesce(d.occurred_at, p_now) as at, d.data -> 'tier' as tier, d.data -> 'is_gift' as is_gift,
      case when h.handler = 'gift' then d.data #>> '{user,id}' else d.data #>> '{gifter,id}' end as gifter,
      n.person ->> 'id' as id,
      left(coalesce(n.person ->> 'login', ''), 200) as login,
      left(coalesce(n.person ->> 'name', n.person ->> 'login', n.person ->> 'id'), 200) as name,
      left(n.person ->> 'picture', 2000) as picture
    from rows from (jsonb_to_recordset(p_drafts) as (event_type text, platform text, origin text,
        data jsonb, occurred_at timestamptz))
      with ordinality as d (event_type, platform, origin, data, occurred_at, ord)
    join app.event_handlers h on h.event_type = d.event_type
    cross join lateral (
      select 1 as place, d.data -> 'user' as person
      union all
      select 2, d.data -> 'gifter'
      union all
      select 2 + r.place, r.person
      from jsonb_array_elements(case when jsonb_typeof(d.data -> 'recipients') = 'array'
        then d.data -> 'recipients' else '[]' end) with ordinality as r (person, place)
    ) n
    where coalesce(d.origin, 'live') in ('live', 'poll')
      and char_length(n.person ->> 'id') between 1 and 200
  ),
  person as (
    insert into app.viewers as v (account_id, platform, platform_user_id, login, name, named_at, picture,
      picture_at, first_seen_at, last_seen_at)
    select p_account, t.platform, t.id,
      (array_agg(t.login order by t.at desc, t.name desc, t.login desc))[1],
      (array_agg(t.name order by t.at desc, t.name desc, t.login desc))[1],
      max(t.at),
      (array_agg(t.picture order by t.at desc, t.picture desc) filter (where t.picture is not null))[1],
      max(t.at) filter (where t.picture is not null), min(t.at), max(t.at)
    from told t
    group by t.platform, t.id
    on conflict (account_id, platform, platform_user_id) do update
    set login = case when (excluded.named_at, excluded.name, excluded.login) > (v.named_at, v.name, v.login)
        then excluded.login else v.login end,
      name = case when (excluded.named_at, excluded.name, excluded.login) > (v.named_at, v.name, v.login)
        then excluded.name else v.name end,
      named_at = greatest(v.named_at, excluded.named_at),
      picture = case when v.picture_at is null or (excluded.picture_at, excluded.picture) > (v.picture_at, v.picture)
        then excluded.picture else v.picture end,
      picture_at = greatest(v.picture_at, excluded.picture_at),
      first_seen_at = least(v.first_seen_at, excluded.first_seen_at),
      last_seen_at = greatest(v.last_seen_at, excluded.last_seen_at)
    returning v.id, v.platform, v.platform_user_id
  ),
  named as materialized (
    select t.*, p.id as viewer_id
    from told t
    join person p on p.platform = t.platform and p.platform_user_id = t.id
  ),
  event as (
    insert into app.viewer_events (viewer_id, event_id, event_created_at, event_type, seq)
    select n.viewer_id, p_events[n.ord], p_now, n.event_type, p_first - 1 + n.ord
    from named n
    where n.place = 1
    on conflict do nothing
  ),
  follow as (
    insert into app.follower_history (viewer_id, account_id, action, at)
    select n.viewer_id, p_account, n.handler, n.at
    from named n
    where n.place = 1 and n.handler in ('follow', 'unfollow')
    on conflict do nothing
  ),
  fact as (
    select n.viewer_id,
      case n.handler when 'gift' then 'subscribe' when 'upgrade' then 'renew' else n.handler end as kind,
      n.at,
      case when n.handler in ('gift', 'subscribe', 'renew', 'upgrade') then jsonb_build_object(
        -- smallint's own limits: a number beyond them is no tier.
        'tier', case when jsonb_typeof(n.tier) = 'number' and n.tier::numeric between 0 and 1000
          then to_jsonb(trunc(n.tier::numeric)) end,
        'is_gift', case n.handler when 'gift' then true when 'upgrade' then false
          when 'subscribe' then coalesce(n.is_gift = 'true', false) end,
        'gifter', case when n.handler in ('gift', 'subscribe') then n.gifter end)
      else '{}' end as detail
    from named n
    where (n.handler = 'gift' and n.place > 2)
      or (n.place = 1 and n.handler in ('subscribe', 'renew', 'upgrade', 'unsubscribe',
        'moderator_add', 'moderator_remove', 'vip_add', 'vip_remove'))
  ),
  kept as (
    insert into app.viewer_facts as f (viewer_id, kind, at, detail)
    -- Told twice for one instant and differently: one of them, whichever came first.
    select n.viewer_id, n.kind, n.at, (array_agg(n.detail order by n.detail desc))[1]
    from fact n
    group by n.viewer_id, n.kind, n.at
    on conflict (viewer_id, kind, at) do update
    set detail = excluded.detail
    where excluded.detail > f.detail
    returning f.viewer_id, f.kind
  )
  select array_agg(distinct k.viewer_id) filter (where k.kind in ('subscribe', 'renew', 'unsubscribe')),
    array_agg(distinct k.viewer_id) filter (where k.kind not in ('subscribe', 'renew', 'unsubscribe'))
  into v_subscribers, v_bearers
  from kept k;
  if v_subscribers is not null then
    perform app.derive_subscriptions(v_subscribers);
  end if;
  if v_bearers is not null then
    perform app.derive_roles(v_bearers);
  end if;
end
$function$;
revoke execute on function app.note_viewers(uuid,jsonb,uuid[],bigint,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.notify_connection_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  -- Row types differ, so the names are read from documents.
  v_row jsonb := to_jsonb(coalesce(new, old));
begin
  perform pg_notify('cuelight_connections', coalesce(v_row ->> 'connection_id', v_row ->> 'id'));
  return null;
end
$function$;
revoke execute on function app.notify_connection_change() from public;

CREATE OR REPLACE FUNCTION app.notify_member_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform pg_notify('cuelight_revoked',
    jsonb_build_object('user_id', old.user_id, 'account_id', old.account_id)::text);
  perform pg_notify('cuelight_revoked', jsonb_build_object('key_id', k.id)::text)
  from app.keys k
  where k.account_id = old.account_id and k.created_by = old.user_id and k.revoked_at is null
    and k.kind <> 'overlay';
  return null;
end
$function$;
revoke execute on function app.notify_member_change() from public;

CREATE OR REPLACE FUNCTION app.notify_session_end()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform pg_notify('cuelight_revoked', jsonb_build_object('session_id', old."id")::text);
  return null;
end
$function$;
revoke execute on function app.notify_session_end() from public;

CREATE OR REPLACE FUNCTION app.open_poll(p_connection uuid, p_name text, p_came text[], p_left text[], p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_poll app.source_polls;
  v_account uuid;
  v_top bigint;
begin
  select c.account_id, a.next_seq - 1 into v_account, v_top
  from app.platform_connections c
  join app.accounts a on a.id = c.account_id
  where c.id = p_connection;
  if not found then
    perform app.refuse('CU404', format('There is no connection %s', p_connection));
  end if;
  insert into app.source_polls (connection_id, name, opened_at)
  values (p_connection, p_name, p_now)
  on conflict (connection_id, name) do update
  set opened_at = coalesce(source_polls.opened_at, excluded.opened_at)
  returning * into v_poll;
  return jsonb_build_object('version', v_poll.version, 'opened_at', v_poll.opened_at,
    'known_until', v_poll.known_until, 'members', v_poll.members, 'seq', v_top,
    'delivered', (
      select coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'login', coalesce(d.login, ''),
        'name', coalesce(d.name, ''), 'came', d.came)), '[]')
      from (
        select distinct on (e.data #>> '{user,id}') e.data #>> '{user,id}' as id,
          e.data #>> '{user,login}' as login, e.data #>> '{user,name}' as name,
          e.event_type = any (p_came) as came
        from app.platform_events e
        where v_poll.seq is not null and e.account_id = v_account and e.seq > v_poll.seq
          and e.seq <= v_top and e.event_type = any (p_came || p_left)
          -- A drill changes nobody's role.
          and e.origin <> 'test'
        order by e.data #>> '{user,id}', e.seq desc
      ) d
      where d.id is not null));
end
$function$;
revoke execute on function app.open_poll(uuid,text,text[],text[],timestamp with time zone) from public;
grant execute on function app.open_poll(uuid,text,text[],text[],timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.overlay_analytics(p_account uuid, p_filter jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_span jsonb;
  v_zone text;
  v_from timestamptz;
  v_to timestamptz;
  v_mark timestamptz;
begin
  perform app.require_permission(p_account, 'events:read');
  v_span := app.analytics_span(p_filter, p_now);
  v_zone := v_span ->> 'time_zone';
  v_from := (v_span ->> 'from')::timestamptz;
  v_to := (v_span ->> 'to')::timestamptz;
  select m.plays_until into v_mark from app.analytics_marks m where m.account_id = p_account;
  v_mark := coalesce(v_mark, '-infinity');
  return v_span || (
    with counted as materialized (
      select r.overlay_id, r.at, r.bucket, r.plays, r.shown, r.completed, r.cancelled, r.skipped,
        r.expired, r.failed, r.max_ms
      from app.overlays o
      join app.analytics_plays r on r.overlay_id = o.id
      where o.account_id = p_account and r.at >= v_from and r.at < least(v_to, v_mark)
      union all
      select t.* from app.count_plays(p_account, greatest(v_from, v_mark), v_to) t
    ),
    total as (
      select c.overlay_id, sum(c.plays) as plays, sum(c.shown) as shown, sum(c.completed) as completed,
        sum(c.cancelled) as cancelled, sum(c.skipped) as skipped, sum(c.expired) as expired,
        sum(c.failed) as failed, max(c.max_ms) as max_ms
      from counted c
      group by c.overlay_id
    ),
    delay as (
      select c.overlay_id, c.bucket, sum(c.plays) as plays,
        sum(sum(c.plays)) over (partition by c.overlay_id order by c.bucket) as reached,
        sum(sum(c.plays)) over (partition by c.overlay_id) as total
      from counted c
      where c.bucket >= 0
      group by c.overlay_id, c.bucket
    ),
    percentile as (
      select d.overlay_id, max(d.total) as plays,
        min(d.bucket) filter (where d.reached >= d.total * 0.5) as p50,
        min(d.bucket) filter (where d.reached >= d.total * 0.95) as p95
      from delay d
      group by d.overlay_id
    ),
    step as (
      select c.overlay_id, date_trunc(v_span ->> 'interval', c.at, v_zone) as at, sum(c.plays) as plays,
        sum(c.shown) as shown, sum(c.cancelled) as cancelled, sum(c.expired) as expired,
        sum(c.failed) as failed
      from counted c
      group by 1, 2
    )
    select jsonb_build_object('items', coalesce(
      jsonb_agg(
        jsonb_build_object('overlay_id', o.id, 'name', o.name, 'plays', coalesce(t.plays, 0),
          'shown', coalesce(t.shown, 0), 'completed', coalesce(t.completed, 0),
          'cancelled', coalesce(t.cancelled, 0), 'skipped', coalesce(t.skipped, 0),
          'expired', coalesce(t.expired, 0), 'failed', coalesce(t.failed, 0),
          'delay', jsonb_build_object('plays', coalesce(p.plays, 0),
            -- Never above the slowest one, which is known exactly.
            'p50_ms', least(app.bucket_ms(p.p50), t.max_ms),
            'p95_ms', least(app.bucket_ms(p.p95), t.max_ms), 'max_ms', t.max_ms),
          'series', (
            select coalesce(
              jsonb_agg(
                jsonb_build_object('at', s.at, 'plays', s.plays, 'shown', s.shown,
                  'cancelled', s.cancelled, 'expired', s.expired, 'failed', s.failed)
                order by s.at),
              '[]')
            from step s
            where s.overlay_id = o.id))
        order by o.created_at, o.id),
      '[]'))
    from app.overlays o
    left join total t on t.overlay_id = o.id
    left join percentile p on p.overlay_id = o.id
    where o.account_id = p_account);
end
$function$;
revoke execute on function app.overlay_analytics(uuid,jsonb,timestamp with time zone) from public;
grant execute on function app.overlay_analytics(uuid,jsonb,timestamp with time zone) to authenticated;
grant execute on function app.overlay_analytics(uuid,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.overlay_document(p_overlay uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_overlay_key(p_overlay);
  return (
    select jsonb_build_object('id', o.id, 'name', o.name, 'revision', o.revision,
      'document', o.document)
    from app.overlays o
    where o.id = p_overlay);
end
$function$;
revoke execute on function app.overlay_document(uuid) from public;
grant execute on function app.overlay_document(uuid) to authenticated;
grant execute on function app.overlay_document(uuid) to service_role;

CREATE OR REPLACE FUNCTION app.pairing_document(p_pairing uuid, p_now timestamp with time zone)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select jsonb_build_object('id', p.id,
      'state', case when p.used_at is not null then 'paired'
        when p.expires_at <= p_now then 'expired' else 'waiting' end,
      'permissions', to_jsonb(p.permissions), 'expires_at', p.expires_at,
      'key', app.key_document(p.key_id))
    from app.pairings p
    where p.id = p_pairing);
end
$function$;
revoke execute on function app.pairing_document(uuid,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.part_with_client(p_account uuid, p_platform text, p_client_id text, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  delete from app.app_tokens a
  where a.account_id = p_account and a.platform = p_platform;
  perform app.require_reconnect(c.id, null, 'client_changed', p_now)
  from app.platform_connections c
  join app.connection_tokens t on t.connection_id = c.id
  where c.account_id = p_account and c.platform = p_platform and t.client_id is distinct from p_client_id;
end
$function$;
revoke execute on function app.part_with_client(uuid,text,text,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.pause(p_account uuid, p_overlay uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return app.set_paused(p_account, p_overlay, true, p_now);
end
$function$;
revoke execute on function app.pause(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.pause(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.pause(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.permissions_in(p_account uuid)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_claims jsonb := auth.jwt();
  v_permissions text[];
begin
  case v_claims ->> 'kind'
    when 'member' then
      select array_agg(rp.permission order by rp.permission) into v_permissions
      from app.members m
      join app.role_permissions rp on rp.role = m.role
      where m.account_id = p_account and m.user_id = app.current_person();
    when 'api', 'remote', 'ingest' then
      select app.permissions_of_key(k) into v_permissions
      from app.keys k
      where k.id = (v_claims ->> 'key_id')::uuid and k.account_id = p_account
        and k.kind = v_claims ->> 'kind' and app.is_live(k);
    else
      null;
  end case;
  return coalesce(v_permissions, '{}');
end
$function$;
revoke execute on function app.permissions_in(uuid) from public;

CREATE OR REPLACE FUNCTION app.permissions_of(p_role text)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select coalesce(array_agg(rp.permission order by rp.permission), '{}')
    from app.role_permissions rp
    where rp.role = p_role);
end
$function$;
revoke execute on function app.permissions_of(text) from public;

CREATE OR REPLACE FUNCTION app.permissions_of_key(p_key app.keys)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select coalesce(array_agg(rp.permission order by rp.permission), '{}')
    from app.members m
    join app.role_permissions rp on rp.role = m.role and rp.permission = any (p_key.permissions)
    where m.account_id = p_key.account_id and m.user_id = p_key.created_by);
end
$function$;
revoke execute on function app.permissions_of_key(app.keys) from public;

CREATE OR REPLACE FUNCTION app.permitted_accounts(p_permission text)
 RETURNS uuid[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_claims jsonb := auth.jwt();
begin
  return coalesce(
    case
      when v_claims ->> 'kind' = 'member' then (
        select array_agg(m.account_id)
        from app.members m
        join app.role_permissions rp on rp.role = m.role and rp.permission = p_permission
        where m.user_id = app.current_person())
      when v_claims ->> 'kind' in ('api', 'remote', 'ingest') then (
        select array_agg(k.account_id)
        from app.keys k
        where k.id = (v_claims ->> 'key_id')::uuid
          and app.has_permission(k.account_id, p_permission))
    end,
    '{}');
end
$function$;
revoke execute on function app.permitted_accounts(text) from public;
grant execute on function app.permitted_accounts(text) to authenticated;
grant execute on function app.permitted_accounts(text) to service_role;

CREATE OR REPLACE FUNCTION app.publish_channel(p_account uuid, p_platform text, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.publish_status(p_account, null, 'channel', false,
    app.status_document(p_account, p_platform), p_now);
end
$function$;
revoke execute on function app.publish_channel(uuid,text,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.publish_connection(p_account uuid, p_connection uuid, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.publish_status(p_account, null, 'connection', false,
    (select jsonb_build_object('connection_id', c.id, 'platform', c.platform,
        'channel_id', c.channel_id, 'mode', c.mode, 'groups', c.groups, 'status', c.status,
        'status_reason', c.status_reason)
      from app.platform_connections c where c.id = p_connection), p_now);
end
$function$;
revoke execute on function app.publish_connection(uuid,uuid,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.publish_events(p_account uuid, p_epoch uuid, p_first bigint, p_last bigint, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_topics text[];
  v_payloads jsonb[];
begin
  with event as materialized (
    select e.id, e.seq, e.event_type, e.class, e.document
    from app.event_documents e
    where e.account_id = p_account and e.seq between p_first and p_last and e.created_at = p_now
  ),
  play as materialized (
    select p.event_id, p.overlay_id,
      p.document || jsonb_build_object('elapsed_ms', app.elapsed_ms(p.playing_since, p_now)) as document,
      -- This batch has just raised the rev by its number of plays, one for each in order of seq.
      q.rev - count(*) over (partition by p.overlay_id)
        + row_number() over (partition by p.overlay_id order by p.seq) as rev
    from event e
    join app.play_documents p on p.event_id = e.id
    join app.overlay_queues q on q.overlay_id = p.overlay_id
  ),
  shown as (
    select p.event_id, jsonb_agg(p.document || jsonb_build_object('rev', p.rev) order by p.overlay_id) as plays
    from play p
    group by p.event_id
  ),
  message as (
    select e.seq, 'account:' || p_account as topic, jsonb_build_object(
      'type', 'EVENT_BROADCAST', 'epoch', p_epoch, 'at', p_now, 'event', e.document,
      'plays', coalesce(s.plays, '[]')) as payload
    from event e
    left join shown s on s.event_id = e.id
    union all
    select e.seq, 'overlay:' || p.overlay_id, jsonb_build_object(
      'type', 'EVENT_BROADCAST', 'epoch', p_epoch, 'at', p_now, 'event', e.document,
      'overlay_id', p.overlay_id, 'rev', p.rev, 'play', p.document)
    from event e
    join play p on p.event_id = e.id
    union all
    select e.seq, 'overlay:' || o.overlay_id, jsonb_build_object(
      'type', 'EVENT_BROADCAST', 'epoch', p_epoch, 'at', p_now, 'event', e.document,
      'overlay_id', o.overlay_id, 'play', null)
    from event e
    cross join lateral (
      select distinct s.overlay_id from app.event_subscriptions s
      where s.account_id = p_account and e.class = any (s.classes) and e.event_type like s.like_pattern
        and (s.condition is null or app.meets(s.condition, e.document))
    ) o
    where e.class in ('data', 'system')
  )
  -- 'account:' sorts before 'overlay:'.
  select array_agg(m.topic order by m.seq, m.topic), array_agg(m.payload order by m.seq, m.topic)
  into v_topics, v_payloads
  from message m;
  perform app.send_hints(v_topics, array_fill('EVENT_BROADCAST'::text, array[cardinality(v_topics)]), v_payloads);
end
$function$;
revoke execute on function app.publish_events(uuid,uuid,bigint,bigint,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.publish_plays(p_plays uuid[], p_types text[], p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_topics text[];
  v_types text[];
  v_payloads jsonb[];
begin
  if cardinality(p_plays) = 0 then
    return;
  end if;
  perform app.refresh_event_status(p_plays);
  update app.overlay_queues q
  set rev = q.rev + changed.number
  from (
    select p.overlay_id, count(*) as number
    from unnest(p_plays) as wanted (id)
    join app.plays p on p.id = wanted.id
    group by p.overlay_id
  ) changed
  where q.overlay_id = changed.overlay_id;
  with change as (
    select d.ord, d.account_id, d.overlay_id, t.type,
      jsonb_build_object('epoch', a.epoch, 'at', p_now, 'overlay_id', d.overlay_id, 'play', d.play,
        'rev', q.rev - count(*) over (partition by d.overlay_id)
          + row_number() over (partition by d.overlay_id order by d.ord)) as body
    from app.describe_plays(p_plays, p_now) d
    join unnest(p_types) with ordinality as t (type, ord) on t.ord = d.ord
    join app.overlay_queues q on q.overlay_id = d.overlay_id
    join app.accounts a on a.id = d.account_id
  ),
  message as (
    select c.ord, 1 as place, 'overlay:' || c.overlay_id as topic, c.type, c.body from change c
    union all
    select c.ord, 2, 'account:' || c.account_id,
      case when c.type = 'ANIMATION_CANCEL' then 'ANIMATION_CANCELLED' else c.type end, c.body
    from change c
  )
  select array_agg(m.topic order by m.ord, m.place), array_agg(m.type order by m.ord, m.place),
    array_agg(m.body || jsonb_build_object('type', m.type) order by m.ord, m.place)
  into v_topics, v_types, v_payloads
  from message m;
  perform app.send_hints(v_topics, v_types, v_payloads);
end
$function$;
revoke execute on function app.publish_plays(uuid[],text[],timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.publish_source(p_connection uuid, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_account uuid;
  v_state jsonb;
begin
  select s.account_id, jsonb_build_object('connection_id', s.connection_id, 'mode', s.mode,
    'state', s.state, 'since', s.since, 'session_count', s.session_count, 'problems', s.problems)
  into v_account, v_state
  from app.sources s
  where s.connection_id = p_connection;
  perform app.publish_status(v_account, null, 'source', false, v_state, p_now);
end
$function$;
revoke execute on function app.publish_source(uuid,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.publish_status(p_account uuid, p_overlay uuid, p_subject text, p_counts boolean, p_state jsonb, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_rev bigint;
  v_payload jsonb;
begin
  if p_counts then
    update app.overlay_queues q set rev = q.rev + 1 where q.overlay_id = p_overlay
    returning q.rev into v_rev;
  end if;
  select jsonb_build_object('type', 'STATUS_CHANGED', 'epoch', a.epoch, 'at', p_now,
    'subject', p_subject, 'overlay_id', p_overlay, 'rev', v_rev, 'state', p_state)
  into v_payload
  from app.accounts a where a.id = p_account;
  perform app.send_hints(
    case when p_overlay is null then array['account:' || p_account]
      else array['overlay:' || p_overlay, 'account:' || p_account] end,
    case when p_overlay is null then array['STATUS_CHANGED']
      else array['STATUS_CHANGED', 'STATUS_CHANGED'] end,
    case when p_overlay is null then array[v_payload] else array[v_payload, v_payload] end);
end
$function$;
revoke execute on function app.publish_status(uuid,uuid,text,boolean,jsonb,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.pull_events(p_account uuid, p_epoch text, p_cursor bigint, p_limit integer)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_limit integer := least(greatest(coalesce(p_limit, 100), 1), 500);
  v_userinfo boolean := app.has_permission(p_account, 'events:userinfo');
  v_top bigint;
  v_epoch uuid;
  v_recovered boolean;
  v_cursor bigint;
  v_events jsonb;
begin
  perform app.require_permission(p_account, 'events:read');
  select a.next_seq - 1, a.epoch into v_top, v_epoch from app.accounts a where a.id = p_account;
  v_recovered := app.is_recoverable(p_account, v_epoch, v_top, p_epoch, p_cursor);
  v_cursor := case when v_recovered then p_cursor else v_top end;
  select coalesce(jsonb_agg(app.redact(e.document, v_userinfo) order by e.seq), '[]'),
    coalesce(max(e.seq), v_cursor)
  into v_events, v_cursor
  from (
    select d.seq, d.document from app.event_documents d
    where d.account_id = p_account and d.seq > v_cursor and d.seq <= v_top
    order by d.seq
    limit v_limit
  ) e;
  return jsonb_build_object('epoch', v_epoch, 'recovered', v_recovered, 'top_seq', v_top,
    'cursor', v_cursor, 'more', v_cursor < v_top, 'events', v_events);
end
$function$;
revoke execute on function app.pull_events(uuid,text,bigint,integer) from public;
grant execute on function app.pull_events(uuid,text,bigint,integer) to authenticated;
grant execute on function app.pull_events(uuid,text,bigint,integer) to service_role;

CREATE OR REPLACE FUNCTION app.pull_overlay(p_overlay uuid, p_epoch text, p_cursor bigint, p_limit integer, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_account uuid := app.require_overlay_reader(p_overlay);
  v_limit integer := least(greatest(coalesce(p_limit, 100), 1), 500);
  -- Events looked at in one pull: a page that was away for a month asks more often, never longer.
  v_window constant integer := 2000;
  v_top bigint;
  v_epoch uuid;
  v_state jsonb;
  v_plays uuid[];
  v_recovered boolean;
  v_cursor bigint;
  v_end bigint;
  v_events jsonb := '[]';
  v_found integer;
  v_last bigint;
begin
  select a.next_seq - 1, a.epoch, jsonb_build_object('rev', q.rev,
    'paused', q.paused_at is not null or a.paused_at is not null,
    'leader_id', case when q.lease_until > p_now then q.leader_id end)
  into v_top, v_epoch, v_state
  from app.overlay_queues q
  join app.accounts a on a.id = q.account_id
  where q.overlay_id = p_overlay;

  -- All that is shown and the head of each line, in the order in which it would play.
  v_plays := array(
    (select p.id from app.plays p
      where p.overlay_id = p_overlay and p.status = 'playing' order by p.lane)
    union all
    (select p.id from app.plays p
      where p.overlay_id = p_overlay and p.status = 'queued'
      order by p.priority desc, p.seq, p.play_no limit 50));

  v_recovered := app.is_recoverable(v_account, v_epoch, v_top, p_epoch, p_cursor);
  v_cursor := case when v_recovered then p_cursor else v_top end;
  v_end := least(v_top, v_cursor + v_window);
  if v_cursor < v_top then
    select coalesce(jsonb_agg(found.document order by found.seq), '[]'), count(*), max(found.seq)
    into v_events, v_found, v_last
    from (
      select e.seq, e.document
      from app.event_documents e
      where e.account_id = v_account and e.seq > v_cursor and e.seq <= v_end
        and e.class in ('data', 'system')
        and exists (
          select from app.event_subscriptions s
          where s.overlay_id = p_overlay and e.class = any (s.classes)
            and e.event_type like s.like_pattern
            and (s.condition is null or app.meets(s.condition, e.document)))
      order by e.seq
      limit v_limit
    ) found;
    v_cursor := case when v_found = v_limit then v_last else v_end end;
  end if;

  return v_state || jsonb_build_object(
    'epoch', v_epoch, 'recovered', v_recovered, 'top_seq', v_top, 'cursor', v_cursor,
    'more', v_cursor < v_top, 'events', v_events,
    'plays', (select coalesce(jsonb_agg(d.play order by d.ord), '[]')
      from app.describe_plays(v_plays, p_now) d));
end
$function$;
revoke execute on function app.pull_overlay(uuid,text,bigint,integer,timestamp with time zone) from public;
grant execute on function app.pull_overlay(uuid,text,bigint,integer,timestamp with time zone) to authenticated;
grant execute on function app.pull_overlay(uuid,text,bigint,integer,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.purge_access(p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_authorizations integer;
  v_app_tokens integer;
begin
  delete from app.pending_authorizations a where a.created_at < p_now - interval '1 day';
  get diagnostics v_authorizations = row_count;
  delete from app.app_tokens a where a.expires_at <= p_now;
  get diagnostics v_app_tokens = row_count;
  return jsonb_build_object('authorizations', v_authorizations, 'app_tokens', v_app_tokens);
end
$function$;
revoke execute on function app.purge_access(timestamp with time zone) from public;
grant execute on function app.purge_access(timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.purge_accounts(p_limit integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_account uuid;
  v_table record;
  v_rows integer;
  v_gone integer := 0;
begin
  select d.account_id into v_account
  from app.account_deletions d
  order by d.requested_at, d.account_id
  limit 1
  -- Another process is at it.
  for update skip locked;
  if not found then
    return 0;
  end if;
  perform set_config('app.purging', v_account::text, true);
  -- Whoever records takes this row first: nothing comes in behind the last look.
  perform from app.accounts a where a.id = v_account for update;
  -- Hosted Realtime keeps its own messages for three days and lets nobody else remove them.
  if has_table_privilege('realtime.messages', 'delete') then
    execute 'delete from realtime.messages m where m.topic = any ($1)'
    using array(select 'account:' || v_account
      union all select 'overlay:' || o.id from app.overlays o where o.account_id = v_account);
  end if;
  for v_table in
    select t.name, t.condition, t.key from app.account_tables() t
    where t.name not in ('accounts', 'account_deletions')
    order by t.level desc, t.name
  loop
    execute format('delete from app.%1$I t where (%3$s) in (
      select %3$s from app.%1$I t where (%2$s) limit $2)', v_table.name, v_table.condition, v_table.key)
    using v_account, p_limit;
    get diagnostics v_rows = row_count;
    v_gone := v_gone + v_rows;
    -- What refers to these rows goes first.
    exit when v_rows = p_limit;
  end loop;
  if v_gone = 0 then
    delete from app.accounts a where a.id = v_account;
    v_gone := 1;
  end if;
  perform set_config('app.purging', '', true);
  return v_gone;
end
$function$;
revoke execute on function app.purge_accounts(integer) from public;
grant execute on function app.purge_accounts(integer) to service_role;

CREATE OR REPLACE FUNCTION app.purge_expired(p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_keys integer;
  v_deliveries integer;
  v_instances integer;
begin
  delete from app.event_keys k where k.created_at < p_now - interval '30 days';
  get diagnostics v_keys = row_count;
  delete from app.webhook_deliveries d where d.at < p_now - interval '30 days';
  get diagnostics v_deliveries = row_count;
  delete from app.overlay_instances i where i.last_seen_at < p_now - interval '1 day';
  get diagnostics v_instances = row_count;
  return jsonb_build_object('event_keys', v_keys, 'deliveries', v_deliveries, 'instances', v_instances);
end
$function$;
revoke execute on function app.purge_expired(timestamp with time zone) from public;
grant execute on function app.purge_expired(timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.purge_fetch_log(p_before timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_purged integer;
begin
  delete from app.fetch_log f where f.at < p_before;
  get diagnostics v_purged = row_count;
  return v_purged;
end
$function$;
revoke execute on function app.purge_fetch_log(timestamp with time zone) from public;
grant execute on function app.purge_fetch_log(timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.purge_idempotency_keys(p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_purged integer;
begin
  delete from app.idempotency_keys i where i.created_at < p_now - interval '24 hours';
  get diagnostics v_purged = row_count;
  return v_purged;
end
$function$;
revoke execute on function app.purge_idempotency_keys(timestamp with time zone) from public;
grant execute on function app.purge_idempotency_keys(timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.purge_realtime_messages(p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_purged integer := 0;
begin
  if has_table_privilege('realtime.messages', 'delete') then
    delete from realtime.messages m
    where m.inserted_at < (p_now - interval '72 hours') at time zone 'UTC';
    get diagnostics v_purged = row_count;
  end if;
  return v_purged;
end
$function$;
revoke execute on function app.purge_realtime_messages(timestamp with time zone) from public;
grant execute on function app.purge_realtime_messages(timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.purge_sessions(p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_sessions integer;
  v_verifications integer;
begin
  delete from identity."session" s where s."expiresAt" <= p_now;
  get diagnostics v_sessions = row_count;
  delete from identity."verification" v where v."expiresAt" <= p_now;
  get diagnostics v_verifications = row_count;
  return jsonb_build_object('sessions', v_sessions, 'verifications', v_verifications);
end
$function$;
revoke execute on function app.purge_sessions(timestamp with time zone) from public;
grant execute on function app.purge_sessions(timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.purge_sources(p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_purged integer;
begin
  delete from app.quota_snapshots q where q.at < p_now - interval '30 days';
  get diagnostics v_purged = row_count;
  return v_purged;
end
$function$;
revoke execute on function app.purge_sources(timestamp with time zone) from public;
grant execute on function app.purge_sources(timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.put_off_refresh(p_connection uuid, p_version integer, p_holder uuid, p_is_unanswered boolean, p_pause_s numeric, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update app.connection_tokens t
  set refreshing_by = null, refreshing_until = null,
    unanswered = t.unanswered - case when p_is_unanswered then 0 else 1 end,
    refresh_after = p_now + make_interval(secs => p_pause_s)
  where t.connection_id = p_connection and t.version = p_version and t.refreshing_by = p_holder;
end
$function$;
revoke execute on function app.put_off_refresh(uuid,integer,uuid,boolean,numeric,timestamp with time zone) from public;
grant execute on function app.put_off_refresh(uuid,integer,uuid,boolean,numeric,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.quarter_of(p_at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  select date_bin('15 minutes', p_at, '2000-01-01 00:00:00+00')
$function$;
revoke execute on function app.quarter_of(timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.read_gathering(p_account uuid, p_name text)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  -- One statement, so one state of the world: rev and parts belong together.
  return (
    select jsonb_build_object('rev', g.rev, 'memory', g.memory, 'parts', (
      select coalesce(
        jsonb_agg(
          jsonb_build_object('id', p.id, 'arrived_at', p.arrived_at, 'about', p.about, 'draft', p.draft)
          order by p.id),
        '[]')
      from app.gathering_parts p
      where p.account_id = g.account_id and p.name = g.name))
    from app.gatherings g
    where g.account_id = p_account and g.name = p_name);
end
$function$;
revoke execute on function app.read_gathering(uuid,text) from public;
grant execute on function app.read_gathering(uuid,text) to service_role;

CREATE OR REPLACE FUNCTION app.read_list(p_value jsonb)
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  return case jsonb_typeof(p_value)
    when 'array' then (select array_agg(v) from jsonb_array_elements_text(p_value) as v)
    when 'string' then array[p_value #>> '{}']
  end;
end
$function$;
revoke execute on function app.read_list(jsonb) from public;

CREATE OR REPLACE FUNCTION app.record_delivery(p_connection uuid, p_message_id text, p_kind text, p_outcome text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into app.webhook_deliveries (connection_id, message_id, kind, outcome, at)
  values (p_connection, left(p_message_id, 300), left(p_kind, 100), left(p_outcome, 300), p_now);
  update app.platform_connections c
  set last_delivery_at = p_now
  where c.id = p_connection
    -- At most once a second: a burst must not fight over this row.
    and (c.last_delivery_at is null or c.last_delivery_at < p_now - interval '1 second');
end
$function$;
revoke execute on function app.record_delivery(uuid,text,text,text,timestamp with time zone) from public;
grant execute on function app.record_delivery(uuid,text,text,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.record_events(p_account uuid, p_drafts jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_count integer := jsonb_array_length(p_drafts);
  v_first bigint;
  v_epoch uuid;
  v_paused boolean;
  v_names integer;
  v_showable text[];
  v_types text[];
  -- The new ones, by position, and what they become.
  v_drafts jsonb := p_drafts;
  v_events uuid[];
  v_statuses text[];
  -- The duplicates: position, first event, its seq; or the position of the twin.
  v_known integer[] := '{}';
  v_known_events uuid[];
  v_known_seqs bigint[];
  v_twins integer[];
  v_overlays uuid[];
  v_live uuid[];
  v_behind uuid[];
  v_started uuid[];
begin
  if v_count = 0 then
    return '[]';
  end if;
  -- Before any lock, as making a partition waits for every writer. Two lookups in the catalog's
  -- cache when both are there.
  if to_regclass('app.platform_events_' || to_char(p_now at time zone 'UTC', 'YYYY_MM')) is null
    or to_regclass('app.platform_events_'
      || to_char((p_now at time zone 'UTC') + interval '1 month', 'YYYY_MM')) is null then
    perform app.ensure_event_partitions(p_now, 1);
  end if;

  -- The account's lock, and numbers for all drafts; those of duplicates are given back below.
  update app.accounts
  set next_seq = next_seq + v_count
  where id = p_account
  returning next_seq - v_count, epoch, paused_at is not null into v_first, v_epoch, v_paused;
  if not found then
    perform app.refuse('CU404', format('There is no account %s', p_account));
  end if;

  select count(d.transport_key) + count(d.business_key), array_agg(gen_random_uuid()),
    array_agg(distinct d.event_type) filter (where d.class in ('animated', 'alert')),
    array_agg(distinct d.event_type)
  into v_names, v_events, v_showable, v_types
  from jsonb_to_recordset(p_drafts)
    as d (event_type text, class text, transport_key text, business_key text);

  -- Nearly always all are new, so first as if they were.
  if v_names > 0 and app.remember_keys(p_account, p_drafts, v_events, v_first, p_now) < v_names then
    delete from app.event_keys k
    using jsonb_to_recordset(p_drafts) as d (transport_key text, business_key text)
    where k.account_id = p_account and k.event_id = any (v_events)
      and ((k.kind = 'transport' and k.key = d.transport_key) or (k.kind = 'business' and k.key = d.business_key));
    select coalesce(array_agg(f.ord), '{}'), array_agg(f.event_id), array_agg(f.seq), array_agg(f.twin)
    into v_known, v_known_events, v_known_seqs, v_twins
    from app.find_duplicates(p_account, p_drafts) f;
    select coalesce(jsonb_agg(d.draft order by d.ord), '[]'),
      coalesce(array_agg(v_events[d.ord] order by d.ord), '{}')
    into v_drafts, v_events
    from jsonb_array_elements(p_drafts) with ordinality as d (draft, ord)
    where not d.ord = any (v_known);
    update app.accounts set next_seq = v_first + cardinality(v_events) where id = p_account;
    perform app.remember_keys(p_account, v_drafts, v_events, v_first, p_now);
  end if;

  if cardinality(v_events) > 0 then
    v_statuses := array_fill('completed'::text, array[cardinality(v_events)]);
    if v_showable is not null then
      -- The queues that may get plays, in the one lock order.
      select array_agg(q.overlay_id), array_agg(q.overlay_id) filter (where q.is_live)
      into v_overlays, v_live
      from (
        select q.overlay_id, not v_paused and q.paused_at is null and q.lease_until > p_now as is_live
        from app.overlay_queues q
        where q.account_id = p_account and exists (
          select from app.event_subscriptions s
          cross join unnest(v_showable) as t (event_type)
          where s.overlay_id = q.overlay_id and t.event_type like s.like_pattern)
        order by q.overlay_id
        for no key update
      ) q;
      if v_overlays is not null then
        select m.p_statuses, m.p_behind into v_statuses, v_behind
        from app.make_plays(p_account, v_drafts, v_events, v_first, v_overlays, coalesce(v_live, '{}'), p_now) m;
      end if;
    end if;

    insert into app.platform_events (id, created_at, account_id, seq, event_type, class, platform,
      origin, external_id, data, raw, metadata, priority, status, duration_ms, cancelable,
      replayable, scheduled_at, occurred_at, completed_at)
    select v_events[d.ord], p_now, p_account, v_first - 1 + d.ord, d.event_type, d.class, d.platform,
      coalesce(d.origin, 'live'), d.external_id, coalesce(d.data, '{}'), d.raw, coalesce(d.metadata, '{}'),
      case d.priority when 'low' then 0 when 'high' then 20 when 'critical' then 30 else 10 end,
      v_statuses[d.ord], d.duration_ms, coalesce(d.cancelable, true), coalesce(d.replayable, true),
      d.scheduled_at, d.occurred_at, case when v_statuses[d.ord] = 'completed' then p_now end
    from rows from (jsonb_to_recordset(v_drafts) as (event_type text, class text, platform text,
        origin text, external_id text, data jsonb, raw jsonb, metadata jsonb, priority text,
        duration_ms integer, cancelable boolean, replayable boolean, scheduled_at timestamptz,
        occurred_at timestamptz))
      with ordinality as d (event_type, class, platform, origin, external_id, data, raw, metadata,
        priority, duration_ms, cancelable, replayable, scheduled_at, occurred_at, ord);

    -- Most batches end here: the types that change records are few.
    if exists (select from app.event_handlers h where h.event_type = any (v_types)) then
      perform app.handle_events(p_account, v_drafts, v_events, v_first, p_now);
    end if;

    perform app.publish_events(p_account, v_epoch, v_first, v_first - 1 + cardinality(v_events), p_now);

    if v_behind is not null then
      v_started := array(select unnest(app.advance(o, p_now)) from unnest(v_behind) as o order by o);
      perform app.publish_plays(v_started, array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
    end if;
  end if;

  if cardinality(v_known) = 0 then
    return (
      select jsonb_agg(
        jsonb_build_object('index', e.ord - 1, 'outcome', 'recorded', 'event_id', e.id,
          'seq', v_first - 1 + e.ord, 'status', e.status)
        order by e.ord)
      from unnest(v_events, v_statuses) with ordinality as e (id, status, ord));
  end if;
  return (
    with fresh as (
      select i as ord, row_number() over (order by i) as place
      from generate_series(1, v_count) as i
      where not i = any (v_known)
    ),
    known as (
      select k.ord, k.event_id, k.seq, k.twin
      from unnest(v_known, v_known_events, v_known_seqs, v_twins) as k (ord, event_id, seq, twin)
    ),
    answer as (
      select i as ord, k.ord is null as is_new, coalesce(k.event_id, v_events[f.place]) as event_id,
        coalesce(k.seq, v_first - 1 + f.place) as seq, v_statuses[f.place] as status
      from generate_series(1, v_count) as i
      left join known k on k.ord = i
      left join fresh f on f.ord = coalesce(k.twin, i)
    )
    select jsonb_agg(
      jsonb_build_object('index', a.ord - 1,
        'outcome', case when a.is_new then 'recorded' else 'duplicate' end,
        'event_id', a.event_id, 'seq', a.seq,
        'status', coalesce(a.status,
          (select e.status from app.platform_events e where e.account_id = p_account and e.seq = a.seq)))
      order by a.ord)
    from answer a);
end
$function$;
revoke execute on function app.record_events(uuid,jsonb,timestamp with time zone) from public;
grant execute on function app.record_events(uuid,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.record_fetch(p_account uuid, p_connection uuid, p_platform text, p_call text, p_status integer, p_failure text, p_duration_ms integer, p_points_left integer, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into app.fetch_log (account_id, connection_id, platform, call, status, failure,
    duration_ms, points_left, at)
  values (p_account, p_connection, p_platform, left(p_call, 100), p_status, left(p_failure, 100),
    p_duration_ms, p_points_left, p_now);
end
$function$;
revoke execute on function app.record_fetch(uuid,uuid,text,text,integer,text,integer,integer,timestamp with time zone) from public;
grant execute on function app.record_fetch(uuid,uuid,text,text,integer,text,integer,integer,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.redact(p_event jsonb, p_userinfo boolean)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  if p_userinfo then
    return p_event;
  end if;
  return p_event || jsonb_build_object('external_id', null,
    'data', app.without_viewers(p_event -> 'data'), 'metadata', (p_event -> 'metadata') - 'user_id');
end
$function$;
revoke execute on function app.redact(jsonb,boolean) from public;

CREATE OR REPLACE FUNCTION app.refresh_event_status(p_plays uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_events uuid[];
  v_from timestamptz;
  v_to timestamptz;
begin
  -- The bounds let the planner leave out all other partitions.
  select array_agg(distinct p.event_id), min(p.event_created_at), max(p.event_created_at)
  into v_events, v_from, v_to
  from app.plays p where p.id = any (p_plays);
  -- Locked first and read in the next statement: another overlay may be ending its play of the
  -- same event at this moment.
  perform from app.platform_events e
  where e.id = any (v_events) and e.created_at between v_from and v_to
  order by e.id
  for no key update;
  update app.platform_events e
  set status = d.status,
    started_at = d.started_at,
    completed_at = case when d.status in ('completed', 'cancelled') then d.ended_at end
  from (
    select p.event_id, app.derive_event_status(array_agg(p.status)) as status,
      min(p.started_at) as started_at, max(p.ended_at) as ended_at
    from app.plays p
    where p.event_id = any (v_events)
    group by p.event_id
  ) d
  where e.id = d.event_id and e.created_at between v_from and v_to
    and (e.status, e.started_at) is distinct from (d.status, d.started_at);
end
$function$;
revoke execute on function app.refresh_event_status(uuid[]) from public;

CREATE OR REPLACE FUNCTION app.refuse(p_code text, p_message text)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  raise exception using errcode = p_code, message = p_message;
end
$function$;
revoke execute on function app.refuse(text,text) from public;

CREATE OR REPLACE FUNCTION app.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if tg_op = 'DELETE' and exists (
    select from app.account_deletions d
    where d.account_id::text = current_setting('app.purging', true)) then
    return null;
  end if;
  raise exception '%.% is append-only', tg_table_schema, tg_table_name using errcode = 'CU409';
end
$function$;
revoke execute on function app.refuse_change() from public;

CREATE OR REPLACE FUNCTION app.register_tasks(p_tasks jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into app.tasks (name, title, interval_s, next_run_at)
  select t.name, t.title, t.interval_s, p_now
  from jsonb_to_recordset(p_tasks) as t (name text, title text, interval_s integer)
  -- Two servers that start together would wait for each other in different orders.
  order by t.name
  on conflict (name) do update
  set title = excluded.title, interval_s = excluded.interval_s,
    next_run_at = least(tasks.next_run_at, p_now + make_interval(secs => excluded.interval_s))
  where (tasks.title, tasks.interval_s) is distinct from (excluded.title, excluded.interval_s);
end
$function$;
revoke execute on function app.register_tasks(jsonb,timestamp with time zone) from public;
grant execute on function app.register_tasks(jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.release_gathering(p_account uuid, p_name text, p_rev bigint, p_drafts jsonb, p_done jsonb, p_memory jsonb, p_due_at timestamp with time zone, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_outcomes jsonb;
begin
  perform from app.gatherings g
  where g.account_id = p_account and g.name = p_name and g.rev = p_rev
  for update;
  if not found then
    return null;
  end if;
  v_outcomes := app.record_events(p_account, p_drafts, p_now);

  with done as (
    delete from app.gathering_parts p
    using jsonb_to_recordset(p_done) as d (part bigint, event jsonb)
    where p.id = d.part and p.account_id = p_account and p.name = p_name
    returning p.id, p.draft, app.whole_of(d.event, v_outcomes) as event
  )
  insert into app.event_keys (account_id, kind, key, event_id, event_created_at, seq, created_at)
  select p_account, name.kind, name.key, (d.event ->> 'event_id')::uuid, coalesce(e.created_at, p_now),
    (d.event ->> 'seq')::bigint, p_now
  from done d
  cross join lateral (
    values ('transport', d.draft ->> 'transport_key'), ('business', d.draft ->> 'business_key')
  ) as name (kind, key)
  left join app.platform_events e
    on e.account_id = p_account and e.seq = (d.event ->> 'seq')::bigint
  where name.key is not null
  order by d.id
  on conflict do nothing;

  update app.gatherings g
  set rev = g.rev + 1, due_at = p_due_at, memory = (
    select coalesce(jsonb_agg(app.whole_of(m.entry, v_outcomes) order by m.ord), '[]')
    from jsonb_array_elements(p_memory) with ordinality as m (entry, ord))
  where g.account_id = p_account and g.name = p_name;
  return v_outcomes;
end
$function$;
revoke execute on function app.release_gathering(uuid,text,bigint,jsonb,jsonb,jsonb,timestamp with time zone,timestamp with time zone) from public;
grant execute on function app.release_gathering(uuid,text,bigint,jsonb,jsonb,jsonb,timestamp with time zone,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.release_sources(p_owner uuid, p_connection uuid DEFAULT NULL::uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update app.sources s
  set owner = null, lease_until = null
  where s.owner = p_owner and (p_connection is null or s.connection_id = p_connection);
end
$function$;
revoke execute on function app.release_sources(uuid,uuid) from public;
grant execute on function app.release_sources(uuid,uuid) to service_role;

CREATE OR REPLACE FUNCTION app.release_task(p_owner uuid, p_name text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update app.tasks t
  set run_owner = null, run_until = null, runs = t.runs - 1, next_run_at = p_now,
    -- As it may have been asked for while disabled.
    is_asked = t.is_asked or not t.is_enabled
  where t.name = p_name and t.run_owner = p_owner;
end
$function$;
revoke execute on function app.release_task(uuid,text,timestamp with time zone) from public;
grant execute on function app.release_task(uuid,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.remember_keys(p_account uuid, p_drafts jsonb, p_events uuid[], p_first bigint, p_now timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_new integer;
begin
  insert into app.event_keys (account_id, kind, key, event_id, event_created_at, seq, created_at)
  select p_account, name.kind, name.key, p_events[d.ord], p_now, p_first - 1 + d.ord, p_now
  from rows from (jsonb_to_recordset(p_drafts) as (transport_key text, business_key text))
    with ordinality as d (transport_key, business_key, ord)
  cross join lateral (
    values ('transport', d.transport_key), ('business', d.business_key)) as name (kind, key)
  where name.key is not null
  on conflict do nothing;
  get diagnostics v_new = row_count;
  return v_new;
end
$function$;
revoke execute on function app.remember_keys(uuid,jsonb,uuid[],bigint,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.remove_client(p_account uuid, p_platform text, p_fallback_client_id text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'connections:edit');
  delete from app.platform_clients c where c.account_id = p_account and c.platform = p_platform;
  if not found then
    return false;
  end if;
  perform app.part_with_client(p_account, p_platform, p_fallback_client_id, p_now);
  perform app.log_command(p_account, 'client.remove', 'client', null,
    jsonb_build_object('platform', p_platform), p_now);
  return true;
end
$function$;
revoke execute on function app.remove_client(uuid,text,text,timestamp with time zone) from public;
grant execute on function app.remove_client(uuid,text,text,timestamp with time zone) to authenticated;
grant execute on function app.remove_client(uuid,text,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.remove_member(p_account uuid, p_user uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.lock_members(p_account, 'members:edit');
  if p_user = app.actor_id() then
    perform app.refuse('CU409', 'To go yourself, leave the account');
  end if;
  perform app.require_role_within(p_account, app.role_of(p_account, p_user));
  return app.drop_member(p_account, p_user, 'member.remove', p_now);
end
$function$;
revoke execute on function app.remove_member(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.remove_member(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.remove_member(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.renew_epochs()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_renewed integer;
begin
  update app.accounts set epoch = gen_random_uuid();
  get diagnostics v_renewed = row_count;
  return v_renewed;
end
$function$;
revoke execute on function app.renew_epochs() from public;
grant execute on function app.renew_epochs() to service_role;

CREATE OR REPLACE FUNCTION app.renew_tasks(p_owner uuid, p_names text[], p_lease_s integer, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS text[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_renewed text[];
begin
  with renewed as (
    update app.tasks t
    set run_until = p_now + make_interval(secs => p_lease_s)
    where t.run_owner = p_owner and t.name = any (p_names) and t.run_until > p_now
    returning t.name
  )
  select coalesce(array_agg(r.name order by r.name), '{}') into v_renewed from renewed r;
  return v_renewed;
end
$function$;
revoke execute on function app.renew_tasks(uuid,text[],integer,timestamp with time zone) from public;
grant execute on function app.renew_tasks(uuid,text[],integer,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.replay_event(p_account uuid, p_event uuid, p_overlay uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_event app.platform_events;
  v_overlays uuid[];
  v_plays uuid[];
  v_started uuid[];
begin
  perform app.require_permission(p_account, 'queue:control');
  v_event := app.find_event(p_account, p_event);
  if not v_event.replayable or v_event.class not in ('animated', 'alert') then
    perform app.refuse('CU409', 'This event cannot be replayed');
  end if;
  perform from app.accounts a where a.id = p_account for no key update;
  v_overlays := array(
    select o.id from app.overlays o
    where o.account_id = p_account and case when p_overlay is null
      then exists (select from app.plays p where p.event_id = p_event and p.overlay_id = o.id)
      else o.id = p_overlay end
    order by o.id);
  if p_overlay is not null and cardinality(v_overlays) = 0 then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
  end if;
  if cardinality(v_overlays) = 0 then
    perform app.refuse('CU409', 'This event was on no overlay: name the one to replay it on');
  end if;
  perform app.lock_queues(v_overlays);
  with made as (
    insert into app.plays (account_id, overlay_id, event_id, event_created_at, seq, priority, lane,
      status, reason, play_no, duration_ms, requested_by, created_at)
    select p_account, o.id, p_event, v_event.created_at, v_event.seq, v_event.priority,
      -- The lane it had here, else the one its subscription gives.
      coalesce(
        (select p.lane from app.plays p where p.event_id = p_event and p.overlay_id = o.id
          order by p.play_no desc limit 1),
        (select s.lane from app.event_subscriptions s
          where s.overlay_id = o.id and v_event.event_type like s.like_pattern
          order by length(s.pattern) desc, s.pattern limit 1),
        'main'),
      'queued', 'replay',
      1 + coalesce((select max(p.play_no) from app.plays p
        where p.event_id = p_event and p.overlay_id = o.id), 0),
      coalesce(v_event.duration_ms, 6000), app.actor_id(), p_now
    from unnest(v_overlays) as o (id)
    returning id, overlay_id
  )
  select array_agg(m.id order by m.overlay_id) into v_plays from made m;
  v_started := array(select unnest(app.advance(o, p_now)) from unnest(v_overlays) as o order by o);
  -- What started is either the replay itself, whose message says so already, or an older one.
  v_started := array(select s from unnest(v_started) as s where not s = any (v_plays));
  perform app.publish_plays(v_plays || v_started,
    array_fill('ANIMATION_REPLAY'::text, array[cardinality(v_plays)])
      || array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
  perform app.log_command(p_account, 'event.replay', 'event', p_event,
    jsonb_build_object('plays', to_jsonb(v_plays)), p_now);
  return jsonb_build_object('event_id', p_event,
    'plays', (select jsonb_agg(d.play order by d.ord) from app.describe_plays(v_plays, p_now) d),
    'status', (select e.status from app.platform_events e
      where e.id = p_event and e.created_at = v_event.created_at));
end
$function$;
revoke execute on function app.replay_event(uuid,uuid,uuid,timestamp with time zone) from public;
grant execute on function app.replay_event(uuid,uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.replay_event(uuid,uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.report_play(p_overlay uuid, p_play uuid, p_instance uuid, p_attempt integer, p_report text, p_detail jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_play app.plays;
  v_refusal text;
  v_to text;
  v_outcome text;
  v_started uuid[] := '{}';
begin
  perform app.require_overlay_key(p_overlay);
  if p_report is null or p_report not in ('started', 'ended', 'failed') then
    perform app.refuse('CU400', format('report: %s is not a report', coalesce(p_report, 'null')));
  end if;
  perform app.lock_queues(array[p_overlay]);
  select * into v_play from app.plays p where p.id = p_play and p.overlay_id = p_overlay;
  v_refusal := case
    when v_play.id is null then 'unknown'
    when v_play.ended_at is not null then 'already ' || v_play.status
    when v_play.instance_id is null then 'not claimed'
    when v_play.instance_id is distinct from p_instance then 'taken over'
    when p_attempt is null or p_attempt > v_play.attempt then 'not claimed'
    when v_play.status not in ('playing', 'queued') then 'already ' || v_play.status
  end;
  if v_refusal is null then
    if p_detail is not null then
      update app.plays p set detail = coalesce(p.detail, '{}') || p_detail where p.id = p_play;
    end if;
    if p_report = 'started' and v_play.status = 'playing' then
      if v_play.started_at is null then
        update app.plays p set started_at = p_now where p.id = p_play;
        perform app.publish_plays(array[p_play], array['ANIMATION_STARTED'], p_now);
      end if;
    else
      v_to := case when p_report = 'failed' then 'failed' else 'completed' end;
      v_outcome := case
        when p_report = 'failed' then coalesce(left(p_detail ->> 'error', 200), 'failed')
        when v_play.status = 'queued' then 'shown late'
        else 'ended'
      end;
      perform app.move_plays(array[p_play], v_to, v_outcome, 'reported ' || p_report, p_now);
      v_started := app.advance(p_overlay, p_now);
      perform app.publish_plays(array[p_play] || v_started,
        array['ANIMATION_ENDED'] || array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
    end if;
  end if;
  return jsonb_build_object('accepted', v_refusal is null, 'reason', v_refusal,
    'play', (select d.play from app.describe_plays(array[v_play.id], p_now) d),
    'rev', (select q.rev from app.overlay_queues q where q.overlay_id = p_overlay));
end
$function$;
revoke execute on function app.report_play(uuid,uuid,uuid,integer,text,jsonb,timestamp with time zone) from public;
grant execute on function app.report_play(uuid,uuid,uuid,integer,text,jsonb,timestamp with time zone) to authenticated;
grant execute on function app.report_play(uuid,uuid,uuid,integer,text,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.report_source(p_connection uuid, p_owner uuid, p_state text, p_session_count integer, p_problems jsonb, p_session text, p_counts jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_source app.sources;
  v_problems jsonb;
begin
  select s.* into v_source from app.sources s where s.connection_id = p_connection for update;
  if not found then
    return false;
  end if;
  if p_counts <> '{}' then
    update app.eventsub_subscriptions e
    set received = e.received + (k.value ->> 'received')::bigint,
      last_event_at = greatest(e.last_event_at, (k.value ->> 'last_event_at')::timestamptz)
    from jsonb_each(p_counts) k
    where e.connection_id = p_connection and e.type = k.key;
    update app.sources s
    set received = s.received + k.received, last_event_at = greatest(s.last_event_at, k.last_event_at)
    from (
      select sum((c.value ->> 'received')::bigint) as received,
        max((c.value ->> 'last_event_at')::timestamptz) as last_event_at
      from jsonb_each(p_counts) c
    ) k
    where s.connection_id = p_connection;
  end if;
  if v_source.owner is distinct from p_owner then
    return false;
  end if;
  v_problems := (
    select coalesce(jsonb_agg(n.problem || jsonb_build_object('since', coalesce(
      (select o.problem -> 'since' from jsonb_array_elements(v_source.problems) as o (problem)
        where o.problem ->> 'code' = n.problem ->> 'code' limit 1), to_jsonb(p_now))) order by n.ord), '[]')
    from jsonb_array_elements(p_problems) with ordinality as n (problem, ord));
  update app.sources s
  set state = p_state,
    since = case when s.state = p_state then s.since else p_now end,
    session_count = p_session_count,
    problems = v_problems,
    sessions = case when p_session is null or p_session = any (s.sessions) then s.sessions
      else (array_prepend(p_session, s.sessions))[1:20] end
  where s.connection_id = p_connection;
  if (v_source.state, v_source.session_count, v_source.problems)
    is distinct from (p_state, p_session_count, v_problems) then
    perform app.publish_source(p_connection, p_now);
  end if;
  return true;
end
$function$;
revoke execute on function app.report_source(uuid,uuid,text,integer,jsonb,text,jsonb,timestamp with time zone) from public;
grant execute on function app.report_source(uuid,uuid,text,integer,jsonb,text,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.request_reconcile(p_account uuid, p_connection uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_status text;
begin
  perform app.require_permission(p_account, 'connections:edit');
  select c.status into v_status
  from app.platform_connections c
  where c.id = p_connection and c.account_id = p_account;
  if not found then
    perform app.refuse('CU404', format('There is no connection %s', p_connection));
  end if;
  update app.sources s set reconcile_requested_at = p_now where s.connection_id = p_connection;
  if not found or v_status = 'disconnected' then
    perform app.refuse('CU409', 'This channel is not connected by consent, so what it is subscribed to '
      'cannot be looked at: connect it again');
  end if;
  perform app.log_command(p_account, 'connection.reconcile', 'connection', p_connection, null, p_now);
  -- The way by which servers hear of changed connections (access).
  perform pg_notify('cuelight_connections', p_connection::text);
  return to_jsonb(p_now);
end
$function$;
revoke execute on function app.request_reconcile(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.request_reconcile(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.request_reconcile(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.request_reconciles(p_reconciled_before timestamp with time zone, p_looked_before timestamp with time zone, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_ids uuid[];
begin
  with due as (
    update app.sources s
    set reconcile_requested_at = p_now
    where s.owner is not null
      and (s.reconciled_at is null or s.reconciled_at < p_reconciled_before
        or not exists (select from app.quota_snapshots q
          where q.connection_id = s.connection_id and q.at >= p_looked_before))
    returning s.connection_id
  )
  select array_agg(d.connection_id) into v_ids from due d;
  perform pg_notify('cuelight_connections', i.id::text) from unnest(v_ids) as i (id);
  return coalesce(cardinality(v_ids), 0);
end
$function$;
revoke execute on function app.request_reconciles(timestamp with time zone,timestamp with time zone,timestamp with time zone) from public;
grant execute on function app.request_reconciles(timestamp with time zone,timestamp with time zone,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.require_key_permission(p_account uuid, p_kind text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account,
    case when p_kind = 'overlay' then 'overlays:keys' else 'keys:edit' end);
end
$function$;
revoke execute on function app.require_key_permission(uuid,text) from public;

CREATE OR REPLACE FUNCTION app.require_operator(p_account uuid)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'account:manage');
  if not app.is_operator_account(p_account) then
    perform app.refuse('CU403', 'Tasks work for every account of this server: only the owner of the account that was made first on it may run, enable or disable them');
  end if;
end
$function$;
revoke execute on function app.require_operator(uuid) from public;

CREATE OR REPLACE FUNCTION app.require_other_owner(p_account uuid, p_user uuid)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if not exists (select from app.members m
    where m.account_id = p_account and m.role = 'owner' and m.user_id <> p_user) then
    perform app.refuse('CU409', 'The last owner stays: give the ownership to somebody first, or delete the account');
  end if;
end
$function$;
revoke execute on function app.require_other_owner(uuid,uuid) from public;

CREATE OR REPLACE FUNCTION app.require_overlay(p_account uuid, p_overlay uuid)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if not exists (
    select from app.overlays o where o.id = p_overlay and o.account_id = p_account) then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
  end if;
end
$function$;
revoke execute on function app.require_overlay(uuid,uuid) from public;

CREATE OR REPLACE FUNCTION app.require_overlay_key(p_overlay uuid)
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_claims jsonb := auth.jwt();
  v_key app.keys;
begin
  if v_claims ->> 'kind' = 'overlay' then
    select * into v_key
    from app.keys k
    where k.id = (v_claims ->> 'key_id')::uuid and k.kind = 'overlay' and k.overlay_id = p_overlay;
  end if;
  if v_key.id is null then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
  end if;
  if not app.is_live(v_key) then
    perform app.refuse('CU410', 'This overlay address was revoked: copy the new one from the studio');
  end if;
  return v_key.account_id;
end
$function$;
revoke execute on function app.require_overlay_key(uuid) from public;

CREATE OR REPLACE FUNCTION app.require_overlay_reader(p_overlay uuid)
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_account uuid;
begin
  if auth.jwt() ->> 'kind' = 'overlay' then
    return app.require_overlay_key(p_overlay);
  end if;
  select o.account_id into v_account from app.overlays o where o.id = p_overlay;
  if v_account is null or not app.is_related(v_account) then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
  end if;
  perform app.require_permission(v_account, 'overlays:read');
  perform app.require_permission(v_account, 'events:userinfo');
  return v_account;
end
$function$;
revoke execute on function app.require_overlay_reader(uuid) from public;

CREATE OR REPLACE FUNCTION app.require_own_authorization(p_authorization uuid)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if not exists (
    select from app.pending_authorizations a
    where a.id = p_authorization and a.actor_kind = app.actor_kind() and a.actor_id = app.actor_id()
  ) then
    perform app.refuse('CU404', 'There is no such consent waiting');
  end if;
end
$function$;
revoke execute on function app.require_own_authorization(uuid) from public;

CREATE OR REPLACE FUNCTION app.require_permission(p_account uuid, p_permission text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if app.has_permission(p_account, p_permission) then
    return;
  end if;
  if app.is_related(p_account) then
    perform app.refuse('CU403', format('This needs the permission %s', p_permission));
  end if;
  perform app.refuse('CU404', format('There is no account %s', p_account));
end
$function$;
revoke execute on function app.require_permission(uuid,text) from public;
grant execute on function app.require_permission(uuid,text) to authenticated;
grant execute on function app.require_permission(uuid,text) to service_role;

CREATE OR REPLACE FUNCTION app.require_reconnect(p_connection uuid, p_version integer, p_reason text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_account uuid;
begin
  select c.account_id into v_account
  from app.platform_connections c
  where c.id = p_connection and c.status = 'connected'
    and (p_version is null or exists (
      select from app.connection_tokens t where t.connection_id = c.id and t.version = p_version))
  for update;
  if not found then
    return false;
  end if;
  delete from app.connection_tokens t
  where t.connection_id = p_connection and (p_version is null or t.version = p_version);
  -- Refreshed or connected again while this waited for the row.
  if p_version is not null and not found then
    return false;
  end if;
  update app.platform_connections c
  set status = 'reconnect_needed', status_reason = left(p_reason, 500), updated_at = p_now
  where c.id = p_connection;
  perform app.log_command(v_account, 'connection.reconnect_needed', 'connection', p_connection,
    jsonb_build_object('reason', left(p_reason, 500)), p_now);
  perform app.publish_connection(v_account, p_connection, p_now);
  return true;
end
$function$;
revoke execute on function app.require_reconnect(uuid,integer,text,timestamp with time zone) from public;
grant execute on function app.require_reconnect(uuid,integer,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.require_reconnects(p_platform text, p_channel_id text, p_client_id text, p_reason text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select count(*) filter (where app.require_reconnect(c.id, t.version, p_reason, p_now))
    from app.platform_connections c
    join app.connection_tokens t on t.connection_id = c.id
    where c.platform = p_platform and c.channel_id = p_channel_id and t.client_id = p_client_id);
end
$function$;
revoke execute on function app.require_reconnects(text,text,text,text,timestamp with time zone) from public;
grant execute on function app.require_reconnects(text,text,text,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.require_role_within(p_account uuid, p_role text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if p_role is null or not exists (select from app.roles r where r.name = p_role) then
    perform app.refuse('CU400', format('role: there is no role %s', coalesce(p_role, 'null')));
  end if;
  if not app.permissions_of(p_role) <@ app.permissions_in(p_account) then
    perform app.refuse('CU403', format('You cannot give or take the role %s: it may more than you', p_role));
  end if;
end
$function$;
revoke execute on function app.require_role_within(uuid,text) from public;

CREATE OR REPLACE FUNCTION app.require_viewer(p_account uuid, p_viewer uuid)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if not exists (select from app.viewers v where v.id = p_viewer and v.account_id = p_account) then
    perform app.refuse('CU404', format('There is no viewer %s', p_viewer));
  end if;
end
$function$;
revoke execute on function app.require_viewer(uuid,uuid) from public;

CREATE OR REPLACE FUNCTION app.resume(p_account uuid, p_overlay uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return app.set_paused(p_account, p_overlay, false, p_now);
end
$function$;
revoke execute on function app.resume(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.resume(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.resume(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.revoke_invitation(p_account uuid, p_invitation uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_invitation app.invitations;
begin
  perform app.lock_members(p_account, 'members:edit');
  select * into v_invitation from app.invitations i
  where i.id = p_invitation and i.account_id = p_account
  for update;
  if not found then
    perform app.refuse('CU404', format('There is no invitation %s', p_invitation));
  end if;
  if v_invitation.accepted_at is not null then
    perform app.refuse('CU409', 'This invitation was accepted: remove the member instead');
  end if;
  update app.invitations i set revoked_at = p_now where i.id = p_invitation and i.revoked_at is null;
  perform app.log_command(p_account, 'invitation.revoke', 'invitation', p_invitation,
    jsonb_build_object('already', v_invitation.revoked_at is not null), p_now);
  return app.invitation_document(p_invitation);
end
$function$;
revoke execute on function app.revoke_invitation(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.revoke_invitation(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.revoke_invitation(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.revoke_key(p_account uuid, p_key uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_key app.keys;
begin
  v_key := app.lock_key(p_account, p_key);
  if v_key.revoked_at is null then
    perform app.end_key(v_key, p_now);
  end if;
  perform app.log_command(p_account, 'key.revoke', 'key', v_key.id,
    jsonb_build_object('kind', v_key.kind, 'already', v_key.revoked_at is not null), p_now);
  return app.key_document(v_key.id);
end
$function$;
revoke execute on function app.revoke_key(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.revoke_key(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.revoke_key(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.role_of(p_account uuid, p_user uuid)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_role text;
begin
  select m.role into v_role from app.members m where m.account_id = p_account and m.user_id = p_user;
  if not found then
    perform app.refuse('CU404', format('There is no member %s', p_user));
  end if;
  return v_role;
end
$function$;
revoke execute on function app.role_of(uuid,uuid) from public;

CREATE OR REPLACE FUNCTION app.roll_analytics(p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  -- A play's end is written down when its statement begins and seen when it commits; statements
  -- are ended after seconds (src/lib/server/backend/connection.ts).
  v_settled timestamptz := app.quarter_of(p_now - interval '15 minutes');
  v_account record;
  v_mark app.analytics_marks;
  v_top bigint;
  v_until timestamptz;
  v_begun timestamptz := clock_timestamp();
  v_rolled integer := 0;
begin
  for v_account in
    select a.id
    from app.accounts a
    left join app.analytics_marks m on m.account_id = a.id
    where a.next_seq - 1 > coalesce(m.events_seq, 0) or v_settled > coalesce(m.plays_until, '-infinity')
    -- The one that has waited longest first.
    order by m.plays_until nulls first, a.id
  loop
    -- One that is being deleted is left alone.
    perform from app.accounts a where a.id = v_account.id for key share skip locked;
    continue when not found;
    insert into app.analytics_marks (account_id) values (v_account.id) on conflict do nothing;
    select * into v_mark from app.analytics_marks m where m.account_id = v_account.id for update;
    select least(a.next_seq - 1, v_mark.events_seq + 50000) into v_top
    from app.accounts a where a.id = v_account.id;
    if v_top > v_mark.events_seq then
      insert into app.analytics_events as r (account_id, at, event_type, platform, events)
      select v_account.id, c.at, c.event_type, c.platform, c.events
      from app.count_events(v_account.id, v_mark.events_seq, v_top, '-infinity', 'infinity') c
      on conflict (account_id, at, event_type, platform) do update
      set events = r.events + excluded.events;
    end if;

    v_until := v_mark.plays_until;
    if v_settled > v_until then
      select least(v_settled, app.quarter_of(min(f.ended_at)) + interval '7 days') into v_until
      from app.overlays o
      cross join lateral (
        select p.ended_at from app.plays p
        where p.overlay_id = o.id and p.ended_at >= v_mark.plays_until
        order by p.ended_at limit 1
      ) f
      where o.account_id = v_account.id;
      v_until := coalesce(v_until, v_settled);
      insert into app.analytics_plays (account_id, overlay_id, at, bucket, plays, shown, completed,
        cancelled, skipped, expired, failed, max_ms)
      select v_account.id, c.* from app.count_plays(v_account.id, v_mark.plays_until, v_until) c;
    end if;
    update app.analytics_marks m
    set events_seq = greatest(v_top, m.events_seq), plays_until = v_until
    where m.account_id = v_account.id;
    v_rolled := v_rolled + 1;
    exit when clock_timestamp() > v_begun + interval '2 seconds';
  end loop;
  return v_rolled;
end
$function$;
revoke execute on function app.roll_analytics(timestamp with time zone) from public;
grant execute on function app.roll_analytics(timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.rotate_key(p_account uuid, p_key uuid, p_token_hash bytea, p_hint text, p_overlap interval, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_old app.keys;
  v_id uuid;
begin
  v_old := app.lock_key(p_account, p_key);
  if app.actor_kind() <> 'member' then
    perform app.refuse('CU403', 'A key cannot make keys: sign in');
  end if;
  if v_old.revoked_at is not null then
    perform app.refuse('CU410', 'This key was revoked: make a new one');
  end if;
  if v_old.ends_at is not null then
    perform app.refuse('CU409', 'This key has a successor already: rotate that one');
  end if;
  if p_token_hash is null or octet_length(p_token_hash) <> 32 then
    perform app.refuse('CU400', 'token_hash: must be a SHA-256, 32 bytes');
  end if;
  if p_overlap is null or p_overlap < interval '0' or p_overlap > interval '7 days' then
    perform app.refuse('CU400', 'overlap: an old key goes on for 7 days at most');
  end if;
  -- Else whoever rotates would hold a secret that may more than they do.
  if v_old.kind <> 'overlay' and not app.permissions_of_key(v_old) <@ app.permissions_in(p_account) then
    perform app.refuse('CU403', 'You cannot give what you do not have: this key may more than you');
  end if;
  insert into app.keys (account_id, kind, name, hint, overlay_id, permissions, token_hash,
    created_by, rotated_from, created_at)
  values (p_account, v_old.kind, v_old.name, p_hint, v_old.overlay_id, v_old.permissions,
    p_token_hash, v_old.created_by, v_old.id, p_now)
  returning id into v_id;
  if p_overlap = interval '0' then
    perform app.end_key(v_old, p_now);
  else
    update app.keys set ends_at = p_now + p_overlap where id = v_old.id;
  end if;
  perform app.log_command(p_account, 'key.rotate', 'key', v_old.id,
    jsonb_build_object('kind', v_old.kind, 'new_key_id', v_id,
      'overlap_s', extract(epoch from p_overlap)), p_now);
  return app.key_document(v_id);
end
$function$;
revoke execute on function app.rotate_key(uuid,uuid,bytea,text,interval,timestamp with time zone) from public;
grant execute on function app.rotate_key(uuid,uuid,bytea,text,interval,timestamp with time zone) to authenticated;
grant execute on function app.rotate_key(uuid,uuid,bytea,text,interval,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.run_task(p_account uuid, p_name text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_operator(p_account);
  update app.tasks t set is_asked = true where t.name = p_name;
  if not found then
    perform app.refuse('CU404', format('There is no task %s', p_name));
  end if;
  perform app.log_command(p_account, 'task.run', 'task', null, jsonb_build_object('name', p_name), p_now);
  return app.task_document(p_name, true, p_now);
end
$function$;
revoke execute on function app.run_task(uuid,text,timestamp with time zone) from public;
grant execute on function app.run_task(uuid,text,timestamp with time zone) to authenticated;
grant execute on function app.run_task(uuid,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.save_app_token(p_account uuid, p_platform text, p_client_id text, p_ciphertext bytea, p_expires_at timestamp with time zone, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into app.app_tokens (account_id, platform, client_id, ciphertext, expires_at, obtained_at)
  values (p_account, p_platform, p_client_id, p_ciphertext, p_expires_at, p_now)
  on conflict (account_id, platform, client_id) do update
  set ciphertext = excluded.ciphertext, expires_at = excluded.expires_at,
    obtained_at = excluded.obtained_at;
end
$function$;
revoke execute on function app.save_app_token(uuid,text,text,bytea,timestamp with time zone,timestamp with time zone) from public;
grant execute on function app.save_app_token(uuid,text,text,bytea,timestamp with time zone,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.save_categories(p_platform text, p_categories jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_changed text[];
begin
  with given as (
    select distinct on (c.id) c.id, left(c.name, 200) as name, left(c.picture, 2000) as picture
    from jsonb_to_recordset(p_categories) as c (id text, name text, picture text)
    where char_length(c.id) between 1 and 100 and c.name is not null
    order by c.id
  ),
  known as (
    select k.id, k.name, k.picture from app.categories k where k.platform = p_platform
  ),
  kept as (
    insert into app.categories as k (platform, id, name, picture, updated_at)
    select p_platform, g.id, g.name, g.picture, p_now from given g
    on conflict (platform, id) do update
    set name = excluded.name, picture = excluded.picture, updated_at = excluded.updated_at
    returning k.id, k.name, k.picture
  )
  select array_agg(k.id) into v_changed
  from kept k
  -- Both CTEs see the table as it was before this statement.
  left join known o on o.id = k.id
  where (o.name, o.picture) is distinct from (k.name, k.picture);
  perform app.publish_channel(s.account_id, s.platform, p_now)
  from app.channel_status s
  where s.platform = p_platform and s.category_id = any (v_changed) and s.is_online;
  return coalesce(cardinality(v_changed), 0);
end
$function$;
revoke execute on function app.save_categories(text,jsonb,timestamp with time zone) from public;
grant execute on function app.save_categories(text,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.save_client(p_account uuid, p_platform text, p_client_id text, p_secret_ciphertext bytea, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'connections:edit');
  insert into app.platform_clients (account_id, platform, client_id, secret_ciphertext, created_at, updated_at)
  values (p_account, p_platform, p_client_id, p_secret_ciphertext, p_now, p_now)
  on conflict (account_id, platform) do update
  set client_id = excluded.client_id, secret_ciphertext = excluded.secret_ciphertext,
    updated_at = excluded.updated_at;
  perform app.part_with_client(p_account, p_platform, p_client_id, p_now);
  perform app.log_command(p_account, 'client.save', 'client', null,
    jsonb_build_object('platform', p_platform, 'client_id', p_client_id,
      'has_secret', p_secret_ciphertext is not null), p_now);
  return jsonb_build_object('platform', p_platform, 'client_id', p_client_id,
    'has_secret', p_secret_ciphertext is not null);
end
$function$;
revoke execute on function app.save_client(uuid,text,text,bytea,timestamp with time zone) from public;
grant execute on function app.save_client(uuid,text,text,bytea,timestamp with time zone) to authenticated;
grant execute on function app.save_client(uuid,text,text,bytea,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.save_connection(p_account uuid, p_platform text, p_channel_id text, p_channel_name text, p_secret_ciphertext bytea, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_id uuid;
begin
  perform app.require_permission(p_account, 'connections:edit');
  insert into app.platform_connections (account_id, platform, channel_id, channel_name,
    secret_ciphertext, mode, created_at, updated_at)
  values (p_account, p_platform, p_channel_id, p_channel_name, p_secret_ciphertext, 'webhook', p_now, p_now)
  on conflict (account_id, platform, channel_id) do update
  set channel_name = coalesce(excluded.channel_name, platform_connections.channel_name),
    secret_ciphertext = excluded.secret_ciphertext,
    -- Without tokens its events can come by webhook only.
    mode = case when exists (
      select from app.connection_tokens t where t.connection_id = platform_connections.id)
      then platform_connections.mode else 'webhook' end,
    status = 'connected',
    status_reason = null,
    updated_at = excluded.updated_at
  returning id into v_id;
  perform app.log_command(p_account, 'connection.save', 'connection', v_id,
    jsonb_build_object('platform', p_platform, 'channel_id', p_channel_id), p_now);
  perform app.publish_connection(p_account, v_id, p_now);
  return app.connection_document(v_id);
end
$function$;
revoke execute on function app.save_connection(uuid,text,text,text,bytea,timestamp with time zone) from public;
grant execute on function app.save_connection(uuid,text,text,text,bytea,timestamp with time zone) to authenticated;
grant execute on function app.save_connection(uuid,text,text,text,bytea,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.save_event_template(p_account uuid, p_template uuid, p_form jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_id uuid := coalesce(p_template, gen_random_uuid());
  v_template jsonb;
begin
  perform app.require_permission(p_account, 'overlays:edit');
  -- The account's lock: what is looked at below holds.
  perform from app.accounts a where a.id = p_account for no key update;
  if p_template is not null and not exists (
    select from app.event_templates t where t.id = p_template and t.account_id = p_account) then
    perform app.refuse('CU404', format('There is no template %s', p_template));
  end if;
  if exists (
    select from app.event_templates t
    where t.account_id = p_account and t.name = p_form ->> 'name' and t.id <> v_id) then
    perform app.refuse('CU409', format('name: there is a template %s already', p_form ->> 'name'));
  end if;
  if p_template is null
    and (select count(*) from app.event_templates t where t.account_id = p_account) >= 500 then
    perform app.refuse('CU409', 'An account has at most 500 templates: delete one first');
  end if;
  insert into app.event_templates as t (id, account_id, name, event_type, text, data, class,
    duration_ms, priority, created_at, updated_at)
  values (v_id, p_account, p_form ->> 'name', p_form ->> 'event_type', p_form ->> 'text',
    coalesce(p_form -> 'data', '{}'), p_form ->> 'class', (p_form ->> 'duration_ms')::integer,
    p_form ->> 'priority', p_now, p_now)
  on conflict (id) do update
  set name = excluded.name, event_type = excluded.event_type, text = excluded.text,
    data = excluded.data, class = excluded.class, duration_ms = excluded.duration_ms,
    priority = excluded.priority, updated_at = excluded.updated_at
  returning to_jsonb(t) - 'account_id' into v_template;
  perform app.log_command(p_account,
    case when p_template is null then 'event_template.create' else 'event_template.update' end,
    'event_template', v_id, jsonb_build_object('template', p_form - 'data'), p_now);
  return v_template;
end
$function$;
revoke execute on function app.save_event_template(uuid,uuid,jsonb,timestamp with time zone) from public;
grant execute on function app.save_event_template(uuid,uuid,jsonb,timestamp with time zone) to authenticated;
grant execute on function app.save_event_template(uuid,uuid,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.save_subscriptions(p_connection uuid, p_rows jsonb, p_all boolean, p_quota jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  -- In one order, whoever writes.
  perform from app.sources s where s.connection_id = p_connection for update;
  if p_all then
    delete from app.eventsub_subscriptions e
    where e.connection_id = p_connection
      and not exists (select from jsonb_array_elements(p_rows) r where r ->> 'type' = e.type);
  end if;
  insert into app.eventsub_subscriptions (connection_id, type, version, status, reason, platform_id,
    cost, updated_at)
  select p_connection, r.type, r.version, r.status, left(r.reason, 500), r.platform_id, r.cost, p_now
  from jsonb_to_recordset(p_rows)
    as r (type text, version text, status text, reason text, platform_id text, cost integer)
  on conflict (connection_id, type) do update
  set version = excluded.version, status = excluded.status, reason = excluded.reason,
    platform_id = excluded.platform_id, cost = excluded.cost, updated_at = excluded.updated_at;
  if p_quota is not null then
    insert into app.quota_snapshots (connection_id, total, total_cost, max_total_cost, at)
    select p_connection, q.total, q.total_cost, q.max_total_cost, p_now
    from jsonb_to_record(p_quota) as q (total integer, total_cost integer, max_total_cost integer);
  end if;
  if p_all then
    update app.sources s set reconciled_at = p_now where s.connection_id = p_connection;
  end if;
end
$function$;
revoke execute on function app.save_subscriptions(uuid,jsonb,boolean,jsonb,timestamp with time zone) from public;
grant execute on function app.save_subscriptions(uuid,jsonb,boolean,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.schedule_poll(p_connection uuid, p_name text, p_every_s integer, p_next_at timestamp with time zone, p_error text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into app.source_polls (connection_id, name, every_s, next_at, last_error)
  values (p_connection, p_name, p_every_s, p_next_at, left(p_error, 500))
  on conflict (connection_id, name) do update
  set every_s = excluded.every_s, next_at = excluded.next_at,
    last_error = coalesce(excluded.last_error, source_polls.last_error);
end
$function$;
revoke execute on function app.schedule_poll(uuid,text,integer,timestamp with time zone,text) from public;
grant execute on function app.schedule_poll(uuid,text,integer,timestamp with time zone,text) to service_role;

CREATE OR REPLACE FUNCTION app.send_hint(p_topic text, p_type text, p_payload jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.send_hints(array[p_topic], array[p_type], array[p_payload]);
end
$function$;
revoke execute on function app.send_hint(text,text,jsonb) from public;

CREATE OR REPLACE FUNCTION app.send_hints(p_topics text[], p_types text[], p_payloads jsonb[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into realtime.messages (topic, event, payload, extension, private)
  select m.topic, m.type, m.payload, 'broadcast', true
  from unnest(p_topics, p_types, p_payloads) as m (topic, type, payload);
exception when others then
  perform realtime.send(m.payload, m.type, m.topic, true)
  from unnest(p_topics, p_types, p_payloads) as m (topic, type, payload);
end
$function$;
revoke execute on function app.send_hints(text[],text[],jsonb[]) from public;

CREATE OR REPLACE FUNCTION app.set_default_account(p_account uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if app.current_person() is null or not app.is_related(p_account) then
    perform app.refuse('CU404', format('There is no account %s', p_account));
  end if;
  -- First the old, then the new: the index allows one at any moment.
  update app.members m set is_default = false
  where m.user_id = app.actor_id() and m.is_default and m.account_id <> p_account;
  update app.members m set is_default = true
  where m.user_id = app.actor_id() and m.account_id = p_account and not m.is_default;
  perform app.log_command(p_account, 'member.default', 'member', app.actor_id(), null, p_now);
  return app.my_accounts();
end
$function$;
revoke execute on function app.set_default_account(uuid,timestamp with time zone) from public;
grant execute on function app.set_default_account(uuid,timestamp with time zone) to authenticated;
grant execute on function app.set_default_account(uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.set_offline(p_account uuid, p_platform text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into app.channel_status as s (account_id, platform, is_online, updated_at)
  values (p_account, p_platform, false, p_now)
  on conflict (account_id, platform) do update
  set is_online = false, started_at = null, viewer_count = null, updated_at = excluded.updated_at;
  perform app.publish_channel(p_account, p_platform, p_now);
end
$function$;
revoke execute on function app.set_offline(uuid,text,timestamp with time zone) from public;
grant execute on function app.set_offline(uuid,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.set_online(p_account uuid, p_platform text, p_stream jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into app.channel_status as s (account_id, platform, is_online, stream_title, category,
    category_id, viewer_count, started_at, updated_at)
  values (p_account, p_platform, true, left(p_stream ->> 'title', 500), left(p_stream ->> 'category', 200),
    left(p_stream ->> 'category_id', 100), (p_stream ->> 'viewer_count')::integer,
    coalesce((p_stream ->> 'started_at')::timestamptz, p_now), p_now)
  on conflict (account_id, platform) do update
  set is_online = true,
    stream_title = coalesce(excluded.stream_title, case when s.is_online then s.stream_title end),
    category = coalesce(excluded.category, case when s.is_online then s.category end),
    category_id = coalesce(excluded.category_id, case when s.is_online then s.category_id end),
    viewer_count = coalesce(excluded.viewer_count, case when s.is_online then s.viewer_count end),
    started_at = case when s.is_online and p_stream ->> 'started_at' is null then s.started_at
      else excluded.started_at end,
    updated_at = excluded.updated_at;
  perform app.publish_channel(p_account, p_platform, p_now);
end
$function$;
revoke execute on function app.set_online(uuid,text,jsonb,timestamp with time zone) from public;
grant execute on function app.set_online(uuid,text,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.set_paused(p_account uuid, p_overlay uuid, p_paused boolean, p_now timestamp with time zone)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_changed boolean;
  v_overlays uuid[];
  v_started uuid[] := '{}';
begin
  perform app.require_permission(p_account, 'queue:control');
  if p_overlay is not null then
    perform app.require_overlay(p_account, p_overlay);
  end if;
  perform from app.accounts a where a.id = p_account for no key update;
  v_overlays := array(select q.overlay_id from app.overlay_queues q
    where q.account_id = p_account and (p_overlay is null or q.overlay_id = p_overlay));
  perform app.lock_queues(v_overlays);
  if p_overlay is null then
    update app.accounts a
    set paused_at = case when p_paused then p_now end,
      paused_by = case when p_paused then app.actor_id() end
    where a.id = p_account and (a.paused_at is not null) <> p_paused;
  else
    update app.overlay_queues q
    set paused_at = case when p_paused then p_now end,
      paused_by = case when p_paused then app.actor_id() end
    where q.overlay_id = p_overlay and (q.paused_at is not null) <> p_paused;
  end if;
  v_changed := found;
  if v_changed then
    if p_overlay is null then
      perform app.publish_status(p_account, null, 'queue', false,
        jsonb_build_object('paused', p_paused, 'account_paused', p_paused), p_now);
    end if;
    -- Each overlay's state is what both pauses together make of it.
    perform app.publish_status(p_account, q.overlay_id, 'queue', true,
      jsonb_build_object('paused', q.paused_at is not null or a.paused_at is not null,
        'account_paused', a.paused_at is not null), p_now)
    from app.overlay_queues q
    join app.accounts a on a.id = q.account_id
    where q.overlay_id = any (v_overlays)
    order by q.overlay_id;
    if not p_paused then
      v_started := array(select unnest(app.advance(o, p_now)) from unnest(v_overlays) as o order by o);
      perform app.publish_plays(v_started,
        array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
    end if;
  end if;
  perform app.log_command(p_account, case when p_paused then 'queue.pause' else 'queue.resume' end,
    case when p_overlay is null then 'account' else 'overlay' end, coalesce(p_overlay, p_account),
    jsonb_build_object('changed', v_changed), p_now);
  return jsonb_build_object('overlay_id', p_overlay, 'paused', p_paused, 'changed', v_changed);
end
$function$;
revoke execute on function app.set_paused(uuid,uuid,boolean,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.set_subscriptions(p_account uuid, p_overlay uuid, p_items jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_before jsonb;
  v_wrong text;
begin
  perform app.require_permission(p_account, 'overlays:edit');
  -- Recording takes this lock too: a batch is routed by the old ones or by the new.
  perform from app.accounts a where a.id = p_account for no key update;
  v_before := app.get_subscriptions(p_account, p_overlay) -> 'items';
  if jsonb_typeof(p_items) <> 'array' or jsonb_array_length(p_items) > 100 then
    perform app.refuse('CU400', 'items: an overlay has at most 100 subscriptions');
  end if;
  select min(i.pattern) into v_wrong
  from jsonb_to_recordset(p_items) as i (pattern text, condition jsonb)
  where jsonb_typeof(i.condition) <> 'null'
    and coalesce(app.check_condition(i.condition, 5) > 50 or pg_column_size(i.condition) > 16384, true);
  if v_wrong is not null then
    perform app.refuse('CU400', format('items: the condition of %s is not one', v_wrong));
  end if;
  select min(i.pattern) into v_wrong
  from (
    select i.pattern from jsonb_to_recordset(p_items) as i (pattern text)
    group by i.pattern having count(*) > 1) i;
  if v_wrong is not null then
    perform app.refuse('CU400', format('items: %s is there twice', v_wrong));
  end if;
  delete from app.event_subscriptions s where s.overlay_id = p_overlay;
  insert into app.event_subscriptions (overlay_id, account_id, pattern, classes, lane, condition)
  select p_overlay, p_account, i.pattern, i.classes, i.lane, nullif(i.condition, 'null')
  from jsonb_to_recordset(p_items)
    as i (pattern text, classes text[], lane text, condition jsonb);
  perform app.log_command(p_account, 'subscriptions.set', 'overlay', p_overlay,
    jsonb_build_object('before', v_before, 'items', p_items), p_now);
  return app.get_subscriptions(p_account, p_overlay);
end
$function$;
revoke execute on function app.set_subscriptions(uuid,uuid,jsonb,timestamp with time zone) from public;
grant execute on function app.set_subscriptions(uuid,uuid,jsonb,timestamp with time zone) to authenticated;
grant execute on function app.set_subscriptions(uuid,uuid,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.set_task_enabled(p_account uuid, p_name text, p_is_enabled boolean, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_operator(p_account);
  update app.tasks t set is_enabled = p_is_enabled where t.name = p_name;
  if not found then
    perform app.refuse('CU404', format('There is no task %s', p_name));
  end if;
  perform app.log_command(p_account, case when p_is_enabled then 'task.enable' else 'task.disable' end,
    'task', null, jsonb_build_object('name', p_name), p_now);
  return app.task_document(p_name, true, p_now);
end
$function$;
revoke execute on function app.set_task_enabled(uuid,text,boolean,timestamp with time zone) from public;
grant execute on function app.set_task_enabled(uuid,text,boolean,timestamp with time zone) to authenticated;
grant execute on function app.set_task_enabled(uuid,text,boolean,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.settle_plays(p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_patience constant interval := interval '5 seconds';
  v_overlays uuid[];
  v_late uuid[];
  v_completed uuid[];
  v_failed uuid[];
  v_requeued uuid[];
  v_started uuid[];
begin
  v_overlays := array(
    select p.overlay_id from app.plays p
    join app.overlay_queues q on q.overlay_id = p.overlay_id
    where p.status = 'playing'
      and p.claimed_at + (p.duration_ms + 5000) * interval '1 millisecond' < p_now
      and (p.started_at is not null or (q.lease_until > p_now and q.led_since + v_patience < p_now))
    union
    select p.overlay_id from app.plays p
    where p.status = 'queued' and p.scheduled_at <= p_now
    limit 500);
  if cardinality(v_overlays) = 0 then
    return 0;
  end if;
  -- A queue that is busy at this moment is looked at a second later.
  v_overlays := array(
    select q.overlay_id from app.overlay_queues q
    where q.overlay_id = any (v_overlays)
    order by q.overlay_id
    for no key update skip locked);
  -- Read again under the locks.
  v_late := array(
    select p.id from app.plays p
    join app.overlay_queues q on q.overlay_id = p.overlay_id
    where p.overlay_id = any (v_overlays) and p.status = 'playing'
      and p.claimed_at + (p.duration_ms + 5000) * interval '1 millisecond' < p_now
      and (p.started_at is not null or (q.lease_until > p_now and q.led_since + v_patience < p_now)));
  v_completed := array(select p.id from app.plays p where p.id = any (v_late) and p.started_at is not null);
  v_failed := array(select p.id from app.plays p
    where p.id = any (v_late) and p.started_at is null and p.attempt >= 5);
  v_requeued := array(select p.id from app.plays p
    where p.id = any (v_late) and p.started_at is null and p.attempt < 5);
  perform app.move_plays(v_completed, 'completed', 'settled', 'time over', p_now);
  perform app.move_plays(v_failed, 'failed', 'never started', 'time over', p_now);
  perform app.move_plays(v_requeued, 'queued', null, 'never started', p_now);
  v_started := array(select unnest(app.advance(o, p_now)) from unnest(v_overlays) as o order by o);
  perform app.publish_plays(v_completed || v_failed || v_requeued || v_started,
    array_fill('ANIMATION_ENDED'::text, array[cardinality(v_completed) + cardinality(v_failed)])
      || array_fill('PLAY_CHANGED'::text, array[cardinality(v_requeued) + cardinality(v_started)]),
    p_now);
  return cardinality(v_late) + cardinality(v_started);
end
$function$;
revoke execute on function app.settle_plays(timestamp with time zone) from public;
grant execute on function app.settle_plays(timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.settle_poll(p_connection uuid, p_name text, p_version integer, p_known_until timestamp with time zone, p_members jsonb, p_seq bigint, p_checked jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_missed bigint;
begin
  select coalesce(sum((c ->> 'missed')::bigint), 0) into v_missed from jsonb_array_elements(p_checked) c;
  perform from app.sources s where s.connection_id = p_connection for update;
  update app.source_polls p
  set version = p.version + 1, opened_at = null,
    known_until = coalesce(p_known_until, p.known_until), members = p_members, seq = p_seq,
    last_at = p_now, last_error = null, missed = p.missed + v_missed
  where p.connection_id = p_connection and p.name = p_name and p.version = p_version;
  -- Somebody else has settled the same look.
  if not found then
    return;
  end if;
  update app.eventsub_subscriptions e
  set missed = e.missed + (c ->> 'missed')::bigint, last_poll_at = p_now,
    last_poll_agreed = (c ->> 'missed')::bigint = 0
  from jsonb_array_elements(p_checked) c
  where e.connection_id = p_connection and e.type = c ->> 'type';
  update app.sources s set missed = s.missed + v_missed where s.connection_id = p_connection;
end
$function$;
revoke execute on function app.settle_poll(uuid,text,integer,timestamp with time zone,jsonb,bigint,jsonb,timestamp with time zone) from public;
grant execute on function app.settle_poll(uuid,text,integer,timestamp with time zone,jsonb,bigint,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.skip(p_account uuid, p_overlay uuid, p_lane text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  v_plays uuid[];
  v_started uuid[];
begin
  perform app.require_permission(p_account, 'queue:control');
  perform app.require_overlay(p_account, p_overlay);
  perform app.lock_queues(array[p_overlay]);
  v_plays := array(select p.id from app.plays p
    where p.overlay_id = p_overlay and p.status = 'playing' and (p_lane is null or p.lane = p_lane)
    order by p.lane);
  perform app.move_plays(v_plays, 'skipped', 'skipped', 'skip', p_now);
  v_started := app.advance(p_overlay, p_now);
  perform app.publish_plays(v_plays || v_started,
    array_fill('ANIMATION_ENDED'::text, array[cardinality(v_plays)])
      || array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
  perform app.log_command(p_account, 'queue.skip', 'overlay', p_overlay,
    jsonb_build_object('lane', p_lane, 'plays', to_jsonb(v_plays)), p_now);
  return jsonb_build_object('overlay_id', p_overlay, 'skipped', to_jsonb(v_plays));
end
$function$;
revoke execute on function app.skip(uuid,uuid,text,timestamp with time zone) from public;
grant execute on function app.skip(uuid,uuid,text,timestamp with time zone) to authenticated;
grant execute on function app.skip(uuid,uuid,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.spotify_manual_document(p_account uuid, p_now timestamp with time zone)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return coalesce(
    (select jsonb_build_object('active', true,
        'remaining_seconds', ceil(extract(epoch from m.expires_at - p_now))::integer)
      from app.spotify_manual m
      where m.account_id = p_account and m.expires_at > p_now),
    '{"active": false, "remaining_seconds": null}');
end
$function$;
revoke execute on function app.spotify_manual_document(uuid,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.start_spotify_manual(p_account uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'spotify:worker');
  insert into app.spotify_manual (account_id, started_by, expires_at)
  values (p_account, app.actor_id(), p_now + interval '30 minutes')
  on conflict (account_id) do update
  set started_by = excluded.started_by, expires_at = excluded.expires_at;
  perform app.log_command(p_account, 'spotify.manual_start', 'account', p_account, '{}', p_now);
  perform app.publish_status(p_account, null, 'spotify', false,
    app.spotify_manual_document(p_account, p_now), p_now);
  return app.spotify_manual_document(p_account, p_now);
end
$function$;
revoke execute on function app.start_spotify_manual(uuid,timestamp with time zone) from public;
grant execute on function app.start_spotify_manual(uuid,timestamp with time zone) to authenticated;
grant execute on function app.start_spotify_manual(uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.status_document(p_account uuid, p_platform text)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select jsonb_build_object('platform', s.platform, 'is_online', s.is_online,
      'stream_title', s.stream_title, 'category', s.category, 'category_picture', c.picture,
      'viewer_count', s.viewer_count, 'started_at', s.started_at, 'updated_at', s.updated_at)
    from app.channel_status s
    left join app.categories c on c.platform = s.platform and c.id = s.category_id
    where s.account_id = p_account and s.platform = p_platform);
end
$function$;
revoke execute on function app.status_document(uuid,text) from public;

CREATE OR REPLACE FUNCTION app.stop_spotify_manual(p_account uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_expires_at timestamptz;
begin
  perform app.require_permission(p_account, 'spotify:worker');
  delete from app.spotify_manual m where m.account_id = p_account returning m.expires_at into v_expires_at;
  if v_expires_at > p_now then
    perform app.log_command(p_account, 'spotify.manual_stop', 'account', p_account, '{}', p_now);
    perform app.publish_status(p_account, null, 'spotify', false,
      app.spotify_manual_document(p_account, p_now), p_now);
  end if;
  return app.spotify_manual_document(p_account, p_now);
end
$function$;
revoke execute on function app.stop_spotify_manual(uuid,timestamp with time zone) from public;
grant execute on function app.stop_spotify_manual(uuid,timestamp with time zone) to authenticated;
grant execute on function app.stop_spotify_manual(uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.store_tokens(p_connection uuid, p_version integer, p_access_ciphertext bytea, p_refresh_ciphertext bytea, p_expires_at timestamp with time zone, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update app.connection_tokens t
  set access_ciphertext = p_access_ciphertext,
    -- None given: the old one stays good.
    refresh_ciphertext = coalesce(p_refresh_ciphertext, t.refresh_ciphertext),
    expires_at = p_expires_at, obtained_at = p_now, version = t.version + 1,
    refreshing_by = null, refreshing_until = null, unanswered = 0, refresh_after = null
  where t.connection_id = p_connection and t.version = p_version;
  return found;
end
$function$;
revoke execute on function app.store_tokens(uuid,integer,bytea,bytea,timestamp with time zone,timestamp with time zone) from public;
grant execute on function app.store_tokens(uuid,integer,bytea,bytea,timestamp with time zone,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.take_authorization(p_state_hash bytea, p_platform text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_found app.pending_authorizations;
begin
  select * into v_found
  from app.pending_authorizations a
  where a.state_hash = p_state_hash and a.platform = p_platform
  for update;
  perform app.require_own_authorization(v_found.id);
  perform app.require_permission(v_found.account_id, 'connections:edit');
  if v_found.used_at is not null or v_found.status <> 'pending' or v_found.expires_at <= p_now then
    perform app.refuse('CU410', 'This consent was used or is too old: begin again');
  end if;
  update app.pending_authorizations a set used_at = p_now where a.id = v_found.id;
  return app.authorization_document(v_found.id);
end
$function$;
revoke execute on function app.take_authorization(bytea,text,timestamp with time zone) from public;
grant execute on function app.take_authorization(bytea,text,timestamp with time zone) to authenticated;
grant execute on function app.take_authorization(bytea,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.take_lead(p_account uuid, p_overlay uuid, p_instance uuid, p_lease_until timestamp with time zone, p_now timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_lease bigint;
  v_over uuid[];
  v_adopted uuid[];
  v_started uuid[];
begin
  update app.overlay_queues q
  set leader_id = p_instance, lease_version = q.lease_version + 1, lease_until = p_lease_until,
    led_since = p_now, lead_wanted_at = null
  where q.overlay_id = p_overlay
  returning q.lease_version into v_lease;
  perform app.publish_status(p_account, p_overlay, 'leader', true,
    jsonb_build_object('leader_id', p_instance, 'lease_version', v_lease), p_now);

  v_over := array(
    select p.id from app.plays p
    where p.overlay_id = p_overlay and p.status = 'playing' and p.instance_id <> p_instance
      and p.started_at is not null
      and p.claimed_at + p.duration_ms * interval '1 millisecond' <= p_now
    order by p.lane);
  perform app.move_plays(v_over, 'completed', 'settled', 'leader gone', p_now);
  with adopted as (
    update app.plays p
    set instance_id = p_instance, lease_version = v_lease, attempt = p.attempt + 1,
      claimed_at = case when p.started_at is null then p_now else p.claimed_at end
    where p.overlay_id = p_overlay and p.status = 'playing' and p.instance_id <> p_instance
    returning p.id, p.lane
  )
  select coalesce(array_agg(a.id order by a.lane), '{}') into v_adopted from adopted a;
  v_started := app.advance(p_overlay, p_now);
  perform app.publish_plays(v_over || v_adopted || v_started,
    array_fill('ANIMATION_ENDED'::text, array[cardinality(v_over)])
      || array_fill('PLAY_CHANGED'::text, array[cardinality(v_adopted) + cardinality(v_started)]),
    p_now);
end
$function$;
revoke execute on function app.take_lead(uuid,uuid,uuid,timestamp with time zone,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.task_document(p_name text, p_is_operator boolean, p_now timestamp with time zone)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select jsonb_build_object('name', t.name, 'title', t.title, 'interval_s', t.interval_s,
      'is_enabled', t.is_enabled, 'next_run_at', t.next_run_at, 'last_run_at', t.last_run_at,
      'last_duration_ms', t.last_duration_ms,
      'last_error', case when t.last_error is null or p_is_operator then t.last_error
        else 'It failed; the operator of this server can read why' end,
      'is_running', coalesce(t.run_until > p_now, false),
      'runs', t.runs, 'failures', t.failures)
    from app.tasks t
    where t.name = p_name);
end
$function$;
revoke execute on function app.task_document(text,boolean,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION app.transfer_ownership(p_account uuid, p_user uuid, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.lock_members(p_account, 'account:manage');
  perform app.role_of(p_account, p_user);
  if p_user = app.actor_id() then
    perform app.refuse('CU409', 'The account is yours already: name another member');
  end if;
  update app.members m
  set role = case m.user_id when p_user then 'owner' else 'administrator' end
  where m.account_id = p_account and m.user_id in (p_user, app.actor_id());
  perform app.log_command(p_account, 'member.transfer', 'member', p_user, null, p_now);
  return app.member_document(p_account, p_user);
end
$function$;
revoke execute on function app.transfer_ownership(uuid,uuid,timestamp with time zone) from public;
grant execute on function app.transfer_ownership(uuid,uuid,timestamp with time zone) to authenticated;
grant execute on function app.transfer_ownership(uuid,uuid,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.update_connection(p_account uuid, p_connection uuid, p_mode text, p_groups text[], p_secret_ciphertext bytea, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_status text;
begin
  perform app.require_permission(p_account, 'connections:edit');
  select c.status into v_status
  from app.platform_connections c
  where c.id = p_connection and c.account_id = p_account
  for update;
  if not found then
    perform app.refuse('CU404', format('There is no connection %s', p_connection));
  end if;
  if v_status = 'disconnected' then
    perform app.refuse('CU409', 'This channel is disconnected: connect it again');
  end if;
  update app.platform_connections c
  set mode = coalesce(p_mode, c.mode),
    groups = coalesce(p_groups, c.groups),
    secret_ciphertext = case when coalesce(p_mode, c.mode) = 'webhook'
      then coalesce(c.secret_ciphertext, p_secret_ciphertext) else c.secret_ciphertext end,
    updated_at = p_now
  where c.id = p_connection;
  perform app.log_command(p_account, 'connection.update', 'connection', p_connection,
    jsonb_strip_nulls(jsonb_build_object('mode', p_mode, 'groups', to_jsonb(p_groups))), p_now);
  perform app.publish_connection(p_account, p_connection, p_now);
  return app.connection_document(p_connection);
end
$function$;
revoke execute on function app.update_connection(uuid,uuid,text,text[],bytea,timestamp with time zone) from public;
grant execute on function app.update_connection(uuid,uuid,text,text[],bytea,timestamp with time zone) to authenticated;
grant execute on function app.update_connection(uuid,uuid,text,text[],bytea,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.update_event_type(p_account uuid, p_type jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform app.require_permission(p_account, 'overlays:edit');
  update app.event_types t
  set title = p_type ->> 'title', description = coalesce(p_type ->> 'description', ''),
    class = p_type ->> 'class', duration_ms = (p_type ->> 'duration_ms')::integer,
    priority = p_type ->> 'priority', schema = nullif(p_type -> 'schema', 'null'),
    sample = coalesce(p_type -> 'sample', '{}'), updated_at = p_now
  where t.account_id = p_account and t.type = p_type ->> 'type';
  if not found then
    perform app.refuse('CU404', format('There is no event type %s', p_type ->> 'type'));
  end if;
  perform app.log_command(p_account, 'event_type.update', 'account', p_account,
    jsonb_build_object('event_type', p_type - 'sample'), p_now);
  return app.event_type_document(p_account, p_type ->> 'type');
end
$function$;
revoke execute on function app.update_event_type(uuid,jsonb,timestamp with time zone) from public;
grant execute on function app.update_event_type(uuid,jsonb,timestamp with time zone) to authenticated;
grant execute on function app.update_event_type(uuid,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.update_stream_data(p_account uuid, p_platform text, p_stream jsonb, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update app.channel_status s
  set stream_title = n.title, category = n.category, category_id = n.category_id,
    viewer_count = n.viewer_count, updated_at = p_now
  from (
    select coalesce(left(p_stream ->> 'title', 500), o.stream_title) as title,
      coalesce(left(p_stream ->> 'category', 200), o.category) as category,
      -- Without the id of a new category its picture would be the old one's.
      case when p_stream ->> 'category' is not null then left(p_stream ->> 'category_id', 100)
        else o.category_id end as category_id,
      coalesce((p_stream ->> 'viewer_count')::integer, o.viewer_count) as viewer_count
    from app.channel_status o
    where o.account_id = p_account and o.platform = p_platform
  ) n
  where s.account_id = p_account and s.platform = p_platform and s.is_online
    and (s.stream_title, s.category, s.category_id, s.viewer_count)
      is distinct from (n.title, n.category, n.category_id, n.viewer_count);
  if not found then
    return false;
  end if;
  perform app.publish_channel(p_account, p_platform, p_now);
  return true;
end
$function$;
revoke execute on function app.update_stream_data(uuid,text,jsonb,timestamp with time zone) from public;
grant execute on function app.update_stream_data(uuid,text,jsonb,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.use_pairing(p_code_hash bytea, p_name text, p_token_hash bytea, p_hint text, p_now timestamp with time zone DEFAULT clock_timestamp())
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_pairing app.pairings;
  v_key jsonb;
begin
  select * into v_pairing from app.pairings p where p.code_hash = p_code_hash for update;
  if not found then
    perform app.refuse('CU404', 'There is no such code: show a new one');
  end if;
  if v_pairing.used_at is not null or v_pairing.expires_at <= p_now then
    perform app.refuse('CU410', 'This code was used or is older than a minute: show a new one');
  end if;
  perform set_config('request.jwt.claims', jsonb_build_object('kind', 'member',
    'sub', v_pairing.created_by, 'role', 'authenticated', 'aud', 'authenticated')::text, true);
  v_key := app.create_key(v_pairing.account_id, 'remote', p_name, null,
    array(select unnest(v_pairing.permissions) intersect select unnest(app.permissions_in(v_pairing.account_id))),
    p_token_hash, p_hint, p_now);
  update app.pairings p
  set used_at = p_now, key_id = (v_key ->> 'id')::uuid
  where p.id = v_pairing.id;
  return v_key;
end
$function$;
revoke execute on function app.use_pairing(bytea,text,bytea,text,timestamp with time zone) from public;
grant execute on function app.use_pairing(bytea,text,bytea,text,timestamp with time zone) to service_role;

CREATE OR REPLACE FUNCTION app.viewer_document(p_viewer uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return (
    select jsonb_build_object('id', v.id, 'platform', v.platform, 'platform_user_id', v.platform_user_id,
      'login', v.login, 'name', v.name, 'picture', v.picture,
      'first_seen_at', v.first_seen_at, 'last_seen_at', v.last_seen_at,
      'followed_at', (select f.followed_at from app.current_followers f where f.viewer_id = v.id),
      'subscription', (
        select jsonb_build_object('tier', s.tier, 'is_gift', s.is_gift, 'started_at', s.started_at)
        from app.viewer_subscriptions s
        where s.viewer_id = v.id and s.ended_at is null
        order by s.started_at desc
        limit 1),
      'roles', (
        select coalesce(jsonb_agg(r.role order by r.role), '[]')
        from app.viewer_roles r
        where r.viewer_id = v.id and r.revoked_at is null))
    from app.viewers v
    where v.id = p_viewer);
end
$function$;
revoke execute on function app.viewer_document(uuid) from public;

CREATE OR REPLACE FUNCTION app.whole_of(p_event jsonb, p_outcomes jsonb)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  select case when p_event ? 'draft'
    then (p_event - 'draft') || jsonb_build_object(
      'event_id', p_outcomes -> (p_event ->> 'draft')::integer -> 'event_id',
      'seq', p_outcomes -> (p_event ->> 'draft')::integer -> 'seq')
    else p_event end
$function$;
revoke execute on function app.whole_of(jsonb,jsonb) from public;

CREATE OR REPLACE FUNCTION app.without_viewers(p_document jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  return case jsonb_typeof(p_document)
    when 'object' then case
      when p_document ? 'login' then 'null'::jsonb
      else coalesce(
        (select jsonb_object_agg(f.key, app.without_viewers(f.value))
          from jsonb_each(p_document) as f
          where f.key !~ '^(user|viewer|username|nickname|display_name|email|ip|(user|viewer)_(id|login|name))$'
            or jsonb_typeof(f.value) = 'object'),
        '{}')
      end
    when 'array' then coalesce(
      (select jsonb_agg(app.without_viewers(f.value) order by f.ord)
        from jsonb_array_elements(p_document) with ordinality as f (value, ord)),
      '[]')
    else p_document
  end;
end
$function$;
revoke execute on function app.without_viewers(jsonb) from public;

create policy "Accounts can be read by who may read something in them" on app.accounts
  for select to authenticated
  using ((id = ANY (( SELECT app.permitted_accounts('events:read'::text) AS permitted_accounts)::uuid[])));

create policy "The audit log can be read by who may read it" on app.audit_log
  for select to authenticated
  using ((account_id = ANY (( SELECT app.permitted_accounts('audit:read'::text) AS permitted_accounts)::uuid[])));

create policy "Subscriptions can be read by who may read overlays" on app.event_subscriptions
  for select to authenticated
  using ((account_id = ANY (( SELECT app.permitted_accounts('overlays:read'::text) AS permitted_accounts)::uuid[])));

create policy "Follows can be read by who may read who did what" on app.follower_history
  for select to authenticated
  using ((account_id = ANY (( SELECT app.permitted_accounts('events:userinfo'::text) AS permitted_accounts)::uuid[])));

create policy "Members can be read by who may read members" on app.members
  for select to authenticated
  using ((account_id = ANY (( SELECT app.permitted_accounts('members:read'::text) AS permitted_accounts)::uuid[])));

create policy "Instances can be read by who may read overlays" on app.overlay_instances
  for select to authenticated
  using ((account_id = ANY (( SELECT app.permitted_accounts('overlays:read'::text) AS permitted_accounts)::uuid[])));

create policy "Queues can be read by who may read overlays" on app.overlay_queues
  for select to authenticated
  using ((account_id = ANY (( SELECT app.permitted_accounts('overlays:read'::text) AS permitted_accounts)::uuid[])));

create policy "Overlays can be read by who may read overlays" on app.overlays
  for select to authenticated
  using ((account_id = ANY (( SELECT app.permitted_accounts('overlays:read'::text) AS permitted_accounts)::uuid[])));

create policy "Permissions can be read by anyone with a token" on app.permissions
  for select to authenticated
  using (true);

create policy "Transitions can be read by who may read events" on app.play_transitions
  for select to authenticated
  using ((account_id = ANY (( SELECT app.permitted_accounts('events:read'::text) AS permitted_accounts)::uuid[])));

create policy "Plays can be read by who may read events" on app.plays
  for select to authenticated
  using ((account_id = ANY (( SELECT app.permitted_accounts('events:read'::text) AS permitted_accounts)::uuid[])));

create policy "Role permissions can be read by anyone with a token" on app.role_permissions
  for select to authenticated
  using (true);

create policy "Roles can be read by anyone with a token" on app.roles
  for select to authenticated
  using (true);

create policy "Roles can be read by who may read who did what" on app.viewer_roles
  for select to authenticated
  using ((account_id = ANY (( SELECT app.permitted_accounts('events:userinfo'::text) AS permitted_accounts)::uuid[])));

create policy "Subscriptions can be read by who may read who did what" on app.viewer_subscriptions
  for select to authenticated
  using ((account_id = ANY (( SELECT app.permitted_accounts('events:userinfo'::text) AS permitted_accounts)::uuid[])));

create policy "Viewers can be read by who may read who did what" on app.viewers
  for select to authenticated
  using ((account_id = ANY (( SELECT app.permitted_accounts('events:userinfo'::text) AS permitted_accounts)::uuid[])));

create policy "Topics can be heard by who may join them" on realtime.messages
  for select to authenticated
  using (( SELECT app.may_join(( SELECT realtime.topic() AS topic), messages.extension) AS may_join));

