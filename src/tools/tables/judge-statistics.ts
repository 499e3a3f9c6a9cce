import { gather, quoteName, type Finding } from '../kit/index.ts';
import { NEEDS_STATISTICS_BYTES } from './measure.ts';

interface Uncounted {
  readonly schema: string;
  readonly table: string;
  readonly rows: number | null;
  /** With TOAST and indexes; null where it was not measured. */
  readonly size: number | null;
}

/** Of tables whose rows nobody has ever counted. */
export function judgeUncounted(tables: readonly Uncounted[]): Finding[] {
  const large = tables.filter(({ rows, size }) => rows === null && (size ?? 0) >= NEEDS_STATISTICS_BYTES);
  return gather(
    large.map(describe),
    (count) => `${count} tables were never vacuumed or analysed.`,
    '-- of the whole database; after pg_upgrade, vacuumdb --analyze-in-stages makes usable statistics within minutes\nANALYZE;',
  );
}

function describe({ schema, table, size, rows }: Uncounted): Finding {
  const object = quoteName(schema, table);
  return {
    severity: 'notice',
    claim: `${object} was never vacuumed or analysed, so the planner guesses its rows.`,
    object,
    evidence: { size, rows },
    why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS',
    next_step: `ANALYZE ${object};`,
  };
}
