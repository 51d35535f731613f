/**
 * Access: consents, the tokens they gave, and the calls made with them. A platform's folder says
 * what to ask and how to read the answer; here it is asked.
 */
export { PlatformAccess, type AccessParts } from './platform-access.ts';
export { Consents } from './consents.ts';
export { accessTasks } from './tasks.ts';
