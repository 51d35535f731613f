/** Cookies of our own; the session's is better-auth's. */

/** In which account a browser works. */
export const ACCOUNT_COOKIE = 'cuelight_account';
