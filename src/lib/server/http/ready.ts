/** Whether the server can do its work now. */
import { AppError } from '$lib/bus/error.ts';
import { services } from '$lib/server/services.ts';

const PATIENCE_MS = 2_000;

/** Resolves when the database answers within 2 s; throws `unavailable` otherwise. */
export async function awaitDatabase(): Promise<void> {
	const { database } = services();
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS} ms`)), PATIENCE_MS);
	});
	try {
		await Promise.race([database.ping(), late]);
	} catch (cause) {
		throw new AppError('unavailable', 'The database does not answer.', { cause, retryAfter: 1 });
	} finally {
		clearTimeout(timer);
	}
}
