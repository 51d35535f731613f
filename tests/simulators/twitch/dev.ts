/**
 * `npm run dev:twitch`: the simulator on a fixed port, with its page. `-- --with-product` starts
 * Cuelight too, pointed here; `-- --port N` listens elsewhere.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { control } from './control.ts';
import { startTwitch, type TwitchSimulator } from './simulator.ts';

const { values } = parseArgs({
	options: {
		port: { type: 'string', default: '4520' },
		'with-product': { type: 'boolean', default: false }
	}
});

let twitch: TwitchSimulator | undefined;
try {
	twitch = await startTwitch({
		port: Number(values.port),
		// Other ids each time, so that the product does not take new events for known ones.
		seed: Date.now() % 1_000_000,
		name: `dev${Date.now()}`,
		extra: (asked) => (twitch === undefined ? undefined : control(twitch, asked))
	});
} catch (error) {
	console.error(`The simulated Twitch could not start on port ${values.port}: ${String(error)}`);
	console.error('Choose another one: npm run dev:twitch -- --port 4600');
	process.exit(1);
}
const variables = Object.entries(twitch.env).map(([name, value]) => `${name}=${value}`);
console.log(`Simulated Twitch: ${twitch.origin}\n`);
if (values['with-product']) {
	const product = spawn('npm', ['start'], {
		stdio: 'inherit',
		env: { ...process.env, ...twitch.env },
		shell: process.platform === 'win32'
	});
	product.once('exit', (code) => process.exit(code ?? 1));
	// npm passes these on; ending first would leave it without an orderly end.
	for (const signal of ['SIGINT', 'SIGTERM'] as const)
		process.on(signal, () => product.kill(signal));
} else {
	console.log(
		`Start Cuelight against it in another terminal:\n\n  ${variables.join(' \\\n  ')} \\\n  npm start\n`
	);
	for (const signal of ['SIGINT', 'SIGTERM'] as const)
		process.on(signal, () => void twitch?.stop().then(() => process.exit(0)));
}
