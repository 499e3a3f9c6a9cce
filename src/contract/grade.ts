import { z } from 'zod';

/** How a server, or one area of it, is: from A, where nothing is to mend, to F. */
export const Grade = z.enum(['A', 'B', 'C', 'D', 'F']);
export type Grade = z.output<typeof Grade>;
