/** With what one signs in, from where one is signed in, and what can be done about both. */
import { ApiError, type Api } from './api.ts';
import type { MyWaysIn, Session, WaysIn } from './security-calls.ts';

export class Security {
	/** Null until the first answer. */
	mine: MyWaysIn | null = $state.raw(null);
	ways: WaysIn | null = $state.raw(null);
	sessions: Session[] | null = $state.raw(null);
	/** Why they could not be read. */
	error: ApiError | null = $state.raw(null);
	/** What is being done right now: a name of the part that does it. */
	busy: string | null = $state(null);
	/** Why the last command was refused, and which part gave it. */
	refusal: { part: string; error: ApiError } | null = $state.raw(null);

	constructor(readonly api: Api['security']) {}

	load = async (): Promise<void> => {
		try {
			[this.mine, this.ways, this.sessions] = await Promise.all([
				this.api.mine(),
				this.api.ways(),
				this.api.sessions()
			]);
			this.error = null;
		} catch (error) {
			this.error = error instanceof ApiError ? error : new ApiError('internal', String(error));
		}
	};

	/** Why the last command of a part was refused, or null. */
	refused = (part: string): ApiError | null =>
		this.refusal?.part === part ? this.refusal.error : null;

	/** Gives a command and reads everything again; null when it was refused. */
	async do<Answer>(part: string, run: () => Promise<Answer>): Promise<{ answer: Answer } | null> {
		this.busy = part;
		this.refusal = null;
		try {
			const answer = await run();
			await this.load();
			return { answer };
		} catch (error) {
			const told = error instanceof ApiError ? error : new ApiError('internal', String(error));
			this.refusal = { part, error: told };
			return null;
		} finally {
			this.busy = null;
		}
	}
}
