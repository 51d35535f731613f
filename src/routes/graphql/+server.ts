import { graphql } from '$lib/server/http/graphql.ts';

export const fallback = graphql;
