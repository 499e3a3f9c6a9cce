import type { Finding } from '../contract/finding.ts';
import type { Store } from './open-store.ts';

const FACTS = `
  select session_user,
         (pg_catalog.has_table_privilege('howdah.audit_event', 'update, delete, truncate')
           or r.rolsuper or pg_catalog.pg_has_role(c.relowner, 'member'))::text,
         pg_catalog.current_setting('server_version'),
         (select pg_catalog.sum(pg_catalog.pg_total_relation_size(i.inhrelid))
            from pg_catalog.pg_inherits i where i.inhparent = c.oid),
         (select exists (select from howdah.audit_event_other))::text
    from pg_catalog.pg_class c
    join pg_catalog.pg_roles r on r.rolname = session_user
   where c.oid = 'howdah.audit_event'::pg_catalog.regclass`;

const OTHERS: Finding = {
  severity: 'notice',
  claim: 'Some audit events have a time for which there is no partition: a clock was wrong.',
  object: 'howdah.audit_event_other',
  evidence: {},
  next_step: 'Set the clocks of all machines by NTP.',
};

const oneRole = (evidence: Finding['evidence']): Finding => ({
  severity: 'warning',
  claim: 'The role of store.url could change the audit log.',
  evidence,
  next_step: 'Let another role own the tables (store.migrate_url): docs/store.md has the statements.',
});

/** What an operator should know of the store. */
export async function examineStore({ exchange }: Pick<Store, 'exchange'>): Promise<Finding[]> {
  const [result] = await exchange([{ text: FACTS, values: [] }]);
  const [role = null, mayChange, version = null, bytes, hasOthers] = result?.rows[0] ?? [];
  const evidence = { role, version, audit_bytes: Number(bytes ?? 0) };
  return [
    mayChange === 'true'
      ? oneRole(evidence)
      : { severity: 'ok', claim: 'The store can be added to, and not changed.', evidence },
    ...(hasOthers === 'true' ? [OTHERS] : []),
  ];
}
