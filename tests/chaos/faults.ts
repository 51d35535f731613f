/** The faults of a run: what is killed or cut, and how it is found. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect as dial, createServer, type Socket } from 'node:net';
import { join } from 'node:path';

/** The pid of the postmaster that serves a data folder, from its own `postmaster.pid`. */
export function postmasterOf(dataDir: string): number | null {
	for (const name of readdirSync(dataDir)) {
		const file = join(dataDir, name, 'postmaster.pid');
		if (!existsSync(file)) continue;
		const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
		if (Number.isInteger(pid) && pid > 1) return pid;
	}
	return null;
}

function childrenOf(parent: number): number[] {
	const children: number[] = [];
	for (const name of readdirSync('/proc')) {
		if (!/^\d+$/.test(name)) continue;
		try {
			const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
			const ppid = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
			if (Number(ppid) === parent) children.push(Number(name));
		} catch {
			// It ended while we looked.
		}
	}
	return children;
}

/** SIGKILL to the postmaster and all its children at once; whether anything was there to kill. */
export function killDatabase(dataDir: string): boolean {
	const postmaster = postmasterOf(dataDir);
	if (postmaster === null) return false;
	let killed = false;
	for (const pid of [postmaster, ...childrenOf(postmaster)])
		try {
			process.kill(pid, 'SIGKILL');
			killed = true;
		} catch {
			// It ended by itself when its parent did.
		}
	return killed;
}

export interface Link {
	port: number;
	/** Cuts every connection and refuses new ones until `restore`. */
	cut(): void;
	restore(): void;
	close(): void;
}

/** A TCP proxy between the pages and the server, so that their network can fail while both live. */
export async function openLink(target: number): Promise<Link> {
	const sockets = new Set<Socket>();
	let down = false;
	const server = createServer((client) => {
		if (down) return void client.destroy();
		const upstream = dial(target, '127.0.0.1');
		for (const [socket, other] of [
			[client, upstream],
			[upstream, client]
		] as const) {
			sockets.add(socket);
			socket.pipe(other);
			socket.on('error', () => other.destroy());
			socket.on('close', () => {
				sockets.delete(socket);
				other.destroy();
			});
		}
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('the link has no port');
	const drop = () => {
		for (const socket of sockets) socket.destroy();
	};
	return {
		port: address.port,
		cut: () => {
			down = true;
			drop();
		},
		restore: () => {
			down = false;
		},
		close: () => {
			drop();
			server.close();
		}
	};
}
