/**
 * The one-time token of first run. It stands in the data folder, readable only by the person who
 * runs the server, and in the link printed at start; whoever has it makes the first account. It
 * is gone with its use.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '$lib/bus/error.ts';
import { replaceFile } from './files.ts';
import { hashKey } from './secrets.ts';

export const SETUP_FILE = 'setup.json';
const SetupFile = z.object({ origin: z.url(), token: z.string() });

export const alreadySetUp = () => new AppError('gone', 'This Cuelight is already set up: sign in.');

export class SetupToken {
	readonly #file: string;
	#token: string | null;
	/** One setup at a time: the second waits and then finds the token used. */
	#turn: Promise<unknown> = Promise.resolve();

	private constructor(file: string, token: string | null) {
		this.#file = file;
		this.#token = token;
	}

	/** With an account already there, no token; else the folder's token, made when missing. */
	static async open(dataDir: string, origin: string, isDone: boolean): Promise<SetupToken> {
		const file = join(dataDir, SETUP_FILE);
		if (isDone) {
			await rm(file, { force: true });
			return new SetupToken(file, null);
		}
		// A link that was printed before a restart stays good.
		const token = (await readToken(file)) ?? randomBytes(32).toString('base64url');
		await replaceFile(file, JSON.stringify({ origin, token }));
		return new SetupToken(file, token);
	}

	/** The token while setup waits, for the link that is printed at start. */
	get waiting(): string | null {
		return this.#token;
	}

	/** Runs a setup that shows this token, and voids the token when it succeeded. */
	async use<T>(shown: string, setUp: () => Promise<T>): Promise<T> {
		const turn = this.#turn.then(async () => {
			if (this.#token === null) throw alreadySetUp();
			if (!timingSafeEqual(hashKey(shown), hashKey(this.#token)))
				throw new AppError(
					'forbidden',
					'This is not the setup link that the server printed: copy it again from where it runs.'
				);
			const result = await setUp();
			this.#token = null;
			await rm(this.#file, { force: true });
			return result;
		});
		this.#turn = turn.catch(() => undefined);
		return turn;
	}
}

async function readToken(file: string): Promise<string | null> {
	try {
		return SetupFile.parse(JSON.parse(await readFile(file, 'utf8'))).token;
	} catch {
		return null;
	}
}
