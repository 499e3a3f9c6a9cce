import { comment, gather, quoteIdentifier, quoteLiteral, type Finding, type NotExamined } from '../kit/index.ts';
import type { Placement, Tablespace } from './tablespace-row.ts';

const DOCS = 'https://www.postgresql.org/docs/current';

export function judgeTablespaces(rows: readonly Tablespace[], placement: Placement | undefined): Finding[] {
  return [
    ...rows.filter(({ unmeasured }) => unmeasured === 'unreadable').map(describeUnreadable),
    ...gather(
      rows.filter(({ in_data_directory }) => in_data_directory === true).map(describeInside),
      (count) => `${count} tablespaces are in the data directory.`,
    ),
    ...judgePlacement(placement, new Set(rows.map(({ tablespace }) => tablespace))),
  ];
}

function describeUnreadable({ tablespace, location }: Tablespace): Finding {
  return {
    severity: 'critical',
    claim: `The directory of tablespace ${quoteIdentifier(tablespace)} cannot be read.`,
    object: quoteIdentifier(tablespace),
    evidence: { location },
    why: `${DOCS}/manage-ag-tablespaces.html`,
    next_step: [
      comment('on its machine: is the file system mounted, and who owns the directory?'),
      `SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = ${quoteLiteral(tablespace)};`,
    ].join('\n'),
  };
}

function describeInside({ tablespace, location }: Tablespace): Finding {
  return {
    severity: 'warning',
    claim: `Tablespace ${quoteIdentifier(tablespace)} is in the data directory, so a base backup has its files twice or fails.`,
    object: quoteIdentifier(tablespace),
    evidence: { location },
    why: `${DOCS}/sql-createtablespace.html`,
    next_step: comment('make one elsewhere and move its tables there, which locks each for as long as it takes'),
  };
}

/** PostgreSQL says nothing of names that are not there, and puts things where it can. */
function judgePlacement(placement: Placement | undefined, known: ReadonlySet<string>): Finding[] {
  const settings = [
    { name: 'default_tablespace', value: placement?.default_tablespace ?? '', what: 'new tables' },
    { name: 'temp_tablespaces', value: placement?.temp_tablespaces ?? '', what: 'temporary tables and files' },
  ];
  return settings.flatMap(({ name, value, what }): Finding[] => {
    const listed = name === 'temp_tablespaces' ? namesIn(value) : [value];
    const missing = listed.filter((each) => each !== '' && !known.has(each));
    if (missing.length === 0) return [];
    return [
      {
        severity: 'notice',
        claim: `${name} names ${missing.map(quoteIdentifier).join(', ')}, which is not there: ${what} go elsewhere.`,
        object: quoteIdentifier(name),
        evidence: { [name]: value },
        why: `${DOCS}/runtime-config-client.html#GUC-${name.toUpperCase().replaceAll('_', '-')}`,
        next_step: `SELECT name, setting, source, sourcefile, sourceline FROM pg_settings WHERE name = ${quoteLiteral(name)};`,
      },
    ];
  });
}

/** Names in a list as PostgreSQL reads it: in lower case unless they are quoted. */
export function namesIn(list: string): string[] {
  return [...list.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '').toLowerCase() : quoted.replaceAll('""', '"'),
  );
}

/** Why sizes are missing. */
export function unmeasuredTablespaces(rows: readonly Tablespace[]): NotExamined[] {
  const named = (why: Tablespace['unmeasured']) =>
    rows
      .filter(({ unmeasured }) => unmeasured === why)
      .map(({ tablespace }) => quoteIdentifier(tablespace))
      .join(', ');
  const [right, time] = [named('right'), named('time')];
  return [
    ...(right === ''
      ? []
      : [
          {
            what: `the size of ${right}`,
            reason: 'The login may neither create in these tablespaces nor read all statistics.',
            remedy: 'GRANT pg_read_all_stats, or CREATE on them, to the login.',
          },
        ]),
    ...(time === ''
      ? []
      : [
          {
            what: `the size of ${time}`,
            reason: 'Measuring the others had taken the time that there is for it.',
            remedy: 'Call it with a larger measure_s, and timeout_s above that.',
          },
        ]),
  ];
}
