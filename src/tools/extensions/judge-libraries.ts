import {
  changeSettings,
  comment,
  gather,
  hiddenFrom,
  quoteIdentifier,
  quoteLiteral,
  quoteName,
  type ConnectionFacts,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import type { AboutLibraries, ExtensionRow } from './extension-row.ts';

/** These have to be loaded before all others. */
const FIRST: ReadonlySet<string> = new Set(['citus', 'timescaledb']);

export function judgeLibraries(
  rows: readonly ExtensionRow[],
  about: AboutLibraries | null,
  service: ConnectionFacts['service'],
): Finding[] {
  const preloaded = about?.preloaded ?? [];
  return gather(
    rows
      .filter(({ library }) => library === 'missing')
      .map(({ extension, schema, version }) => ({
        severity: 'warning' as const,
        claim: `The extension ${quoteIdentifier(extension)} is installed, but the server has not loaded its library: it does not work.`,
        object: quoteName(schema ?? '', extension),
        evidence: { version, shared_preload_libraries: preloaded.join(', ') },
        why: 'https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SHARED-PRELOAD-LIBRARIES',
        next_step: loadToo(preloaded, extension, service),
      })),
    (count) => `${count} extensions do not work, since the server has not loaded their libraries.`,
  );
}

function loadToo(preloaded: readonly string[], extension: string, service: ConnectionFacts['service']): string {
  const libraries = FIRST.has(extension) ? [extension, ...preloaded] : [...preloaded, extension];
  return [
    comment(`or, where nobody needs it, in this database: DROP EXTENSION ${quoteIdentifier(extension)};`),
    comment('a library that is not there keeps the server from starting: its file has to be here and on each standby'),
    changeSettings(service, [
      { name: 'shared_preload_libraries', value: libraries.map(quoteLiteral).join(', '), restart: true },
    ]),
  ].join('\n');
}

export function hiddenLibraries(rows: readonly ExtensionRow[], role: ConnectionFacts['role']): NotExamined[] {
  if (!rows.some(({ library }) => library === 'not visible')) return [];
  return hiddenFrom(role, [
    { what: 'whether the libraries of extensions are loaded', privilege: 'pg_read_all_settings' },
  ]);
}
