/** Small secret files of the data folder: readable by their owner only, whole or not there at all. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

async function writeAside(file: string, text: string): Promise<string> {
	await mkdir(dirname(file), { recursive: true, mode: 0o700 });
	const aside = `${file}.${randomUUID()}`;
	const handle = await open(aside, 'wx', 0o600);
	try {
		await handle.writeFile(text);
		await handle.sync();
	} finally {
		await handle.close();
	}
	return aside;
}

/** Writes a file that a crash leaves either as it was or complete. Mode 0600. */
export async function replaceFile(file: string, text: string): Promise<void> {
	await rename(await writeAside(file, text), file);
}

/** Makes the file unless it exists: of several processes that try, all see the first one's. */
export async function createOnce(
	file: string,
	text: () => string | Promise<string>
): Promise<void> {
	if (await exists(file)) return;
	const aside = await writeAside(file, await text());
	try {
		await link(aside, file);
	} catch {
		// Another process was first, or this file system has no hard links.
		if (!(await exists(file))) await rename(aside, file);
	} finally {
		await rm(aside, { force: true });
	}
}

const exists = (file: string): Promise<boolean> =>
	stat(file).then(
		() => true,
		() => false
	);
