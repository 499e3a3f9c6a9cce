import { z } from 'zod';
import { quoteIdentifier, quoteName, type RowOf } from '../kit/index.ts';
import { isUnsafe, type JudgedFunction } from './judge-definers.ts';
import type { auditSettings } from './audit-settings.ts';
import type { OpenSchema } from './definer-function.ts';
import type {
  EventTrigger,
  ParameterGrant,
  PublicServer,
  SecretOptions,
  SecurityCounts,
  SubscriptionOwner,
  UntrustedLanguage,
} from './exposed-objects.ts';
import type { Bypass, GuardedTable } from './guarded-tables.ts';
import { CONCERNS, type JudgedRule } from './hba-verdict.ts';
import type { StoredPassword } from './passwords.ts';
import type { PublicDefault, PublicRights, PublicTable, SystemGrant } from './public-grants.ts';
import type { Expiring } from './role-row.ts';
import type { Power } from './role-power.ts';
import type { encryptionSettings, SessionTotals } from './session-encryption.ts';

/** One thing that was looked for. What is found need not be wrong: the findings say what is. */
export const auditCheck = z.object({
  check: z.string(),
  found: z.int().min(0).nullable().describe('Null: not visible to this login.'),
  first: z.string().nullable().describe('The first of them.'),
});
type Check = z.output<typeof auditCheck>;

/** What was read; null is what this login cannot see. */
export interface Audited {
  readonly powers: readonly Power[] | null;
  readonly expiring: readonly Expiring[] | null;
  readonly counts: SecurityCounts | undefined;
  readonly passwords: readonly StoredPassword[] | null;
  readonly rules: readonly JudgedRule[] | null;
  readonly schemas: readonly OpenSchema[] | null;
  readonly tables: readonly PublicTable[] | null;
  readonly rights: PublicRights | undefined;
  readonly defaults: readonly PublicDefault[] | null;
  readonly system: readonly SystemGrant[] | null;
  readonly parameters: readonly ParameterGrant[] | null;
  readonly definers: readonly JudgedFunction[] | null;
  readonly languages: readonly UntrustedLanguage[] | null;
  readonly triggers: readonly EventTrigger[] | null;
  readonly guarded: readonly GuardedTable[] | null;
  readonly bypasses: readonly Bypass[] | null;
  readonly options: readonly SecretOptions[] | null;
  readonly servers: readonly PublicServer[] | null;
  readonly subscriptions: readonly SubscriptionOwner[] | null;
  readonly totals: SessionTotals | undefined;
  readonly encryption: readonly RowOf<typeof encryptionSettings>[];
  readonly settings: readonly RowOf<typeof auditSettings>[];
}

const NAMED = 3;

function check(what: string, found: number | null | undefined, first: string | null = null): Check {
  return { check: what, found: found ?? null, first };
}

/** How many rows there are; with `total`, of rows that were read with their number. */
function count<Row>(
  what: string,
  rows: readonly Row[] | null | undefined,
  name: (row: Row) => string,
  total?: (first: Row) => number,
): Check {
  if (!rows) return check(what, null);
  const [first] = rows;
  const names = rows.slice(0, NAMED).map(name).join(', ');
  return check(what, first && total ? total(first) : rows.length, names === '' ? null : names);
}

const totalOf = ({ total_rows }: { readonly total_rows: number }) => total_rows;
const roleOf = ({ role }: { readonly role: string }) => quoteIdentifier(role);
const isRight = (has: boolean | undefined) => (has === undefined ? null : Number(has));
const functionOf = (row: JudgedFunction) => quoteName(row.schema, row.function);
const serverOf = ({ server }: PublicServer) => quoteIdentifier(server);
const tableOf = ({ schema, table }: { readonly schema: string; readonly table: string }) => quoteName(schema, table);

export function checkRoles({ powers, counts, passwords, expiring }: Audited): Check[] {
  const having = (power: string, own: boolean) => powers?.filter((each) => each.power === power && each.own === own);
  const listed = (what: string, power: string, own: boolean) =>
    count(what, having(power, own), roleOf, (first) => first.of_power);
  const predefined = powers?.filter(({ own, power }) => !own && power.startsWith('pg_'));
  const stored = (what: string, kind: StoredPassword['password']) =>
    count(
      what,
      passwords?.filter(({ password, login }) => login && password === kind),
      roleOf,
      (first) => first.of_kind,
    );
  return [
    listed('superusers', 'SUPERUSER', true),
    listed('superusers through a membership', 'SUPERUSER', false),
    listed('roles with CREATEROLE, no superusers', 'CREATEROLE', true),
    listed('roles with BYPASSRLS, no superusers', 'BYPASSRLS', true),
    listed('roles with REPLICATION, no superusers', 'REPLICATION', true),
    count(
      'memberships in powerful predefined roles',
      predefined,
      ({ role, power }) => `${quoteIdentifier(role)} in ${power}`,
    ),
    check('roles that log in', counts?.login_roles),
    check('of those, passwords without an end', counts?.never_expiring),
    check('of those, passwords that have ended', counts?.expired),
    count('passwords in use that have ended or soon will', expiring, roleOf),
    stored('passwords stored as MD5', 'md5'),
    stored('roles that log in without a password', 'none'),
  ];
}

