import { mkdirSync, writeFileSync } from 'node:fs';
import { told } from '../../src/lib/client/index.ts';
import { awaitTurn, monotonicEpoch, turnsOf } from './pixels.ts';
import { awaitQueue, expect, isIdle, openOverlay, test } from './product.ts';
import { cheer } from './twitch.ts';

const artefacts = 'artefacts/e2e-pictures';
mkdirSync(artefacts, { recursive: true });

const quantile = (values: number[], q: number) =>
	[...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(values.length * q) - 1)] ?? NaN;
const summary = (values: number[]) =>
	`p50 ${quantile(values, 0.5).toFixed(0)} ms, p95 ${quantile(values, 0.95).toFixed(0)} ms, ` +
	`p99 ${quantile(values, 0.99).toFixed(0)} ms, max ${Math.max(...values).toFixed(0)} ms (n ${values.length})`;

test('a signed webhook is painted on the overlay, and a cancel takes it off for good', async ({
	browser,
	stage
}) => {
	test.setTimeout(240_000);
	const overlay = await openOverlay(browser, stage);
	await awaitQueue(stage, (queue) => queue.overlays.some((o) => o.leader_id !== null));
	const toPaint: number[] = [];
	const toGone: number[] = [];
	const rounds = 40;
	for (let round = 0; round < rounds; round += 1) {
		const turns = (await turnsOf(overlay)).length;
		expect(turns % 2).toBe(0);
		const sent = monotonicEpoch();
		expect(await cheer(stage.product.origin, `Viewer${round}`)).toBeLessThan(300);
		const painted = await awaitTurn(overlay, turns + 1);
		expect(painted.painted).toBe(true);
		toPaint.push(painted.at - sent);
		const queue = await awaitQueue(stage, (q) => q.overlays.some((o) => o.playing.length === 1));
		const play = queue.overlays.flatMap((o) => o.playing)[0];
		// The entrance is over after a moment: the picture shows the alert in full.
		if (round === 0) {
			await overlay.waitForTimeout(1200);
			await overlay.screenshot({ path: `${artefacts}/alert.png`, omitBackground: true });
		}
		const path = { id: play?.event_id ?? '' };
		await told(stage.client.PUT('/v1/events/{id}/cancel', { params: { path } }));
		const acknowledged = monotonicEpoch();
		const gone = await awaitTurn(overlay, turns + 2);
		expect(gone.painted).toBe(false);
		toGone.push(gone.at - acknowledged);
		await awaitQueue(stage, isIdle);
	}
	console.log(`webhook → painted: ${summary(toPaint)}`);
	console.log(`cancel acknowledged → gone: ${summary(toGone)}`);
	writeFileSync(`${artefacts}/times.json`, JSON.stringify({ toPaint, toGone }, null, '\t'));
	// Nothing that was cancelled comes back, also not after a reload.
	const before = (await turnsOf(overlay)).length;
	expect(before).toBe(rounds * 2);
	await overlay.reload();
	await awaitQueue(stage, (q) => q.overlays.some((o) => o.instances.some((i) => i.leads)));
	await cheer(stage.product.origin, 'AfterReload');
	await awaitTurn(overlay, 1);
	const { overlay_id } = stage.account;
	await told(stage.client.POST('/v1/queue/skip', { body: { overlay_id } }));
	await awaitQueue(stage, isIdle);
	const query = { types: ['twitch:cheer'], limit: 100 };
	const { items } = await told(stage.client.GET('/v1/events', { params: { query } }));
	const cancelled = items.filter(({ status }) => status === 'cancelled');
	// Those of the rounds and the one just skipped: nothing of it was shown to its end.
	expect(cancelled).toHaveLength(rounds + 1);
	await overlay.context().close();
});

test('two open copies show the same alert together, and one of them sounds', async ({
	browser,
	stage
}) => {
	const [first, second] = [await openOverlay(browser, stage), await openOverlay(browser, stage)];
	// The page of the test before may hold the lease for the seconds that it lasts beyond its page.
	const leading = () =>
		Promise.all(
			[first, second].map((page) => page.evaluate(() => window.__cuelight?.leads === true))
		);
	await expect(async () => {
		expect((await leading()).filter(Boolean)).toHaveLength(1);
	}).toPass({ intervals: [50] });
	await cheer(stage.product.origin, 'Everybody');
	const [one, two] = [await awaitTurn(first, 1), await awaitTurn(second, 1)];
	expect(one.painted && two.painted).toBe(true);
	console.log(`two copies painted ${Math.abs(one.at - two.at).toFixed(0)} ms apart`);
	const sounding = await Promise.all(
		[first, second].map((page) => page.evaluate(() => window.__cuelight?.sounding === true))
	);
	expect(sounding.filter(Boolean)).toHaveLength(1);
	await first.screenshot({ path: `${artefacts}/copy-one.png`, omitBackground: true });
	await second.screenshot({ path: `${artefacts}/copy-two.png`, omitBackground: true });
	await first.context().close();
	await second.context().close();
});

test('a webhook with a wrong signature is refused and nothing is stored', async ({ stage }) => {
	const count = async () =>
		(await told(stage.client.GET('/v1/events', { params: { query: { search: 'Impostor' } } })))
			.total;
	const status = await cheer(stage.product.origin, 'Impostor', { secret: 'not the secret' });
	expect(status).toBe(403);
	expect(await count()).toBe(0);
});
