import { sql, type Sql } from './sql.ts';

/** Services that operate PostgreSQL for their customers and keep superuser rights to themselves. */
export const MANAGED_SERVICES = ['rds', 'aurora', 'cloud_sql', 'alloydb', 'azure', 'supabase', 'neon'] as const;
export type ManagedService = (typeof MANAGED_SERVICES)[number];

interface ServiceFacts {
  /** As its operator writes it. */
  readonly name: string;
  /** What a change of a setting of the server is there, in words that can follow "set it". */
  readonly setting: string;
}

export const SERVICES: Readonly<Record<ManagedService, ServiceFacts>> = {
  // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html
  rds: { name: 'Amazon RDS', setting: 'in the DB parameter group of the instance' },
  // https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_WorkingWithParamGroups.html
  aurora: { name: 'Amazon Aurora', setting: 'in the DB parameter group of the cluster or instance' },
  // https://cloud.google.com/sql/docs/postgres/flags
  cloud_sql: { name: 'Google Cloud SQL', setting: 'as a database flag of the instance' },
  // https://cloud.google.com/alloydb/docs/instance-configure-database-flags
  alloydb: { name: 'Google AlloyDB', setting: 'as a database flag of the instance' },
  // https://learn.microsoft.com/azure/postgresql/flexible-server/how-to-configure-server-parameters-using-portal
  azure: { name: 'Azure Database for PostgreSQL', setting: 'as a server parameter' },
  // https://supabase.com/docs/guides/database/custom-postgres-config
  supabase: { name: 'Supabase', setting: 'with supabase postgres-config update' },
  // https://neon.com/docs/reference/compatibility
  neon: { name: 'Neon', setting: 'with ALTER DATABASE or ALTER ROLE, as far as that goes; Neon sets the rest' },
};

/** A setting of the service's own that every role may see. */
function hasSetting(name: Sql): Sql {
  return sql`nullif(pg_catalog.current_setting(${name}, true), '') is not null`;
}

/** The operator's own superuser; a dump that was restored elsewhere has its name only. */
function hasSuperuser(name: Sql): Sql {
  return sql`exists (select from pg_catalog.pg_roles o where o.rolname = ${name} and o.rolsuper)`;
}

/** Which of them the server is on, by what only its operator can put there; null for none. */
export const recognisedService = sql`case
           when exists (select from pg_catalog.pg_proc p where p.proname = 'aurora_version' and p.pronamespace = 11) then 'aurora'
           when ${hasSetting(sql`'rds.extensions'`)} or ${hasSuperuser(sql`'rdsadmin'`)} then 'rds'
           when ${hasSetting(sql`'alloydb.supported_extensions'`)} or ${hasSuperuser(sql`'alloydbadmin'`)} then 'alloydb'
           when ${hasSetting(sql`'cloudsql.supported_extensions'`)} or ${hasSuperuser(sql`'cloudsqladmin'`)} then 'cloud_sql'
           when ${hasSetting(sql`'azure.extensions'`)} or ${hasSuperuser(sql`'azuresu'`)} then 'azure'
           when ${hasSetting(sql`'neon.tenant_id'`)} or ${hasSuperuser(sql`'cloud_admin'`)} then 'neon'
           when ${hasSuperuser(sql`'supabase_admin'`)} then 'supabase'
         end`;
