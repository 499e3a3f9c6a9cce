import type { References } from './references.ts';
import { refuseRelation } from './relation-rules.ts';
import type { Refusal } from './verdict.ts';

/** Relations of pg_catalog and information_schema that hold passwords, connection strings or configuration lines. */
export const CREDENTIAL_CATALOGUES: ReadonlySet<string> = new Set([
  'pg_authid',
  'pg_db_role_setting',
  'pg_file_settings',
  'pg_hba_file_rules',
  'pg_ident_file_mappings',
  'pg_shadow',
  'pg_subscription',
  'pg_user_mapping',
  'pg_user_mappings',
  'user_mapping_options',
  '_pg_user_mappings',
]);

const SYSTEM_SCHEMAS: ReadonlySet<string | undefined> = new Set([undefined, 'pg_catalog', 'information_schema']);

/** Why the statement may not name one of them; a relation of users that has such a name needs its schema. */
export function refuseCredentials({ relations }: References): Refusal | undefined {
  const found = relations.find(({ schema, name }) => SYSTEM_SCHEMAS.has(schema) && CREDENTIAL_CATALOGUES.has(name));
  return found && refuseRelation('relation/credentials', `The relation ${found.name} holds credentials.`, found.at);
}
