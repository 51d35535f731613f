-- Accounts, members, roles.
begin;
select no_plan();
select tests.set_scene();

select tests.act_as('owner');
select ok(app.has_permission(tests.account(), 'account:manage'), 'The owner may manage the account');
select is(app.my_accounts() #>> '{0,role}', 'owner', 'The owner sees the role');
select is(jsonb_array_length(app.my_accounts()), 1, 'and only the own account');
select is((select count(*)::int from app.members), 3, 'The owner reads the members of the account, not those elsewhere');
select is((select count(*)::int from app.accounts), 1, 'and one account');
select throws_ok($$ update app.members set role = 'owner' $$, '42501', null, 'Nobody writes a table');

select tests.act_as('administrator');
select ok(app.has_permission(tests.account(), 'members:edit'), 'An administrator may edit members');
select ok(not app.has_permission(tests.account(), 'account:manage'), 'but not manage the account');
select throws_ok($$ select app.require_permission(tests.account(), 'account:manage') $$, 'CU403', null,
  'What one may not do in the own account is forbidden');

select tests.act_as('moderator');
select ok(app.has_permission(tests.account(), 'queue:control'), 'A moderator may control the queue');
select ok(not app.has_permission(tests.account(), 'overlays:edit'), 'but not edit overlays');
select is((select count(*)::int from app.members), 0, 'nor read members');

select tests.act_as('stranger');
select ok(not app.has_permission(tests.account(), 'events:read'), 'A stranger has no permission');
select throws_ok($$ select app.require_permission(tests.account(), 'events:read') $$, 'CU404', null,
  'For a stranger the account does not exist');
select is((select count(*)::int from app.accounts where id = tests.account()), 0, 'not even as a row');

select tests.act_as('nobody');
select is(app.my_accounts(), '[]'::jsonb, 'Who belongs nowhere has no accounts');

select tests.act_as_anonymous();
select throws_ok($$ select app.my_accounts() $$, '42501', null, 'The anonymous may not even ask');
select throws_ok($$ select * from app.accounts $$, '42501', null, 'nor read');

select tests.act_as_page();
select ok(not app.has_permission(tests.account(), 'events:read'), 'A page has no permissions');
select is(app.my_accounts(), '[]'::jsonb, 'and no accounts');

select tests.act_as_api_key();
select ok(app.has_permission(tests.account(), 'events:create'), 'A key may do what it was given');
select ok(not app.has_permission(tests.account(), 'keys:edit'), 'and no more, though its creator may');
select ok(not app.has_permission(tests.elsewhere(), 'events:create'), 'and nowhere else');
select is(app.my_accounts() #>> '{0,id}', tests.account()::text, 'A key knows its account');

select tests.act_as_server();
update app.members set role = 'moderator' where user_id = tests.id('owner') and account_id = tests.account();
select tests.act_as_api_key();
select ok(app.has_permission(tests.account(), 'events:create'), 'A key keeps what its creator still may');
select tests.act_as_server();
delete from app.members where user_id = tests.id('owner') and account_id = tests.account();
select tests.act_as_api_key();
select ok(not app.has_permission(tests.account(), 'events:create'), 'and loses what its creator loses');
select tests.act_as('owner');
select throws_ok($$ select app.require_permission(tests.account(), 'events:read') $$, 'CU404', null,
  'A member who was removed is a stranger');

select tests.act_as_server();
select ok(app.account_exists(), 'The first account has been made');
select is((select array_agg(width || 'x' || height) from app.overlays where id = tests.overlay()),
  array['1280x720'], 'The first overlay takes its size from its document');
select throws_ok($$ select app.create_account('', tests.id('owner'), '{}') $$, 'CU400', null, 'An account needs a name');
select throws_ok($$ update app.audit_log set action = 'nothing' $$, 'CU409', null, 'The audit log cannot be changed');
select throws_ok($$ delete from app.audit_log $$, 'CU409', null, 'nor shortened');
select throws_ok($$ truncate app.play_transitions $$, 'CU409', null, 'nor can the moves of plays be forgotten');
select is(app.renew_epochs(), 2, 'After a restore every log starts a new life');

select tests.act_as('administrator');
select is((select array_agg(action order by id) from app.audit_log),
  array['account.create', 'key.create', 'key.create'], 'The audit log is read by who may, for the own account');
select tests.act_as('moderator');
select is((select count(*)::int from app.audit_log), 0, 'and not by moderators');
select tests.act_as('stranger');
select is((select count(*)::int from app.audit_log where account_id = tests.account()), 0, 'nor by strangers');

select * from finish();
rollback;
