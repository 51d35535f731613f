/**
 * The contract between everything that sends, decides, shows or controls. zod only; the same
 * files run in the browser, in Node and in Deno.
 *
 * Words, one for each idea, in SQL, TypeScript, pages and documents:
 *
 * - account   a tenant: one channel, team or organisation; has members with roles
 * - event     what happened; type `platform:action`, class, origin, seq
 * - play      one showing of one event on one overlay
 * - overlay   a document made in the designer, addressed by an overlay key
 * - instance  one page that has the overlay open; one of them leads (sounds and reports)
 * - lane      what a play occupies; plays that share a lane wait for each other
 * - channel   the streamer's channel on a platform
 * - command   cancel, replay, skip, pause, resume …: attributed, idempotent, recorded
 * - key       `ck_overlay_…`, `ck_api_…`, `ck_remote_…`, `ck_ingest_…`: a secret, stored hashed
 * - seq       an event's place in its account's log; the cursor of every reader
 * - rev       an overlay queue's change count; a hole in it means: pull
 * - epoch     the life of an account's log; a restored database starts a new one
 */
export * from './event.ts';
export * from './status.ts';
export * from './topic.ts';
export * from './permission.ts';
export * from './message.ts';
export * from './error.ts';
