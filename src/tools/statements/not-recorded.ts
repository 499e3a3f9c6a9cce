import { changeSettings, compareVersions, type ConnectionFacts, type NotExamined } from '../kit/index.ts';
import { EXTENSION } from './columns.ts';
import type { AboutCounting } from './statement-row.ts';

/** Counters that an old version of the extension lacks, and the major of PostgreSQL that brought the newer version. */
interface Later {
  readonly what: string;
  readonly version: string;
  readonly major: number;
}

const CAME_LATER: readonly Later[] = [
  { what: 'WAL and planning times', version: '1.8', major: 13 },
  { what: 'evictions, and since when the server counts', version: '1.9', major: 14 },
];

const NESTED_TWICE: NotExamined = {
  what: 'statements within functions apart from those that called them',
  reason: 'Before version 1.9 of the extension they are not told apart, and count in both.',
};

/** https://www.postgresql.org/docs/current/multibyte.html: in SQL_ASCII any byte may be stored. */
export const UNREADABLE_TEXTS: NotExamined = {
  what: 'the texts of all statements',
  reason:
    'One of them is no text in the encoding of this database, as bytes of one without an encoding (SQL_ASCII) may be, and the extension gives all or none.',
  remedy:
    "Ask by way of a database whose encoding is SQL_ASCII and that has the extension, or forget what was counted of those databases:\nSELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE pg_encoding_to_char(encoding) = 'SQL_ASCII';",
};

interface Asked {
  readonly input: { readonly order_by: string };
  readonly facts: Pick<ConnectionFacts, 'major' | 'service'>;
}

/**
 * What the extension's version or the settings keep from being counted. Settings that are off by default, because they
 * cost, are a gap for those only who ask for what they count.
 */
export function notRecorded(
  about: AboutCounting & { readonly texts_read: boolean },
  { input, facts: { major, service } }: Asked,
): NotExamined[] {
  const { extension_version, track, track_planning, track_io_timing, max_tracked } = about;
  const cameLater = (later: Later): NotExamined => ({
    what: later.what,
    reason: `They came with version ${later.version} of the extension; this is ${extension_version}.`,
    remedy:
      major >= later.major ? `ALTER EXTENSION ${EXTENSION} UPDATE;` : `PostgreSQL ${later.major} has that version.`,
  });
  const gaps = CAME_LATER.filter(({ version }) => compareVersions(extension_version, version) < 0).map(cameLater);
  const off = (what: string, name: string, value: string, note?: string): NotExamined => ({
    what,
    reason: `The setting ${name} keeps them from being counted.`,
    remedy: changeSettings(service, [{ name, value, ...(note !== undefined && { note }) }]),
  });
  if (track_planning === false && input.order_by === 'planning') {
    const costs = 'slows down sessions that run the same statements at once';
    gaps.push(off('planning times', 'pg_stat_statements.track_planning', 'on', costs));
  }
  if (!track_io_timing && input.order_by === 'io') {
    const costs = 'pg_test_timing, run on that machine, says what it costs';
    gaps.push(off('the time of reads and writes', 'track_io_timing', 'on', costs));
  }
  if (input.order_by === 'jit' && compareVersions(extension_version, '1.10') < 0) {
    gaps.push(cameLater({ what: 'JIT times', version: '1.10', major: 15 }));
  }
  if (track === 'none') {
    gaps.push(off('statements since tracking was turned off', 'pg_stat_statements.track', 'top'));
  }
  if (track === 'all' && compareVersions(extension_version, '1.9') < 0) gaps.push(NESTED_TWICE);
  if (max_tracked === null)
    gaps.push({ what: 'the settings of pg_stat_statements', reason: 'They are not visible to this login.' });
  if (!about.texts_read) gaps.push(UNREADABLE_TEXTS);
  return gaps;
}
