/** The page with the buttons. Plain HTML, no script of others, usable by keyboard, light and dark. */
import { escapeHtml, page } from './pages.ts';

const style = `
.desk { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); align-items: start; }
.desk header, .desk .wide { grid-column: 1 / -1; }
.desk header { display: flex; justify-content: space-between; align-items: end; gap: 1rem; flex-wrap: wrap; }
.desk header label { margin: 0; min-width: 14rem; }
.desk section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1rem 1.1rem; }
.desk h2 { margin: 0 0 .6rem; font-size: 1rem; } .desk h3 { overflow-wrap: anywhere; margin: .9rem 0 .35rem; font-size: .8rem; color: var(--soft); }
.desk .row { gap: .4rem; } .desk button { padding: .35rem .7rem; font-size: .87rem; font-weight: 500; }
.desk .row input, .desk .row select { width: auto; margin: 0; }
.desk .row label { display: inline-flex; gap: .35rem; align-items: center; margin: 0; font-weight: 400; }
.desk .row input[type=number] { width: 5rem; }
pre { margin: 0; font: 12px/1.6 ui-monospace, monospace; overflow: auto; max-height: 22rem; white-space: pre-wrap; }
.facts { display: flex; gap: 1.5rem; flex-wrap: wrap; margin: 0; } .facts div { display: grid; }
.facts dt { color: var(--soft); font-size: .8rem; } .facts dd { margin: 0; font-size: 1.4rem; font-weight: 650; }
.families { display: grid; gap: 0 1.25rem; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); }
#said { min-height: 1.5em; margin: 0; }`;

/** `channel.poll.begin` stands under "channel.poll" with a button "begin". */
function byFamily(types: readonly string[]): string {
	const families = new Map<string, string[]>();
	for (const type of types) {
		const parts = type.split('.');
		const family = parts.length > 2 ? parts.slice(0, -1).join('.') : (parts[0] ?? '');
		families.set(family, [...(families.get(family) ?? []), type]);
	}
	const button = (type: string, family: string) =>
		`<button data-verb="fire" data-type="${type}">${escapeHtml(type.slice(family.length + 1))}</button>`;
	return [...families]
		.map(
			([family, members]) =>
				`<div><h3>${escapeHtml(family)}</h3><div class="row">${members.map((type) => button(type, family)).join('')}</div></div>`
		)
		.join('');
}

/** Runs in the page: every button posts its verb with the fields of its row. */
const script = `
const said = document.querySelector('#said');
const channel = document.querySelector('#channel');
async function press(button) {
	const body = { channel: channel.value };
	for (const [name, value] of Object.entries(button.dataset))
		if (name !== 'verb') body[name] = /^-?\\d+$/.test(value) ? Number(value) : value;
	for (const field of button.closest('.row').querySelectorAll('[name]'))
		body[field.name] = field.type === 'checkbox' ? field.checked
			: field.type === 'number' || /^\\d+$/.test(field.value) ? Number(field.value) : field.value;
	const answer = await fetch('/sim/' + button.dataset.verb, { method: 'POST', body: JSON.stringify(body) });
	const { facts, told, message } = await answer.json();
	said.textContent = message ?? (facts === undefined ? button.textContent + ': done'
		: facts + (facts === 1 ? ' event' : ' events') + ' happened, ' + told + ' told to a subscription');
	show();
}
async function show() {
	const state = await (await fetch('/sim/state')).json();
	if (channel.options.length !== state.channels.length)
		channel.replaceChildren(...state.channels.map(({ id, name }) => new Option(name + ' (' + id + ')', id)));
	const here = state.channels.find(({ id }) => id === channel.value);
	const enabled = state.subscriptions.filter(({ status }) => status === 'enabled').length;
	const values = { sockets: state.sockets, enabled, facts: state.facts, told: state.told,
		live: here?.is_live ? 'live' : 'offline', followers: here?.followers ?? 0 };
	for (const [id, value] of Object.entries(values)) document.getElementById(id).textContent = value;
	document.querySelector('#log').textContent = state.log.map(({ at, what, detail }) =>
		at.slice(11, 19) + '  ' + what + '  ' + Object.values(detail).join(' ')).join('\\n') || 'nothing yet';
}
document.addEventListener('click', ({ target }) => {
	const button = target.closest('button[data-verb]');
	if (button) press(button).catch((error) => { said.textContent = String(error); });
});
channel.addEventListener('change', show);
show();
setInterval(() => show().catch(() => { said.textContent = 'The simulator has ended.'; }), 1500);`;

