/**
 * A gathering without a database: parts arrive at the test's time, the rule is asked after each,
 * and what it decides is applied as app.release_gathering does. Checks on the way what must hold
 * of every decision.
 */
import { Draft } from '../src/lib/bus/index.ts';
import type {
	Arrival,
	GatheringRule,
	Remembered,
	WaitingPart
} from '../src/lib/platforms/gather.ts';

export class Gatherings {
	readonly events: Draft[] = [];
	now = Date.parse('2026-05-03T18:20:30Z');
	readonly #rules: readonly GatheringRule[];
	readonly #rooms = new Map<string, { waiting: WaitingPart[]; memory: Remembered[] }>();
	readonly #dues = new Map<string, number>();
	#ids = 0;

	constructor(rules: readonly GatheringRule[]) {
		this.#rules = rules;
	}

	/** Parts arrive together; what is no part is an event at once. */
	arrive(...arrivals: readonly Arrival[]): void {
		const rules = new Set<string>();
		for (const arrival of arrivals) {
			const draft = Draft.parse(arrival);
			const { part } = arrival;
			if (part === undefined) {
				this.events.push(draft);
				continue;
			}
			const room = this.#rooms.get(part.rule) ?? { waiting: [], memory: [] };
			this.#rooms.set(part.rule, room);
			const arrived_at = new Date(this.now);
			room.waiting.push({ id: (this.#ids += 1), arrived_at, about: part.about, draft });
			rules.add(part.rule);
		}
		for (const rule of rules) this.#settle(rule);
	}

	/** Time passes, and what is due is judged when it is due. */
	pass(ms: number): void {
		const end = this.now + ms;
		for (;;) {
			const [next] = [...this.#dues].toSorted(([, one], [, other]) => one - other);
			if (next === undefined || next[1] > end) break;
			this.now = Math.max(this.now, next[1]);
			this.#settle(next[0]);
		}
		this.now = end;
	}

	get waiting(): number {
		return [...this.#rooms.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
	}

	#settle(name: string): void {
		const rule = this.#rules.find((one) => one.name === name);
		const room = this.#rooms.get(name);
		if (rule === undefined || room === undefined) throw new Error(`no rule ${name}`);
		const { drafts, done, memory, due_at } = rule.decide({ ...room }, new Date(this.now));
		const first = this.events.length;
		this.events.push(...drafts.map((draft) => Draft.parse(draft)));
		const whole = (event: Remembered['event']) =>
			'draft' in event ? { event_id: `e-${first + event.draft}`, seq: first + event.draft } : event;
		const gone = new Set(done.map(({ part }) => part));
		if (gone.size !== done.length) throw new Error('a part is done twice');
		room.waiting = room.waiting.filter(({ id }) => !gone.has(id));
		room.memory = memory.map((entry) =>
			// As jsonb would bring it back.
			JSON.parse(JSON.stringify({ ...entry, event: whole(entry.event) }))
		);
		// What waits is judged again, and later than now: else it would wait for ever, or spin.
		if (due_at === null ? room.waiting.length > 0 : due_at <= this.now)
			throw new Error(`what waits is due at ${due_at}, now is ${this.now}`);
		if (due_at === null) this.#dues.delete(name);
		else this.#dues.set(name, due_at);
	}
}

/** Every order of the items. */
export function permutations<Item>(items: readonly Item[]): Item[][] {
	if (items.length < 2) return [[...items]];
	return items.flatMap((item, place) =>
		permutations(items.toSpliced(place, 1)).map((rest) => [item, ...rest])
	);
}

/** Every choice of the items, none and all included. */
export const subsets = <Item>(items: readonly Item[]): Item[][] =>
	items.reduce<Item[][]>((sets, item) => [...sets, ...sets.map((set) => [...set, item])], [[]]);
