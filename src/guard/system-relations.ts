/**
 * What the relations tell that PostgreSQL makes itself, of 12 to 18. `open`: of the server, and nothing of what users keep
 * in it. `names`: of objects, such as tables, columns, constraints and their definitions. `values`: of what stands in
 * tables or in statements of others. `credentials`: secrets of logins, servers and settings.
 */
export type Disclosure = 'open' | 'names' | 'values' | 'credentials';

const PG_CATALOG: Readonly<Record<Disclosure, string>> = {
  open: `
    pg_auth_members pg_available_extension_versions pg_available_extensions pg_collation pg_config
    pg_database pg_extension pg_group pg_language pg_pltemplate pg_replication_origin pg_replication_origin_status
    pg_replication_slots pg_settings pg_shmem_allocations pg_shmem_allocations_numa pg_stat_archiver pg_stat_bgwriter
    pg_stat_checkpointer pg_stat_database pg_stat_database_conflicts pg_stat_gssapi pg_stat_io
    pg_stat_progress_basebackup pg_stat_recovery_prefetch pg_stat_replication pg_stat_replication_slots pg_stat_slru
    pg_stat_ssl pg_stat_wal pg_stat_wal_receiver pg_tablespace pg_timezone_abbrevs pg_timezone_names pg_wait_events`,
  // a role shows the settings that were made for it; a regproc, as of pg_am, has numbers beside it read as names of functions
  names: `
    pg_aggregate pg_aios pg_am pg_amop pg_amproc pg_attrdef pg_attribute pg_cast pg_class pg_constraint pg_conversion pg_default_acl
    pg_depend pg_description pg_enum pg_event_trigger pg_index pg_indexes pg_inherits pg_init_privs
    pg_largeobject_metadata pg_locks pg_matviews pg_namespace pg_opclass pg_operator pg_opfamily pg_parameter_acl
    pg_partitioned_table pg_policies pg_policy pg_proc pg_publication pg_publication_namespace pg_publication_rel
    pg_publication_tables pg_range pg_rewrite pg_roles pg_rules pg_seclabel pg_seclabels pg_sequence pg_sequences
    pg_shdepend pg_shdescription pg_shseclabel pg_stat_all_indexes pg_stat_all_tables pg_stat_progress_analyze
    pg_stat_progress_cluster pg_stat_progress_copy pg_stat_progress_create_index pg_stat_progress_vacuum
    pg_stat_subscription pg_stat_subscription_stats pg_stat_sys_indexes pg_stat_sys_tables pg_stat_user_functions
    pg_stat_user_indexes pg_stat_user_tables pg_stat_xact_all_tables pg_stat_xact_sys_tables
    pg_stat_xact_user_functions pg_stat_xact_user_tables pg_statio_all_indexes pg_statio_all_sequences
    pg_statio_all_tables pg_statio_sys_indexes pg_statio_sys_sequences pg_statio_sys_tables pg_statio_user_indexes
    pg_statio_user_sequences pg_statio_user_tables pg_statistic_ext pg_subscription_rel pg_tables pg_transform
    pg_trigger pg_ts_config pg_ts_config_map pg_ts_dict pg_ts_parser pg_ts_template pg_type pg_user pg_views`,
  values: `
    pg_backend_memory_contexts pg_cursors pg_largeobject pg_prepared_statements pg_prepared_xacts pg_stat_activity
    pg_statistic pg_statistic_ext_data pg_stats pg_stats_ext pg_stats_ext_exprs`,
  // options of foreign servers and tables hold keys, and settings of databases hold what applications put there
  credentials: `
    pg_authid pg_db_role_setting pg_file_settings pg_foreign_data_wrapper pg_foreign_server pg_foreign_table
    pg_hba_file_rules pg_ident_file_mappings pg_shadow pg_subscription pg_user_mapping pg_user_mappings`,
};

const INFORMATION_SCHEMA: Readonly<Record<Disclosure, string>> = {
  open: `
    administrable_role_authorizations applicable_roles character_sets collation_character_set_applicability collations
    enabled_roles information_schema_catalog_name sql_features sql_implementation_info sql_languages sql_packages
    sql_parts sql_sizing sql_sizing_profiles`,
  names: `
    attributes check_constraint_routine_usage check_constraints column_column_usage column_domain_usage column_options
    column_privileges column_udt_usage columns constraint_column_usage constraint_table_usage data_type_privileges
    domain_constraints domain_udt_usage domains element_types foreign_data_wrappers foreign_servers foreign_tables
    key_column_usage parameters referential_constraints role_column_grants role_routine_grants role_table_grants
    role_udt_grants role_usage_grants routine_column_usage routine_privileges routine_routine_usage
    routine_sequence_usage routine_table_usage routines schemata sequences table_constraints table_privileges tables
    transforms triggered_update_columns triggers udt_privileges usage_privileges user_defined_types user_mappings
    view_column_usage view_routine_usage view_table_usage views`,
  values: '',
  credentials: `
    _pg_foreign_data_wrappers _pg_foreign_servers _pg_foreign_table_columns _pg_foreign_tables _pg_user_mappings
    foreign_data_wrapper_options foreign_server_options foreign_table_options user_mapping_options`,
};

const DISCLOSURES = new Map([
  ...entries('pg_catalog', PG_CATALOG),
  ...entries('information_schema', INFORMATION_SCHEMA),
]);

/** undefined for one that was not reviewed, as of a newer PostgreSQL. */
export function disclosureOf(schema: string, name: string): Disclosure | undefined {
  return DISCLOSURES.get(`${schema}.${name}`);
}

/** Names of those that hold credentials, whatever schema of the server they are in. */
export const CREDENTIAL_CATALOGUES: ReadonlySet<string> = new Set(
  [PG_CATALOG, INFORMATION_SCHEMA].flatMap(({ credentials }) => credentials.match(/\S+/g) ?? []),
);

function entries(schema: string, names: Readonly<Record<Disclosure, string>>): [string, Disclosure][] {
  return (Object.keys(names) as Disclosure[]).flatMap((disclosure) =>
    (names[disclosure].match(/\S+/g) ?? []).map((name): [string, Disclosure] => [`${schema}.${name}`, disclosure]),
  );
}
