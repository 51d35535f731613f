/** The members of the account and who is invited, and what can be done to them. */
import type { Role } from '$lib/bus';
import { ApiError, type Api } from './api.ts';
import type { Invitation, Member } from './people-calls.ts';

const told = (error: unknown) =>
	error instanceof ApiError ? error : new ApiError('internal', String(error));

export class People {
	/** Owners first; null until the first answer. */
	members: Member[] | null = $state.raw(null);
	/** Newest first; null until the first answer. */
	invitations: Invitation[] | null = $state.raw(null);
	/** Why the lists could not be read. */
	error: ApiError | null = $state.raw(null);
	/** Why the last command was refused. */
	commandError: ApiError | null = $state.raw(null);
	/** What is being done right now: a member's or invitation's id, `new`, `leave`. */
	busy: string | null = $state(null);
	/** The link of the invitation just made: known until it is put away or another is made. */
	made: { id: string; url: string } | null = $state.raw(null);

	me = $derived(this.members?.find(({ is_you }) => is_you) ?? null);

	constructor(private api: Api['people']) {}

	load = async (): Promise<void> => {
		try {
			[this.members, this.invitations] = await Promise.all([
				this.api.members(),
				this.api.invitations()
			]);
			this.error = null;
		} catch (error) {
			this.error = told(error);
		}
	};

	changeRole = (userId: string, role: Role) =>
		this.#do(userId, () => this.api.changeRole(userId, role));
	remove = (userId: string) => this.#do(userId, () => this.api.remove(userId));
	transfer = (userId: string) => this.#do(userId, () => this.api.transfer(userId));
	leave = () => this.#do('leave', () => this.api.leave());

	invite = (wish: { role: Role; note?: string; expires_in_days: number }) =>
		this.#do('new', async () => {
			const { invitation, url } = await this.api.invite(wish);
			this.made = { id: invitation.id, url };
		});
	revoke = (id: string) =>
		this.#do(id, async () => {
			await this.api.revokeInvitation(id);
			if (this.made?.id === id) this.made = null;
		});
	/** The person has the link. */
	putAway = (): void => {
		this.made = null;
	};

	/** Answers whether it worked; the lists are read again either way, because a refusal means that they are old. */
	async #do(busy: string, run: () => Promise<unknown>): Promise<boolean> {
		this.busy = busy;
		try {
			await run();
			this.commandError = null;
			return true;
		} catch (error) {
			this.commandError = told(error);
			return false;
		} finally {
			this.busy = null;
			if (busy !== 'leave') await this.load();
		}
	}
}
