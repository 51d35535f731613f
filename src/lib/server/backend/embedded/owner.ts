/**
 * As whom PostgreSQL runs. Its programs refuse root, and a cluster belongs to the user that made
 * it. As root: an existing cluster's owner decides; for a new one we become `postgres`, `node` or
 * `nobody` where that user can reach program and folder; else a user namespace lets root's own
 * processes look like nobody's while the files stay root's (works in a 0700 home too).
 */
import { spawnSync, type SpawnOptions } from 'node:child_process';
import { chownSync, readFileSync, statSync } from 'node:fs';
import type { Binaries } from './binaries.ts';

export type Owner =
	| { kind: 'self' }
	| { kind: 'user'; name: string; uid: number; gid: number }
	| { kind: 'namespace' };

interface Places {
	dataDir: string;
	/** The cluster folder, which may not exist yet. */
	cluster: string;
	binaries: Binaries;
}

const wayOut =
	'Start Cuelight as an ordinary user, set CUELIGHT_DATA to a folder that the user "postgres", "node" or "nobody" can reach, or set DATABASE_URL.';

/**
 * Decides the owner; `exists` says whether the cluster was made before.
 * @throws Error when nobody suitable can run it; names the ways out.
 */
export function chooseOwner(places: Places, exists: boolean): Owner {
	if (process.getuid === undefined) return { kind: 'self' };
	const uid = process.getuid();
	const owner = exists ? statSync(places.cluster) : null;
	if (uid !== 0) {
		if (owner !== null && owner.uid !== uid)
			throw new Error(
				`The database in ${places.cluster} belongs to uid ${owner.uid}, and Cuelight runs as uid ${uid}. Start it as that user, or set CUELIGHT_DATA to another folder.`
			);
		return { kind: 'self' };
	}
	if (owner !== null && owner.uid !== 0) {
		const user: Owner = { kind: 'user', name: `uid ${owner.uid}`, uid: owner.uid, gid: owner.gid };
		if (canReach(user, places)) return user;
		throw new Error(
			`The database in ${places.cluster} belongs to uid ${owner.uid}, who cannot reach that folder or ${places.binaries.postgres}. Give the folders above them search permission (chmod o+x), or start Cuelight as that user.`
		);
	}
	if (owner === null) for (const user of knownUsers()) if (canReach(user, places)) return user;
	if (namespaceWorks(places.binaries)) return { kind: 'namespace' };
	throw new Error(
		`PostgreSQL refuses to run as root, no other user can reach ${places.dataDir}, and user namespaces are not allowed here. ${wayOut}`
	);
}

/** The command that runs a program as the owner. */
export function asOwner(
	owner: Owner,
	program: string,
	args: readonly string[]
): { command: string; args: string[]; options: SpawnOptions } {
	if (owner.kind === 'namespace')
		return {
			command: 'unshare',
			args: ['-U', '--map-user=65534', '--map-group=65534', '--', program, ...args],
			options: {}
		};
	const options = owner.kind === 'user' ? { uid: owner.uid, gid: owner.gid } : {};
	return { command: program, args: [...args], options };
}

/** Gives a path to the owner; in a namespace, and when we are the owner, it is right already. */
export function giveTo(owner: Owner, path: string): void {
	if (owner.kind === 'user') chownSync(path, owner.uid, owner.gid);
}

function knownUsers(): Extract<Owner, { kind: 'user' }>[] {
	const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
	return ['postgres', 'node', 'nobody'].flatMap((name) => {
		const fields = lines.find((line) => line.startsWith(name + ':'))?.split(':');
		const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])];
		// initdb refuses a uid without a passwd entry, so only users found here will do.
		return uid > 0 && gid > 0 ? [{ kind: 'user' as const, name, uid, gid }] : [];
	});
}

/** Tried, not computed: access lists and mount options count too. */
function canReach(user: Extract<Owner, { kind: 'user' }>, places: Places): boolean {
	const script = 'cd "$1" && exec "$2" --version';
	const { uid, gid } = user;
	const args = ['-c', script, 'sh', places.dataDir, places.binaries.postgres];
	return spawnSync('/bin/sh', args, { uid, gid, stdio: 'ignore' }).status === 0;
}

function namespaceWorks(binaries: Binaries): boolean {
	if (process.platform !== 'linux') return false;
	const probe = asOwner({ kind: 'namespace' }, binaries.postgres, ['--version']);
	return spawnSync(probe.command, probe.args, { stdio: 'ignore' }).status === 0;
}
