import { z } from 'zod';
import { byServerVersion, definePart, sql, type RowOf, type Sql } from '../kit/index.ts';

const text = z.string().nullable().meta({ names: 'text' });
const list = z.array(z.string());

/** Asking first leaves no error in the log of the server. */
const rightsWith = (ident: Sql) => sql`
      select pg_catalog.has_table_privilege('pg_catalog.pg_hba_file_rules', 'SELECT')
             and pg_catalog.has_function_privilege('pg_catalog.pg_hba_file_rules()', 'EXECUTE') as rules,
             ${ident} as ident_maps`;

export const mayReadHba = definePart({
  what: 'whether the rules of authentication may be read',
  row: { rules: z.boolean(), ident_maps: z.boolean() },
  sql: byServerVersion({
    12: rightsWith(sql`false`),
    15: rightsWith(sql`pg_catalog.has_table_privilege('pg_catalog.pg_ident_file_mappings', 'SELECT')
             and pg_catalog.has_function_privilege('pg_catalog.pg_ident_file_mappings()', 'EXECUTE')`),
  }),
});

/** Far more than any file has that people keep. */
const MOST = sql`2000`;

/** Lines that could not be read first, which stop the server from taking the file; the others as it tries them. */
const rulesWith = ({ number, file }: { readonly number: Sql; readonly file: Sql }) => sql`
      select ${number} as rule, ${file} as file, h.line_number as line, h.type, pg_catalog.to_json(h.database) as database,
             pg_catalog.to_json(h.user_name) as user, h.address, h.netmask, h.auth_method as method,
             pg_catalog.to_json(coalesce(h.options, '{}')) as options, h.error
        from (select r.*, pg_catalog.row_number() over () as place from pg_catalog.pg_hba_file_rules r) h
       order by h.type is not null, h.place
       limit ${MOST}`;

/** https://www.postgresql.org/docs/current/view-pg-hba-file-rules.html; the first rule that fits decides. */
export const hbaRules = definePart({
  what: 'the rules of pg_hba.conf',
  row: {
    rule: z.int().nullable().describe('In the order in which they are tried; null of a line that is not.'),
    file: text,
    line: z.int(),
    type: z.string().nullable().describe('Null of a line that could not be read.'),
    database: list.nullable(),
    user: list.nullable(),
    address: z.string().nullable(),
    netmask: z.string().nullable(),
    method: z.string().nullable(),
    options: list,
    error: text,
  },
  sql: byServerVersion({
    // the order of the lines is that of the rules while there is one file
    12: rulesWith({
      number: sql`case when h.error is null then pg_catalog.row_number() over (partition by h.error is null order by h.line_number) end`,
      file: sql`null::text`,
    }),
    16: rulesWith({ number: sql`h.rule_number`, file: sql`h.file_name` }),
  }),
});
export type StoredRule = RowOf<typeof hbaRules>;

const mapsWith = ({ number, file }: { readonly number: Sql; readonly file: Sql }) => sql`
      select ${file} as file, i.line_number as line, i.map_name as map, i.sys_name as system_user, i.pg_username as role, i.error
        from pg_catalog.pg_ident_file_mappings i
       order by i.error is null, ${number}
       limit ${MOST}`;

export const identMaps = definePart({
  what: 'the maps of pg_ident.conf',
  row: { file: text, line: z.int(), map: text, system_user: text, role: text, error: text },
  sql: byServerVersion({
    15: mapsWith({ number: sql`i.line_number`, file: sql`null::text` }),
    16: mapsWith({ number: sql`i.map_number, i.line_number`, file: sql`i.file_name` }),
  }),
});
export type IdentMap = RowOf<typeof identMaps>;

/** Options whose values are no secrets: https://www.postgresql.org/docs/current/auth-pg-hba-conf.html and the pages on methods. */
const SHOWN = new Set([
  'clientcert',
  'clientname',
  'compat_realm',
  'delegate_ident_mapping',
  'include_realm',
  'krb_realm',
  'ldapport',
  'ldapscheme',
  'ldapserver',
  'ldaptls',
  'map',
  'pam_use_hostname',
  'pamservice',
  'radiusports',
  'radiusservers',
  'upn_username',
  'validator',
]);

/** The name of an option, and its value where that can be no secret. */
export function showOption(option: string): string {
  const end = option.indexOf('=');
  const name = end === -1 ? option : option.slice(0, end);
  return end === -1 || SHOWN.has(name.toLowerCase()) ? option : `${name}=[withheld]`;
}

/** Errors quote what they could not read, which may be the rest of a secret. */
export function showError(error: string): string {
  return error
    .replace(/(name=value format: )[^]*$/, '$1[withheld]')
    .replaceAll(/(secret\w* (?:list )?)"[^]*"/gi, '$1"[withheld]"');
}

/** `10.0.0.0/8` of an address and its mask; the address as it stands where it is a name or a keyword. */
export function showAddress({ address, netmask }: Pick<StoredRule, 'address' | 'netmask'>): string | null {
  if (address === null || netmask === null) return address;
  const bits = prefixOf(netmask);
  return bits === null ? `${address} ${netmask}` : `${address}/${bits}`;
}

/** How many bits of an address the mask leaves fixed. */
function prefixOf(netmask: string): number | null {
  if (netmask.includes(':')) {
    const groups = expandGroups(netmask);
    return onesOf(groups.map((group) => group.toString(2).padStart(16, '0')).join(''));
  }
  return onesOf(
    netmask
      .split('.')
      .map((byte) => Number(byte).toString(2).padStart(8, '0'))
      .join(''),
  );
}

function onesOf(bits: string): number | null {
  return /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : null;
}

function expandGroups(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const [first, last] = [groupsOf(head), groupsOf(tail ?? '')];
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  return [...first, ...Array.from({ length: zeros }, () => 0), ...last];
}

function groupsOf(part: string): number[] {
  return part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
}