const count = (id: string, title: string) => `<div><dt>${title}</dt><dd id="${id}">–</dd></div>`;

export function controlPage(
	env: Readonly<Record<string, string>>,
	types: readonly string[],
	notices: readonly string[]
): string {
	const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
	const notice = (kind: string) =>
		`<button data-verb="notice" data-kind="${kind}">${kind.replaceAll('_', ' ')}</button>`;
	return page(
		'Control',
		`<style>${style}</style><main class="desk" style="max-width:72rem;margin:0 auto;background:none;border:0">
<header><div><h1>Simulated Twitch</h1><p id="said" role="status">Press a button: it happens, and whoever subscribed is told.</p></div>
<label>Channel <select id="channel"></select></label></header>
<section class="wide" aria-label="How things stand"><dl class="facts">${count('sockets', 'WebSockets')}${count('enabled', 'subscriptions enabled')}${count('facts', 'events happened')}${count('told', 'of them told')}${count('live', 'stream')}${count('followers', 'followers')}</dl></section>
<section class="wide"><h2>Events</h2><div class="families">${byFamily(types)}</div></section>
<section><h2>Gifts and chat notices</h2><h3>Gift bomb</h3>
<div class="row"><label>of <input type="number" name="count" value="5" min="1" max="1000"></label>
<label><input type="checkbox" name="anonymous"> without a name</label><button class="main" data-verb="bomb">Drop it</button></div>
<h3>Chat notices</h3><div class="row">${notices.map(notice).join('')}</div></section>
<section><h2>What goes wrong</h2>
<h3>Sockets</h3><div class="row"><button data-verb="cut">cut</button><button data-verb="reconnect">ask to reconnect</button>
<button data-verb="silence">fall silent</button><button data-verb="speak">speak again</button></div>
<div class="row" style="margin-top:.4rem">${[4000, 4002, 4005, 4006].map((code) => `<button data-verb="close" data-code="${code}">close ${code}</button>`).join('')}</div>
<h3>Notifications</h3><div class="row"><label>next <input type="number" name="times" value="1" min="1"></label>
<button data-verb="drop">drop</button><button data-verb="duplicate">send twice</button></div>
<h3>Calls</h3><div class="row"><select name="path" aria-label="path"><option>/helix<option>/helix/streams<option>/helix/eventsub<option>/oauth2/token<option>/oauth2/validate<option>/ws</select>
<select name="kind" aria-label="fault"><option>500<option>503<option>429<option>401<option>timeout<option>reset<option>lost</select>
<input type="number" name="times" value="1" min="1" aria-label="times"><button data-verb="fail">fail</button></div>
<h3>Stream and consent</h3><div class="row"><button data-verb="hide" data-times="3">/streams forgets it 3 times</button>
<button data-verb="end-tokens">end access tokens</button><button data-verb="disconnect">withdraw consent</button></div>
<h3>Again</h3><div class="row"><button data-verb="heal">nothing goes wrong</button></div></section>
<section class="wide"><h2>Start the product with</h2><pre tabindex="0">${variables.map(escapeHtml).join('\n')}</pre></section>
<section class="wide"><h2>What happened</h2><pre id="log" tabindex="0"></pre></section></main><script>${script}</script>`
	);
}
