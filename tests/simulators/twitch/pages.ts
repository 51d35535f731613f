/** The small pages that people see while they connect: consent, code, done. Plain HTML. */
import type { User } from './world.ts';

const escapes: Readonly<Record<string, string>> = {
	'&': '&amp;',
	'<': '&lt;',
	'>': '&gt;',
	'"': '&quot;',
	"'": '&#39;'
};
export const escapeHtml = (text: string): string =>
	text.replace(/[&<>"']/g, (character) => escapes[character] ?? character);

export const style = `
:root { color-scheme: light dark; --ink: light-dark(#18181b, #efeff1); --soft: light-dark(#53535f, #adadb8);
  --ground: light-dark(#f7f7f8, #0e0e10); --card: light-dark(#fff, #18181b); --line: light-dark(#d3d3d9, #3a3a3d);
  --accent: #772ce8; --accent-ink: #fff; --bad: light-dark(#b3261e, #ff8a80); }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
main { max-width: 30rem; margin: 8vh auto; padding: 1.75rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 12px; }
h1 { margin: 0 0 .5rem; font-size: 1.3rem; } p { color: var(--soft); margin: .25rem 0 1rem; }
ul { padding-left: 1.1rem; color: var(--soft); font-size: .9rem; }
label { display: block; font-weight: 600; margin-bottom: 1rem; }
select, input { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line);
  border-radius: 8px; padding: .5rem .6rem; width: 100%; margin-top: .25rem; }
button { font: inherit; font-weight: 600; color: inherit; background: var(--ground); border: 1px solid var(--line);
  border-radius: 8px; padding: .5rem .9rem; cursor: pointer; }
button.main { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
button:hover { border-color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.row { display: flex; gap: .6rem; flex-wrap: wrap; }
`;

export const page = (title: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<title>${escapeHtml(title)} – simulated Twitch</title><style>${style}</style></head><body>${body}</body></html>`;

export function consentPage(
	question: string,
	scopes: readonly string[],
	people: readonly User[]
): string {
	const options = people
		.map(
			({ id, display_name }) =>
				`<option value="${escapeHtml(id)}">${escapeHtml(display_name)}</option>`
		)
		.join('');
	const list = scopes.map((scope) => `<li>${escapeHtml(scope)}</li>`).join('');
	return page(
		'Allow',
		`<main><h1>${escapeHtml(question)}</h1>
<p>This is a simulated Twitch on your own machine. Nobody's account is touched.</p>
<form method="post"><label>You are <select name="user">${options}</select></label>
<div class="row"><button class="main" name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button></div></form>
<p style="margin-top:1.25rem">It asks for:</p><ul>${list || '<li>nothing beyond your name</li>'}</ul></main>`
	);
}

export const activatePage = (wasWrong: boolean): string =>
	page(
		'Activate',
		`<main><h1>Enter the code from your device</h1>
${wasWrong ? '<p role="alert" style="color:var(--bad)">No device waits for this code.</p>' : ''}
<form method="get"><label>Code <input name="device-code" autocomplete="off" autofocus required></label>
<button class="main">Continue</button></form></main>`
	);

export const donePage = (found: boolean, allowed: boolean): string =>
	page(
		'Done',
		`<main><h1>${found ? (allowed ? 'Connected' : 'Denied') : 'Too late'}</h1>
<p>${found ? 'You may close this page and go back to your device.' : 'No device waits for this code.'}</p></main>`
	);
