/**
 * `npm run chaos -- --seed N --minutes M [--pages P] [--rate R] [--mutant no-dedupe|early-ack]`
 * or `--short`, which the test command runs: one run with faults that must be clean, then each
 * planted defect, which the checker must find.
 */
import { parseArgs } from 'node:util';
import { mutants, runScenario, type Mutant, type Outcome } from './scenario.ts';

const { values } = parseArgs({
	options: {
		seed: { type: 'string', default: '1' },
		minutes: { type: 'string', default: '3' },
		pages: { type: 'string', default: '2' },
		rate: { type: 'string', default: '2' },
		mutant: { type: 'string' },
		short: { type: 'boolean', default: false }
	}
});

const say = (line: string) => console.log(`  ${line}`);
const violations = (outcome: Outcome) =>
	Object.values(outcome.report.violations).reduce((sum, count) => sum + count, 0);

function print(title: string, outcome: Outcome): void {
	const { report } = outcome;
	console.log(`\n${title}`);
	say(
		`acknowledged ${report.acknowledged}, stored ${report.stored}, cancelled ${report.cancelled}, ` +
			`shows ${report.shows}, repeats (page died, flagged) ${report.repeats}, pages ${report.pages}, refused ${report.refused}`
	);
	say(
		`faults ${outcome.fired} of ${outcome.planned}: ` +
			Object.entries(report.faults)
				.map(([kind, count]) => `${kind} ${count}`)
				.join(', ')
	);
	say(
		Object.entries(report.violations)
			.map(([kind, count]) => `${kind.replaceAll('_', ' ')} ${count}`)
			.join(', ')
	);
	for (const finding of report.findings) say(`! ${finding}`);
}

/** A run that injected little proves little: fewer than four fifths of the planned faults fails it. */
function isClean(outcome: Outcome): boolean {
	const { report } = outcome;
	const enough =
		report.acknowledged > 0 && report.shows > 0 && outcome.fired >= outcome.planned * 0.8;
	if (!enough) say('! too little happened for the run to mean anything');
	return enough && outcome.quiet && violations(outcome) === 0;
}

function mutantOf(name: string | undefined): Mutant | null {
	if (name === undefined) return null;
	const mutant = mutants.find((known) => known === name);
	if (!mutant) throw new Error(`--mutant ${name}: there is ${mutants.join(' and ')}`);
	return mutant;
}

let passed = 0;
let failed = 0;
const judge = (good: boolean) => (good ? (passed += 1) : (failed += 1));

const seed = Number(values.seed);
const common = { pages: Number(values.pages), rate: Number(values.rate), say };
if (values.short) {
	// Beside each other: they mostly wait, and a busy machine is one more fault to live through.
	const [clean, noDedupe, early] = await Promise.all([
		runScenario({ ...common, seed, seconds: 40, rate: 3, mutant: null }),
		runScenario({ ...common, seed, seconds: 8, rate: 4, mutant: 'no-dedupe' }),
		runScenario({ ...common, seed, seconds: 12, rate: 12, mutant: 'early-ack' })
	]);
	print(`chaos, seed ${seed}`, clean);
	judge(isClean(clean));
	print('with dedupe off the checker must find duplicates', noDedupe);
	judge(noDedupe.report.violations.duplicated > 0);
	print('with 2xx before the commit the checker must find losses', early);
	judge(early.report.violations.lost > 0);
} else {
	const mutant = mutantOf(values.mutant);
	const seconds = Number(values.minutes) * 60;
	const outcome = await runScenario({ ...common, seed, seconds, mutant });
	print(`chaos, seed ${seed}, ${values.minutes} min${mutant ? `, mutant ${mutant}` : ''}`, outcome);
	judge(isClean(outcome));
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
