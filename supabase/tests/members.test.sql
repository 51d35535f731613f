-- Members and invitations: who may, who may not, and that an owner always remains.
begin;
select no_plan();
select tests.set_scene();

-- Nobody without the permission, and nobody from elsewhere.
create function tests.refuses_members(p_code text, p_who text) returns setof text
language plpgsql as $$
declare
  v_verb text;
begin
  foreach v_verb in array array[
    $v$ app.change_role(tests.account(), tests.id('moderator'), 'administrator', tests.at(0)) $v$,
    $v$ app.remove_member(tests.account(), tests.id('moderator'), tests.at(0)) $v$,
    $v$ app.create_invitation(tests.account(), 'moderator', null, sha256('x'), tests.at(60), tests.at(0)) $v$,
    $v$ app.revoke_invitation(tests.account(), tests.id('none'), tests.at(0)) $v$,
    $v$ app.transfer_ownership(tests.account(), tests.id('administrator'), tests.at(0)) $v$,
    $v$ app.list_members(tests.account()) $v$,
    $v$ app.list_invitations(tests.account()) $v$]
  loop
    return next throws_ok('select ' || v_verb, p_code, null, format('%s: %s', p_who, v_verb));
  end loop;
end
$$;
select tests.act_as('moderator');
select tests.refuses_members('CU403', 'A moderator may not');
select tests.act_as('stranger');
select tests.refuses_members('CU404', 'For a stranger there is no account');
select throws_ok($$ select app.leave_account(tests.account(), tests.at(0)) $$, 'CU404', null, 'nor one to leave');
select throws_ok($$ select app.set_default_account(tests.account(), tests.at(0)) $$, 'CU404', null, 'nor one to begin in');
select tests.act_as_api_key();
select tests.refuses_members('CU403', 'A key without the permission may not');
select throws_ok($$ select app.leave_account(tests.account(), tests.at(0)) $$, 'CU404', null, 'A key does not leave');
select throws_ok($$ select app.accept_invitation(sha256('x'), tests.at(0)) $$, 'CU403', null, 'nor accept');
select tests.act_as_page();
select tests.refuses_members('CU404', 'For a page there is no account');
select tests.act_as_anonymous();
select tests.refuses_members('42501', 'The anonymous may not ask');
select throws_ok($$ select app.accept_invitation(sha256('x'), tests.at(0)) $$, '42501', null, 'nor accept');
select throws_ok($$ select app.find_invitation(sha256('x'), tests.at(0)) $$, '42501', null, 'nor look');
select tests.act_as('owner');
select throws_ok($$ select app.find_invitation(sha256('x'), tests.at(0)) $$, '42501', null, 'Not even the owner tries links');
select throws_ok($$ select * from app.invitations $$, '42501', null, 'nor reads hashes');
select tests.remember('wide', app.create_key(tests.account(), 'api', 'Wide', null, '{members:edit,members:read}', sha256('wide'), 'w', tests.at(0)) ->> 'id');
select tests.act('authenticated', jsonb_build_object('sub', tests.value('wide'), 'key_id', tests.value('wide'), 'kind', 'api'));
select throws_ok($$ select app.create_invitation(tests.account(), 'moderator', null, sha256('x'), tests.at(60), tests.at(0)) $$, 'CU403', null,
  'A key changes no members, whatever it holds');
select is(jsonb_array_length(app.list_members(tests.account())), 3, 'but lists them');

-- An administrator: everything short of owners and of themselves.
select tests.act_as('administrator');
select throws_ok($$ select app.change_role(tests.account(), tests.id('administrator'), 'moderator', tests.at(0)) $$, 'CU403', null, 'Nobody changes their own role');
select throws_ok($$ select app.change_role(tests.account(), tests.id('moderator'), 'owner', tests.at(0)) $$, 'CU403', null, 'nobody gives what they lack');
select throws_ok($$ select app.change_role(tests.account(), tests.id('owner'), 'moderator', tests.at(0)) $$, 'CU403', null, 'nor takes it');
select throws_ok($$ select app.remove_member(tests.account(), tests.id('owner'), tests.at(0)) $$, 'CU403', null, 'nor removes who has more');
select throws_ok($$ select app.create_invitation(tests.account(), 'owner', null, sha256('x'), tests.at(60), tests.at(0)) $$, 'CU403', null, 'nor invites to it');
select throws_ok($$ select app.transfer_ownership(tests.account(), tests.id('moderator'), tests.at(0)) $$, 'CU403', null, 'Only an owner gives the account');
select throws_ok($$ select app.change_role(tests.account(), tests.id('nobody'), 'moderator', tests.at(0)) $$, 'CU404', null, 'Nobody is nobody');
select throws_ok($$ select app.change_role(tests.account(), tests.id('moderator'), 'king', tests.at(0)) $$, 'CU400', null, 'There is no such role');
select throws_ok($$ select app.create_invitation(tests.account(), 'moderator', null, sha256('x'), tests.at(60 * 86400), tests.at(0)) $$, 'CU400', null, 'Nothing is open for two months');
select is(app.change_role(tests.account(), tests.id('moderator'), 'administrator', tests.at(1)) ->> 'role', 'administrator', 'gives their own role');
select is(app.change_role(tests.account(), tests.id('moderator'), 'moderator', tests.at(2)) ->> 'role', 'moderator', 'and takes it');

