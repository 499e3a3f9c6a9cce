import { z } from 'zod';

/**
 * What kind of right an operation needs: fixed SQL about the server, the catalogue of a database,
 * a statement of the caller's own, or the administration of Howdah itself.
 */
export const AccessClass = z.enum(['diagnostic', 'schema', 'query', 'admin']);
export type AccessClass = z.output<typeof AccessClass>;
