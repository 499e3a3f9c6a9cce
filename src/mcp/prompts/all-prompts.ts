import { beforeAMigration } from './before-a-migration.ts';
import type { Runbook } from './runbook.ts';
import { vacuumReview } from './vacuum-review.ts';
import { whyIsItSlow } from './why-is-it-slow.ts';

/** In the order of their names. */
export const allPrompts: readonly Runbook[] = [beforeAMigration, vacuumReview, whyIsItSlow];
