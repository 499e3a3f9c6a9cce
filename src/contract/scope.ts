import { z } from 'zod';

/** What a token lets its client do in the name of its subject, from less to more: each holds those before it. */
export const Scope = z.enum(['pg:read', 'pg:query', 'pg:admin']);
export type Scope = z.output<typeof Scope>;
