-- Nothing to sow: the first account is made at the setup page, and partitions by the server's clock.
-- Only so that a database started by the CLI can take events before a server has run:
select app.ensure_event_partitions(now(), 1);
