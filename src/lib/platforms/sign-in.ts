/** Who vouches for people who sign in: places with accounts of their own, by the name of each. */
export const identityProviders = ['twitch', 'google', 'spotify', 'kick', 'discord'] as const;
export type IdentityProvider = (typeof identityProviders)[number];
