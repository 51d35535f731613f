/** Nothing of it can be made on the server: the key stays in the address's fragment, which is never sent. */
export const ssr = false;
export const csr = true;
