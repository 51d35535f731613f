-- What holds for every table and function there is, and will be.
begin;
select no_plan();

select is_empty($$
  select c.oid::regclass from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('app', 'identity') and c.relkind in ('r', 'p')
    and not (c.relrowsecurity and c.relforcerowsecurity)
$$, 'Every table has row level security enabled and forced');

select is_empty($$
  select c.oid::regclass from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('app', 'identity') and c.relkind = 'v'
    and not coalesce(c.reloptions @> '{security_invoker=true}', false)
$$, 'Every view judges by who asks');

select is_empty($$
  select p.oid::regprocedure from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('app', 'identity')
    and not coalesce(p.proconfig @> '{"search_path=\"\""}', false)
$$, 'Every function sets an empty search_path');

select is_empty($$
  select p.oid::regprocedure from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('app', 'identity') and has_function_privilege('anon', p.oid, 'execute')
$$, 'The anonymous may execute nothing');

select is_empty($$
  select p.oid::regprocedure from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
  where n.nspname in ('app', 'identity') and a.grantee = 0
$$, 'Public may execute nothing');

select is_empty($$
  select c.oid::regclass, r.rolname, a.privilege_type from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  cross join lateral aclexplode(c.relacl) a
  left join pg_roles r on r.oid = a.grantee
  where n.nspname in ('app', 'identity') and a.grantee <> c.relowner
    and not (r.rolname = 'authenticated' and a.privilege_type = 'SELECT' and n.nspname = 'app')
$$, 'Nobody but the owner may write a table, and only tokens may read some');

select is_empty($$
  select c.oid::regclass from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'app' and has_table_privilege('authenticated', c.oid, 'select')
    and c.relkind in ('r', 'p') and not exists (select from pg_policy p where p.polrelid = c.oid)
$$, 'What tokens may read has a policy');

select set_eq($$
  select p.proname::text from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  where n.nspname = 'app' and has_function_privilege('authenticated', p.oid, 'execute')
$$, array['has_permission', 'permitted_accounts', 'require_permission', 'my_accounts',
  'create_key', 'rotate_key', 'revoke_key', 'list_keys',
  'list_overlays', 'get_overlay', 'overlay_document',
  'emit_events', 'list_events', 'get_event', 'pull_events', 'get_queue',
  'pull_overlay', 'heartbeat', 'claim_next', 'report_play',
  'cancel_event', 'cancel_play', 'replay_event', 'skip', 'pause', 'resume',
  'save_connection', 'list_connections', 'may_join',
  'get_connection', 'update_connection', 'disconnect',
  'save_client', 'remove_client', 'list_clients',
  'begin_authorization', 'take_authorization', 'complete_authorization', 'get_authorization',
  'list_tasks', 'run_task', 'set_task_enabled', 'list_viewers', 'get_viewer', 'erase_viewer',
  'get_status', 'get_spotify_manual', 'start_spotify_manual', 'stop_spotify_manual',
  'get_source', 'request_reconcile',
  'list_members', 'change_role', 'remove_member', 'leave_account', 'transfer_ownership',
  'set_default_account', 'create_invitation', 'list_invitations', 'revoke_invitation', 'accept_invitation',
  'create_pairing', 'get_pairing',
  'list_audit', 'note_export', 'export_tables', 'export_rows', 'delete_account',
  'get_subscriptions', 'set_subscriptions',
  'list_event_types', 'find_event_type', 'create_event_type', 'update_event_type', 'delete_event_type',
  'list_event_templates', 'find_event_template', 'save_event_template', 'delete_event_template',
  'event_analytics', 'overlay_analytics', 'list_upcoming',
  'claim_idempotency_key', 'keep_answer'],
  'Tokens may execute the public verbs and nothing else');

select is_empty($$
  select p.polname from pg_policy p
  where p.polrelid = 'realtime.messages'::regclass and p.polcmd <> 'r'
$$, 'Clients never send: there is no policy for writing messages');

-- A foreign key without an index makes every delete on the other side read the whole table.
select is_empty($$
  select k.conname, k.conrelid::regclass from pg_constraint k
  join pg_namespace n on n.oid = k.connamespace
  where k.contype = 'f' and n.nspname in ('app', 'identity') and k.conparentid = 0
    and not exists (
      select from pg_index i
      where i.indrelid = k.conrelid and i.indpred is null
        and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
$$, 'Every foreign key has an index');

select is_empty($$
  select c.oid::regclass from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('app', 'identity') and c.relkind in ('r', 'p')
    and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'p')
$$, 'Every table has a primary key');

select * from finish();
rollback;
