/** `npm start`: builds when needed, then runs the server in this process tree until it ends. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { ensureBuilt, root, serverFile } from './build.ts';

const PARENT_CHECK_MS = 500;
const OLDEST_NODE = [20, 19] as const;

function requireNode(): void {
	const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
	const [wantedMajor, wantedMinor] = OLDEST_NODE;
	if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
	console.error(
		`Cuelight needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}. Get one at https://nodejs.org.`
	);
	process.exit(1);
}

/** Who started this process and, under npm, who started that; of the latter only Linux tells. */
function findStarters(): string {
	const parent = process.ppid;
	if (process.env.npm_lifecycle_event === undefined) return `${parent}`;
	try {
		const stat = readFileSync(`/proc/${parent}/stat`, 'utf8');
		// The name, in brackets, may hold anything; the state and the parent follow it.
		return `${parent} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]}`;
	} catch {
		return `${parent}`;
	}
}

function run(): void {
	// The channel tells the server when this process is gone, however it went.
	const child = spawn(process.execPath, ['--enable-source-maps', serverFile], {
		cwd: root,
		env: { ...process.env, NODE_ENV: 'production' },
		stdio: ['inherit', 'inherit', 'inherit', 'ipc']
	});
	const pass = (signal: NodeJS.Signals) => () => child.kill(signal);
	process.on('SIGINT', pass('SIGINT'));
	process.on('SIGTERM', pass('SIGTERM'));
	process.on('SIGHUP', pass('SIGTERM'));
	// The shell between npm and us passes no signals on, and npm may be killed over its head.
	// Left without who started it, the server would live on unseen and hold its port.
	const starters = findStarters();
	const watch = setInterval(() => {
		if (findStarters() !== starters) child.kill('SIGTERM');
	}, PARENT_CHECK_MS);
	watch.unref();
	child.once('error', (error) => {
		console.error(`The server could not be started: ${error.message}`);
		process.exit(1);
	});
	child.once('exit', (code, signal) => {
		process.exit(code ?? (signal === 'SIGKILL' ? 137 : 143));
	});
}

/** Whether something answers at our address: perhaps the Cuelight that is running already. */
function isTaken(): Promise<boolean> {
	const port = Number(process.env.PORT || 4517);
	const host = process.env.HOST || '127.0.0.1';
	return new Promise((resolve) => {
		const socket = connect({ port, host: host === '0.0.0.0' ? '127.0.0.1' : host });
		socket.once('connect', () => {
			socket.destroy();
			resolve(true);
		});
		socket.once('error', () => resolve(false));
	});
}

requireNode();
try {
	// A new build takes the files of a running server away: let the server say what is the matter.
	if (!existsSync(serverFile) || !(await isTaken())) await ensureBuilt((line) => console.log(line));
} catch (error) {
	console.error(error instanceof Error ? error.message : error);
	process.exit(1);
}
run();