export function checkGrants({ rights, schemas, tables, defaults, system, parameters }: Audited): Check[] {
  return [
    count('schemas that PUBLIC may create in', schemas, ({ schema }) => quoteIdentifier(schema), totalOf),
    count('tables that PUBLIC may change', tables, tableOf, totalOf),
    check('tables that PUBLIC may read', rights?.readable_tables),
    check('PUBLIC may connect to this database', isRight(rights?.connect)),
    check('PUBLIC may make temporary tables', isRight(rights?.temporary)),
    check('PUBLIC may create schemas', isRight(rights?.create)),
    count(
      'default privileges of PUBLIC',
      defaults,
      ({ role, objects }) => `${quoteIdentifier(role)} (${objects})`,
      totalOf,
    ),
    count('rights on system catalogs and functions', system, ({ object }) => object, totalOf),
    count('settings that others than superusers may change', parameters, ({ parameter }) => parameter, totalOf),
  ];
}

export function checkCode({ definers, languages, triggers }: Audited): Check[] {
  return [
    count('SECURITY DEFINER functions', definers, functionOf, totalOf),
    count('of those, with a search path that callers have a hand in', definers?.filter(isUnsafe), functionOf),
    count(
      'of those, that PUBLIC may run',
      definers?.filter(({ executable_by }) => executable_by.includes('PUBLIC')),
      functionOf,
    ),
    count('untrusted languages', languages, ({ language }) => quoteIdentifier(language), totalOf),
    count('event triggers', triggers, ({ trigger }) => quoteIdentifier(trigger), totalOf),
  ];
}

export function checkRowSecurity({ guarded, bypasses }: Audited): Check[] {
  const on = guarded?.filter(({ row_security }) => row_security !== 'off');
  return [
    count('tables with row security', on, tableOf),
    count(
      'policies, but row security off',
      guarded?.filter(({ row_security }) => row_security === 'off'),
      tableOf,
    ),
    count(
      'not forced for the owner',
      on?.filter(({ row_security }) => row_security === 'on'),
      tableOf,
    ),
    count(
      'without a policy, so without rows',
      on?.filter(({ policies }) => policies === 0),
      tableOf,
    ),
    count(
      'views and functions that get others past policies',
      bypasses?.filter(({ open_to }) => open_to.length > 0),
      tableOf,
    ),
  ];
}

const CONCERN_TEXTS: Readonly<Record<(typeof CONCERNS)[number], string>> = {
  error: 'rules with errors',
  no_password: 'rules without a password',
  identd: 'rules that believe identd of other machines',
  clear_password: 'rules with passwords in clear text',
  never_reached: 'rules that are never reached',
  cannot_match: 'rules that can match no connection',
  unencrypted: 'rules for connections without encryption only',
  from_anywhere: 'rules for everybody from everywhere',
  clear_to_ldap: 'rules with LDAP in clear text',
  md5: 'rules that take MD5',
};

export function checkAuthentication({ rules, totals, encryption, settings }: Audited): Check[] {
  const values = new Map([...settings, ...encryption].map(({ name, value }) => [name, value]));
  const isSetting = (what: string, name: string, of: (value: string) => boolean) => {
    const value = values.get(name);
    return check(what, typeof value === 'string' ? Number(of(value)) : null, value === '' ? null : value);
  };
  const sees = totals !== undefined && totals.hidden === 0;
  return [
    ...CONCERNS.map((concern) =>
      count(
        CONCERN_TEXTS[concern],
        rules?.filter((rule) => rule.concern === concern),
        ({ line }) => `line ${line}`,
      ),
    ),
    isSetting('TLS is off', 'ssl', (value) => value === 'off'),
    check('sessions over the network without encryption', sees ? totals.unencrypted_over_network : null),
    isSetting('password_encryption is MD5', 'password_encryption', (value) => value !== 'scram-sha-256'),
    isSetting('listens on every address', 'listen_addresses', (value) =>
      /\*|0\.0\.0\.0|(?:^|[\s,])::(?:$|[\s,])/.test(value),
    ),
    isSetting('connections are not logged', 'log_connections', (value) => value === 'off' || value === ''),
    isSetting('row_security is off', 'row_security', (value) => value === 'off'),
  ];
}

export function checkOutside({ options, servers, subscriptions, counts }: Audited): Check[] {
  return [
    count('secrets in options that everybody may read', options, ({ name }) => quoteIdentifier(name), totalOf),
    count(
      'user mappings for PUBLIC',
      servers?.filter(({ mapping }) => mapping),
      serverOf,
    ),
    count(
      'foreign servers that PUBLIC may use',
      servers?.filter(({ usage }) => usage),
      serverOf,
    ),
    count(
      'subscriptions of superusers',
      subscriptions?.filter(({ owner_superuser }) => owner_superuser),
      ({ subscription }) => quoteIdentifier(subscription),
    ),
    check('publications of superusers', counts?.superuser_publications),
  ];
}
