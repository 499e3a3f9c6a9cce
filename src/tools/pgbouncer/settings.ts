import type { StatementTexts } from '../../sqltext/statement-texts.ts';
import { maskSetting } from '../../sqltext/secret-settings.ts';
import type { ConsoleRow } from '../../postgres/console-rows.ts';
import { isNamed } from '../kit/index.ts';
import type { SettingRow } from './setting-row.ts';

/** Shown whether somebody has set them or not, and before the others. */
const MATTERING = [
  'pool_mode',
  'default_pool_size',
  'reserve_pool_size',
  'max_db_connections',
  'max_client_conn',
  'max_prepared_statements',
  'query_wait_timeout',
  'auth_type',
];

/** There is no value that it would have of itself. */
const WITHOUT_DEFAULT = new Set(['conffile']);

interface Wanted {
  readonly name: string | undefined;
  readonly all: boolean;
}

export function settingOf(pooler: string, row: ConsoleRow): SettingRow {
  return {
    pooler,
    name: row.text('key') ?? '',
    value: row.text('value'),
    default: row.text('default'),
    restart: row.flag('changeable') === false,
  };
}

/** Those that were asked for by name; else those that somebody has set or that matter in any case. */
export function chooseSettings(settings: readonly SettingRow[], { name, all }: Wanted): SettingRow[] {
  const chosen =
    name === undefined
      ? settings.filter((setting) => all || rankOf(setting) < MATTERING.length || isChanged(setting))
      : settings.filter((setting) => isNamed(setting.name, name));
  return chosen.toSorted((a, b) => rankOf(a) - rankOf(b) || (a.name < b.name ? -1 : 1));
}

/** Changes nothing of the defaults, which everybody knows. */
export async function maskSettings(settings: readonly SettingRow[], texts: StatementTexts): Promise<SettingRow[]> {
  const own = settings.filter((setting) => isStatement(setting) && setting.value !== setting.default);
  const masked = await texts.mask(own.map(({ value }) => value));
  return settings.map((setting) => {
    const at = own.indexOf(setting);
    const value = at < 0 ? setting.value : (masked[at] ?? null);
    return {
      ...setting,
      value: MAY_HOLD_SECRETS.test(setting.name) ? withhold(value) : maskSetting(setting.name, value),
    };
  });
}

/** Options of LDAP hold the password that PgBouncer searches the directory with. */
const MAY_HOLD_SECRETS = /ldap/;

function withhold(value: string | null): string | null {
  return value === null ? null : '[withheld]';
}

/** `auth_query`, `server_check_query` and their kind. */
function isStatement({ name }: SettingRow): boolean {
  return name.endsWith('_query');
}

function rankOf({ name }: SettingRow): number {
  const at = MATTERING.indexOf(name);
  return at < 0 ? MATTERING.length : at;
}

export function isChanged({ name, value, default: fallback }: SettingRow): boolean {
  if (WITHOUT_DEFAULT.has(name)) return false;
  // 511 is how PgBouncer writes 0777 back
  if (name.endsWith('_mode') && /^0[0-7]+$/.test(fallback ?? ''))
    return Number(value) !== Number.parseInt(fallback ?? '', 8);
  return (value ?? '0') !== (fallback ?? '0');
}
