/**
 * The few words an overlay page may have to say, to somebody who opened it in a browser; in OBS it
 * says nothing. Kept here so that the page need not load the studio's dictionary.
 */
const words = {
	en: {
		no_key: 'This address lacks its key. Copy the whole address from Overlays in the studio.',
		refused: 'This address does not work any more. Copy the new one from Overlays in the studio.',
		unreadable: 'This overlay was saved by a newer version of Cuelight. Reload this page later.'
	},
	fr: {
		no_key:
			'Il manque la clé dans cette adresse. Copiez l’adresse entière depuis Overlays dans le studio.',
		refused: 'Cette adresse ne fonctionne plus. Copiez la nouvelle depuis Overlays dans le studio.',
		unreadable:
			'Cet overlay vient d’une version plus récente de Cuelight. Rechargez cette page plus tard.'
	}
} as const;

export type Note = keyof (typeof words)['en'];

export const noteFor = (note: Note, language: string): string =>
	words[language.toLowerCase().startsWith('fr') ? 'fr' : 'en'][note];
