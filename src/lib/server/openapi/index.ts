/** The API's document: made once, when it is first asked for. */
import { actions } from '$lib/server/actions/index.ts';
import { etagOf } from '$lib/server/http/etag.ts';
import { documentOf } from './document.ts';
import type { OpenApiDocument } from './types.ts';

/** The version of the API, not of the product: it changes when an address does. */
const VERSION = '1.0.0';

interface Written {
	document: OpenApiDocument;
	text: string;
	etag: string;
}

let written: Written | undefined;

/** The document, its text and the ETag of that. */
export function openApi(): Written {
	if (written === undefined) {
		const document = documentOf(actions, VERSION);
		const text = JSON.stringify(document);
		written = { document, text, etag: etagOf(text) };
	}
	return written;
}

export type * from './types.ts';
