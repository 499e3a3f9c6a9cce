import type { RoleFacts } from '../../postgres/database.ts';
import { quoteIdentifier } from '../../postgres/sql.ts';

/** Makes a role that reads nothing but statistics, and cannot fill the disk with temporary files. */
export const MONITORING_ROLE = [
  'CREATE ROLE howdah LOGIN CONNECTION LIMIT 8;',
  'GRANT pg_monitor TO howdah;',
  'ALTER ROLE howdah SET default_transaction_read_only = on;',
  "-- as superuser, which managed services keep to themselves: ALTER ROLE howdah SET temp_file_limit = '1GB';",
  '-- then, in psql, so that it is in no log: \\password howdah',
].join('\n');

/** Predefined roles that a monitoring login needs none of: https://www.postgresql.org/docs/current/predefined-roles.html */
const POWERFUL = new Set([
  'pg_checkpoint',
  'pg_create_subscription',
  'pg_database_owner',
  'pg_execute_server_program',
  'pg_maintain',
  'pg_read_all_data',
  'pg_read_server_files',
  'pg_signal_autovacuum_worker',
  'pg_signal_backend',
  'pg_use_reserved_connections',
  'pg_write_all_data',
  'pg_write_server_files',
]);

/** What a role has beyond what monitoring needs, and the statements that take it back. */
export interface Excess {
  readonly attributes: readonly string[];
  readonly memberOf: readonly string[];
  readonly takeBack: readonly string[];
}

/** Of a superuser, what it has beside. */
export function excessOf(role: RoleFacts): Excess {
  const name = quoteIdentifier(role.name);
  const attributes = [
    ...(role.createRole ? ['CREATEROLE'] : []),
    ...(role.createDatabase ? ['CREATEDB'] : []),
    ...(role.replication ? ['REPLICATION'] : []),
    ...(role.bypassRls ? ['BYPASSRLS'] : []),
  ];
  const memberOf = role.predefinedRoles.filter((predefined) => POWERFUL.has(predefined));
  return {
    attributes,
    memberOf,
    takeBack: [
      ...(attributes.length > 0 ? [`ALTER ROLE ${name} ${attributes.map((each) => `NO${each}`).join(' ')};`] : []),
      ...memberOf.map((each) => `REVOKE ${each} FROM ${name}; -- or from the role through which it is a member`),
    ],
  };
}
