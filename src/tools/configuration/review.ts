import {
  changeSettings,
  comment,
  quoteLiteral,
  type ConnectionFacts,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import { DEFAULT_RULES, judgeOldDefault } from './review-defaults.ts';
import { LOGGING_RULES } from './review-logging.ts';
import { MEMORY_RULES } from './review-memory.ts';
import { PLANNER_RULES } from './review-planner.ts';
import { VERDICTS, type Given, type Machine, type Opinion, type Rule } from './review-rule.ts';
import { SAFETY_RULES } from './review-safety.ts';
import { VACUUM_RULES } from './review-vacuum.ts';
import { WAL_RULES } from './review-wal.ts';
import { amountOf, formatSetting } from './setting-value.ts';

const RULES: readonly Rule[] = [
  ...SAFETY_RULES,
  ...MEMORY_RULES,
  ...WAL_RULES,
  ...VACUUM_RULES,
  ...PLANNER_RULES,
  ...LOGGING_RULES,
  ...DEFAULT_RULES,
];

/** Rules look at these beside their own. */
const OTHERS = [
  'autovacuum_worker_slots',
  'huge_pages_status',
  'listen_addresses',
  'seq_page_cost',
  'shared_memory_size_in_huge_pages',
  'vacuum_cost_delay',
  'vacuum_cost_limit',
];

export const REVIEWED: readonly string[] = [...new Set([...RULES.map(({ setting }) => setting), ...OTHERS])];

/** A setting as the server has it, without what our own login or transaction has instead. */
export interface StoredSetting {
  readonly name: string;
  /** Null where a value of our own login hides it. */
  readonly setting: string | null;
  readonly unit: string | null;
  readonly source: string | null;
  readonly context: string;
  readonly is_set: boolean;
}

export interface ReviewedSetting extends Opinion {
  readonly setting: string;
  readonly value: string | null;
  readonly docs: string;
  readonly stored: StoredSetting;
}

type Circumstances = Pick<Given, 'major' | 'standby' | 'checkpoints' | 'slots'> & Machine;

export function givenOf(settings: readonly StoredSetting[], circumstances: Circumstances): Given {
  const byName = new Map(settings.map((each) => [each.name, each]));
  return {
    ...circumstances,
    value: (name) => byName.get(name)?.setting ?? undefined,
    amount: (name) => {
      const { setting = null, unit = null } = byName.get(name) ?? {};
      return amountOf(setting, unit) ?? 0;
    },
    isSet: (name) => byName.get(name)?.is_set === true,
  };
}

/** Those that the server has and that can be seen, the worst first. */
export function reviewSettings(settings: readonly StoredSetting[], given: Given): ReviewedSetting[] {
  const byName = new Map(settings.map((each) => [each.name, each]));
  const rows = RULES.flatMap(({ setting, page, judge }): ReviewedSetting[] => {
    const stored = byName.get(setting);
    if (stored?.setting === undefined || stored.setting === null) return [];
    const value = formatSetting(stored.setting, stored.unit);
    const opinion = judge(given);
    const kept = opinion.verdict === 'risk' ? undefined : judgeOldDefault(setting, value, given);
    const docs = `https://www.postgresql.org/docs/current/runtime-config-${page}.html#GUC-${setting.toUpperCase().replaceAll('_', '-')}`;
    return [{ ...opinion, ...kept, setting, value, docs, stored }];
  });
  return rows.toSorted((a, b) => VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict));
}

/** Of what is really wrong, and of nothing else. */
export function judgeReview(rows: readonly ReviewedSetting[], service: ConnectionFacts['service']): Finding[] {
  return rows.flatMap((row) => {
    const { setting, value, severity, reason = '', suggested, docs } = row;
    if (severity === undefined) return [];
    return [
      {
        severity,
        claim: `${setting} is ${value}: ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`,
        object: `"${setting}"`,
        evidence: { [setting]: value, suggested: suggested ?? null, source: row.stored.source },
        why: docs,
        next_step: stepFor(row, service),
      },
    ];
  });
}

/** ALTER SYSTEM succeeds and changes nothing where something has precedence over the files. */
function stepFor({ setting, suggested, stored, first }: ReviewedSetting, service: ConnectionFacts['service']): string {
  const look = `SELECT name, setting, unit, source, sourcefile FROM pg_settings WHERE name = ${quoteLiteral(setting)};`;
  if (suggested === undefined) return look;
  if (stored.source === 'command line') {
    return `${first ?? look}\n${comment(`its command line has the last word: start the server with ${setting} = ${suggested}`)}`;
  }
  if (stored.source === 'database')
    return `${look}\n${comment(`set for this database: ALTER DATABASE … SET ${setting} = ${suggested}`)}`;
  const restart = stored.context === 'postmaster';
  const change = changeSettings(service, [{ name: setting, value: sqlValue(suggested), ...(restart && { restart }) }]);
  return first === undefined ? change : `${first}\n${change.replaceAll(/^(?!--)/gm, '-- ')}`;
}

function sqlValue(value: string): string {
  return /^-?[\d.]+$|^(?:on|off)$/.test(value) ? value : quoteLiteral(value);
}

const TOLD: Readonly<Record<keyof Machine, { readonly of: string; readonly how: string }>> = {
  memory: { of: 'the memory of the machine', how: 'memory, in bytes' },
  cpus: { of: 'the number of its processors', how: 'cpus' },
  storage: { of: 'the storage below it', how: 'storage' },
  workload: { of: 'the kind of work', how: 'workload' },
};

/** What depends on what only the operator can say. */
export function askOperator(rows: readonly ReviewedSetting[]): NotExamined[] {
  return (['memory', 'cpus', 'storage', 'workload'] as const).flatMap((needs) => {
    const names = rows.filter((row) => row.needs === needs).map(({ setting }) => setting);
    if (names.length === 0) return [];
    return [
      {
        what: names.join(', '),
        reason: `${names.length === 1 ? 'It depends' : 'They depend'} on ${TOLD[needs].of}, which SQL does not show.`,
        remedy: `Ask again with ${TOLD[needs].how}.`,
      },
    ];
  });
}

/** What the login of Howdah has instead. */
export function hiddenByLogin(settings: readonly StoredSetting[]): NotExamined[] {
  const names = settings.filter(({ setting }) => setting === null).map(({ name }) => name);
  if (names.length === 0) return [];
  return [
    {
      what: names.join(', '),
      reason: 'The login of Howdah has values of its own, which hide those of the server.',
      remedy: comment('ALTER ROLE … RESET takes them back; settings lists them'),
    },
  ];
}
