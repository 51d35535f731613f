/**
 * Copies a text; answers whether it worked. The modern way exists only in secure contexts, and a
 * phone that opens the studio by its LAN address is not in one: there the old way still works.
 */
export async function copyText(text: string): Promise<boolean> {
	if (navigator.clipboard !== undefined) {
		try {
			await navigator.clipboard.writeText(text);
			return true;
		} catch {
			// Refused by the browser: the old way below may still be allowed.
		}
	}
	const area = document.createElement('textarea');
	area.value = text;
	area.readOnly = true;
	area.className = 'sr-only';
	document.body.append(area);
	area.select();
	const copied = document.execCommand('copy');
	area.remove();
	return copied;
}
