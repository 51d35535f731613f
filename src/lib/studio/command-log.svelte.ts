/**
 * The commands given in this page and how far each has come. Messages may overtake the HTTP
 * answer, so what is heard while a call is under way is looked through when it is answered.
 */
import { z } from 'zod';
import type { BusMessage } from '$lib/bus';
import { ApiError } from './api.ts';
import {
	answersCommand,
	type CommandKind,
	type CommandState,
	type CommandTarget
} from './commands.ts';

export interface Command {
	id: number;
	kind: CommandKind;
	/** What it is about, for people: a viewer's name, an overlay's name. */
	label: string;
	target: CommandTarget;
	state: CommandState;
	error: ApiError | null;
}

export interface Order {
	kind: CommandKind;
	label: string;
	target: Partial<CommandTarget>;
	/** The call itself; may name the event that the server made for it. */
	send: () => Promise<unknown>;
}

const SHOWN = 4;
const EventNamed = z.object({ event_id: z.string() });

export class CommandLog {
	/** Newest last; only the few that are worth showing. */
	shown: Command[] = $state([]);
	/** What was heard while a call was under way, one list for each call. */
	#underway: BusMessage[][] = [];
	#onAccepted: () => void;
	#next = 1;

	/** `onAccepted` is called after each accepted command: truth is pulled even if no message comes. */
	constructor(onAccepted: () => void = () => {}) {
		this.#onAccepted = onAccepted;
	}

	/** Gives a command; resolves with whether the bus accepted it, never rejects. */
	async give({ kind, label, target, send }: Order): Promise<boolean> {
		const id = this.#next++;
		const about = { event_id: null, play_id: null, overlay_id: null, ...target };
		const command: Command = { id, kind, label, target: about, state: 'sent', error: null };
		this.shown = [...this.shown, command].slice(-SHOWN);
		const heard: BusMessage[] = [];
		this.#underway.push(heard);
		try {
			const answer = EventNamed.safeParse(await send());
			const known = { ...about, event_id: about.event_id ?? answer.data?.event_id ?? null };
			const seen = heard.some((message) => answersCommand(kind, known, message));
			this.#update(id, { target: known, state: seen ? 'seen' : 'accepted' });
			this.#onAccepted();
			return true;
		} catch (error) {
			this.#update(id, {
				state: 'failed',
				error: error instanceof ApiError ? error : new ApiError('internal', String(error))
			});
			return false;
		} finally {
			this.#underway = this.#underway.filter((one) => one !== heard);
		}
	}

	/** Hears a message: commands that it answers are seen. */
	observe(message: BusMessage): void {
		for (const heard of this.#underway) heard.push(message);
		for (const { id, kind, target, state } of this.shown)
			if (state === 'accepted' && answersCommand(kind, target, message))
				this.#update(id, { state: 'seen' });
	}

	dismiss(id: number): void {
		this.shown = this.shown.filter((command) => command.id !== id);
	}

	#update(id: number, change: Partial<Command>): void {
		this.shown = this.shown.map((command) =>
			command.id === id ? { ...command, ...change } : command
		);
	}
}
