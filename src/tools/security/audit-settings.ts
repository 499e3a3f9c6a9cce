import { z } from 'zod';
import {
  byServerVersion,
  changeSettings,
  definePart,
  sql,
  type ConnectionFacts,
  type Finding,
  type RowOf,
} from '../kit/index.ts';
import { isOfServerOrDatabase } from '../server/setting-source.ts';

const DOCS = 'https://www.postgresql.org/docs/current';

export const auditSettings = definePart({
  what: 'settings that security rests on',
  row: { name: z.string(), value: z.string() },
  sql: byServerVersion({
    12: sql`
      select s.name, s.setting as value
        from pg_catalog.pg_settings s
       where s.name in ('listen_addresses', 'log_connections', 'row_security', 'password_encryption', 'ssl', 'lo_compat_privileges', 'scram_iterations')
         and ${isOfServerOrDatabase(sql`s.source`)}
       order by s.name`,
  }),
});
type AuditSetting = RowOf<typeof auditSettings>;

export function judgeAuditSettings(rows: readonly AuditSetting[], service: ConnectionFacts['service']): Finding[] {
  const values = new Map(rows.map(({ name, value }) => [name, value]));
  const iterations = Number(values.get('scram_iterations') ?? Infinity);
  return [
    ...(values.get('lo_compat_privileges') === 'on'
      ? [
          finding('lo_compat_privileges', 'on', service, {
            severity: 'warning',
            claim: 'lo_compat_privileges is on: everybody may read and change every large object.',
            why: `${DOCS}/runtime-config-compatible.html#GUC-LO-COMPAT-PRIVILEGES`,
            value: 'off',
          }),
        ]
      : []),
    // what RFC 7677 asks for at least, and the default
    ...(iterations < 4096
      ? [
          finding('scram_iterations', iterations, service, {
            severity: 'notice',
            claim: `New passwords are hashed ${iterations} times, and 4096 is the least that the standard asks for.`,
            why: `${DOCS}/runtime-config-connection.html#GUC-SCRAM-ITERATIONS`,
            value: '4096',
          }),
        ]
      : []),
  ];
}

interface Told extends Pick<Finding, 'severity' | 'claim' | 'why'> {
  /** That would be right. */
  readonly value: string;
}

function finding(
  name: string,
  current: string | number,
  service: ConnectionFacts['service'],
  { value, ...told }: Told,
): Finding {
  return {
    ...told,
    object: `"${name}"`,
    evidence: { [name]: current },
    next_step: changeSettings(service, [{ name, value }]),
  };
}