-- Invitations.
select tests.remember('invitation', app.create_invitation(tests.account(), 'moderator', 'ann@example.com', sha256('link'), tests.at(100), tests.at(0)) ->> 'id');
select tests.remember('other', app.create_invitation(tests.account(), 'administrator', null, sha256('other'), tests.at(100), tests.at(0)) ->> 'id');
select is(app.list_invitations(tests.account()) #> '{0,token_hash}', null, 'Lists hold no hashes');
select tests.act_as_server();
select is(app.find_invitation(sha256('link'), tests.at(99)) ->> 'state', 'open', 'open until it expires');
select is(app.find_invitation(sha256('link'), tests.at(100)) ->> 'state', 'expired', 'and not at that moment');
select is(app.find_invitation(sha256('guess'), tests.at(0)), null, 'Unknown links are nothing');
select tests.act_as('moderator');
select throws_ok($$ select app.accept_invitation(sha256('link'), tests.at(10)) $$, 'CU409', null, 'A member does not use one up');
select tests.act_as('nobody');
select throws_ok($$ select app.accept_invitation(sha256('guess'), tests.at(10)) $$, 'CU404', null, 'A guess opens nothing');
select throws_ok($$ select app.accept_invitation(sha256('link'), tests.at(100)) $$, 'CU410', null, 'nor does what expired');
select is(app.accept_invitation(sha256('link'), tests.at(10)) ->> 'role', 'moderator', 'Who holds the link becomes a member');
select tests.act_as('stranger');
select throws_ok($$ select app.accept_invitation(sha256('link'), tests.at(11)) $$, 'CU410', null, 'once');
select tests.act_as('owner');
select throws_ok($$ select app.revoke_invitation(tests.account(), tests.value('invitation'), tests.at(12)) $$, 'CU409', null, 'What was accepted stays');
select app.change_role(tests.account(), tests.id('administrator'), 'moderator', tests.at(13));
select tests.act_as('stranger');
select throws_ok($$ select app.accept_invitation(sha256('other'), tests.at(14)) $$, 'CU410', null,
  'An invitation is worth no more than who made it may give now');
select tests.act_as('owner');
select app.change_role(tests.account(), tests.id('administrator'), 'administrator', tests.at(15));
select ok(app.revoke_invitation(tests.account(), tests.value('other'), tests.at(16)) ->> 'revoked_at' is not null, 'The owner revokes it');
select tests.act_as('stranger');
select throws_ok($$ select app.accept_invitation(sha256('other'), tests.at(17)) $$, 'CU410', null, 'and it opens nothing');

-- Owners.
select tests.act_as('owner');
select throws_ok($$ select app.leave_account(tests.account(), tests.at(20)) $$, 'CU409', null, 'The last owner stays');
select throws_ok($$ select app.remove_member(tests.account(), tests.id('owner'), tests.at(20)) $$, 'CU409', null, 'whatever way');
select throws_ok($$ select app.transfer_ownership(tests.account(), tests.id('stranger'), tests.at(20)) $$, 'CU404', null, 'Only members become owners');
select is(app.transfer_ownership(tests.account(), tests.id('administrator'), tests.at(21)) ->> 'role', 'owner', 'The account is given away');
select tests.act_as_server();
select is((select role from app.members where account_id = tests.account() and user_id = tests.id('owner')), 'administrator', 'by who is an administrator then');
select tests.act_as('owner');
select throws_ok($$ select app.transfer_ownership(tests.account(), tests.id('moderator'), tests.at(22)) $$, 'CU403', null, 'and may not again');
select is(app.leave_account(tests.account(), tests.at(23)) ->> 'role', 'administrator', 'and may leave');
select throws_ok($$ select app.list_members(tests.account()) $$, 'CU404', null, 'into being a stranger');
select tests.act_as('nobody');
select is(app.set_default_account(tests.account(), tests.at(24)) #>> '{0,is_default}', 'true', 'A person begins where they say');

-- A token that names its session ends with it.
select tests.act_as_server();
insert into identity."user" ("id", "name", "email", "emailVerified") values (tests.id('administrator'), 'Ad', 'ad@example.com', false);
insert into identity."session" ("id", "expiresAt", "token", "updatedAt", "userId")
values (tests.id('session'), now() + interval '1 day', 't', now(), tests.id('administrator'));
create function tests.act_in_session() returns void language sql as $$
  select tests.act('authenticated', jsonb_build_object('sub', tests.id('administrator'), 'kind', 'member', 'session_id', tests.id('session')))
$$;
select tests.act_in_session();
select is(app.has_permission(tests.account(), 'account:manage'), true, 'A session is worth its member');
select tests.act_as_server();
delete from identity."session" where "id" = tests.id('session');
select tests.act_in_session();
select is(app.has_permission(tests.account(), 'account:manage'), false, 'and nothing after its end');
select is(app.my_accounts(), '[]', 'nothing at all');
select is((select count(*) from app.accounts), 0::bigint, 'nor through a policy');

-- Each deed left its entry.
select tests.act_as_server();
select set_eq($$ select distinct action from app.audit_log where account_id = tests.account() and action ~ '^(member|invitation|session)' $$,
  array['member.role', 'member.transfer', 'member.leave', 'member.default', 'invitation.create', 'invitation.accept',
    'invitation.revoke', 'session.start', 'session.end'], 'All of it stands in the log');

select * from finish();
rollback;
