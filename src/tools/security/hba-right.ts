import type { ReachedDatabase } from '../../calls/context.ts';
import { SERVICES } from '../../postgres/managed-service.ts';
import {
  databaseNames,
  quoteIdentifier,
  readParts,
  type ConnectionFacts,
  type NotExamined,
  type RowOf,
} from '../kit/index.ts';
import { showDatabases, tellHidden } from './hba-databases.ts';
import {
  hbaRules,
  identMaps,
  showError,
  showOption,
  type IdentMap,
  type mayReadHba,
  type StoredRule,
} from './hba-rule.ts';
import { examineRules, type JudgedRule } from './hba-verdict.ts';

/** The rights are those of one database. */
function grantTo(login: string, ...views: readonly string[]): string {
  const name = quoteIdentifier(login);
  return [
    '-- as a superuser, in the database that is asked; it then sees ldapbindpasswd and radiussecrets, where the file has them',
    ...views.flatMap((view) => [
      `GRANT SELECT ON pg_catalog.${view} TO ${name};`,
      `GRANT EXECUTE ON FUNCTION pg_catalog.${view}() TO ${name};`,
    ]),
  ].join('\n');
}

const [RULES, MAPS] = ['pg_hba_file_rules', 'pg_ident_file_mappings'];
/** The first PostgreSQL that shows the maps. */
const MAPS_SINCE = 15;

/** What of the two is not to be seen: why, and how it would be. */
export function unreadHba({ role, service, major }: ConnectionFacts, rules: boolean, maps: boolean): NotExamined[] {
  const views = [...(rules ? [] : [RULES]), ...(maps || major < MAPS_SINCE ? [] : [MAPS])];
  if (views.length === 0) return [];
  const what = [...(rules ? [] : [hbaRules.what]), ...(maps ? [] : [identMaps.what])].join(' and ');
  if (service !== null) return [{ what, reason: `${SERVICES[service].name} keeps the files to itself.` }];
  return [
    {
      what,
      reason: `The login ${quoteIdentifier(role.name)} may not read ${views.join(' and ')}, nor may members of pg_monitor.`,
      remedy: grantTo(role.name, ...views),
    },
  ];
}

interface Authentication {
  /** Null where the login may not read them. */
  readonly rules: readonly JudgedRule[] | null;
  readonly maps: readonly IdentMap[] | null;
  readonly unreadable: readonly NotExamined[];
}

/** Not tried without the right: PostgreSQL would log an error each time. */
export async function readHba(
  target: ReachedDatabase,
  rights: readonly RowOf<typeof mayReadHba>[],
  { facts, persona }: { readonly facts: ConnectionFacts; readonly persona: string },
): Promise<Authentication> {
  const [right] = rights;
  const rules = right?.rules === true ? await readParts(target, { hbaRules }, {}) : undefined;
  const maps = right?.ident_maps === true ? await readParts(target, { identMaps }, {}) : undefined;
  const shown = rules?.unreadable.length === 0 ? await judgeShown(target, rules.parts.hbaRules) : null;
  return {
    rules: shown,
    maps: maps?.unreadable.length === 0 ? maps.parts.identMaps : null,
    unreadable: [
      ...(rules?.unreadable ?? []),
      ...(maps?.unreadable ?? []),
      ...tellHidden(shown ?? [], persona),
      ...unreadHba(facts, rules !== undefined, maps !== undefined),
    ],
  };
}

/** Judged by all that they say, and shown as far as the caller may see it. */
async function judgeShown(target: ReachedDatabase, rules: readonly StoredRule[]): Promise<JudgedRule[]> {
  const mayShow = (database: string) => target.mayShow(database);
  const names = await target.readOnly(databaseNames, { single: true });
  return showDatabases(examineRules(rules.map(withoutSecrets)), {
    mayShow,
    isNarrow: !names.every(mayShow),
  });
}

function withoutSecrets({ options, error, ...rule }: StoredRule): StoredRule {
  return { ...rule, options: options.map(showOption), error: error === null ? null : showError(error) };
}
