import type { FunctionReference } from './references.ts';

/** The built-in functions that were read and found to compute or read only; what is immutable besides, passes too. */

/** Immutable, and refused all the same. */
export const REFUSED_IMMUTABLE: ReadonlySet<string> = words(`
  postgresql_fdw_validator satisfies_hash_partition gist_translate_cmptype_common spg_poly_quad_compress
`);

/** Some overloads run SQL that they are given: those that are allowed, by the number of their arguments. */
export const ALLOWED_ARITIES: Readonly<Record<string, readonly number[]>> = { ts_rewrite: [3] };

/** Stable or volatile; what they tell is of their arguments, of the time, of the session or of the server as a whole. */
export const PLAIN: ReadonlySet<string> = words(`
  age clock_timestamp date date_add date_part date_subtract date_trunc extract make_timestamptz now overlaps
  statement_timestamp time timeofday timestamp timestamptz timetz timezone to_char to_date to_number to_timestamp
  transaction_timestamp pg_timezone_abbrevs pg_timezone_abbrevs_abbrevs pg_timezone_abbrevs_zone pg_timezone_names
  date_cmp_timestamptz date_eq_timestamptz date_ge_timestamptz date_gt_timestamptz date_le_timestamptz
  date_lt_timestamptz date_ne_timestamptz interval_pl_timestamptz timestamp_cmp_timestamptz timestamp_eq_timestamptz
  timestamp_ge_timestamptz timestamp_gt_timestamptz timestamp_le_timestamptz timestamp_lt_timestamptz
  timestamp_ne_timestamptz timestamptz_cmp_date timestamptz_cmp_timestamp timestamptz_eq_date timestamptz_eq_timestamp
  timestamptz_ge_date timestamptz_ge_timestamp timestamptz_gt_date timestamptz_gt_timestamp timestamptz_le_date
  timestamptz_le_timestamp timestamptz_lt_date timestamptz_lt_timestamp timestamptz_mi_interval timestamptz_ne_date
  timestamptz_ne_timestamp timestamptz_pl_interval

  array_sample array_shuffle gen_random_uuid random random_normal uuidv4 uuidv7
  anytextcat concat concat_ws convert convert_from convert_to format length quote_literal quote_nullable textanycat
  array_to_string generate_series in_range money numeric enum_first enum_last enum_range

  array_to_json json_agg json_agg_strict json_build_array json_build_object json_object_agg json_object_agg_strict
  json_object_agg_unique json_object_agg_unique_strict json_populate_record json_populate_recordset json_to_record
  json_to_recordset json_to_tsvector jsonb_agg jsonb_agg_strict jsonb_build_array jsonb_build_object
  jsonb_path_exists_tz jsonb_path_match_tz jsonb_path_query_array_tz jsonb_path_query_first_tz jsonb_path_query_tz
  jsonb_populate_record jsonb_populate_record_valid jsonb_populate_recordset jsonb_to_record jsonb_to_recordset
  jsonb_to_tsvector row_to_json to_json to_jsonb xml xml_is_well_formed

  get_current_ts_config phraseto_tsquery plainto_tsquery to_tsquery to_tsvector ts_debug ts_headline ts_match_tq
  ts_match_tt ts_parse ts_rewrite ts_token_type websearch_to_tsquery

  anyarray_send anycompatiblearray_send array_send bpcharsend enum_send multirange_send namesend range_send record_send
  textsend varcharsend xml_send

  current_database current_schema current_schemas current_setting current_user getdatabaseencoding getpgusername
  inet_client_addr inet_client_port inet_server_addr inet_server_port pg_backend_pid pg_char_to_encoding
  pg_client_encoding pg_collation_for pg_column_compression pg_column_size pg_conf_load_time pg_encoding_to_char
  pg_get_keywords pg_input_error_info pg_input_is_valid pg_is_other_temp_schema pg_jit_available pg_listening_channels
  pg_my_temp_schema pg_notification_queue_usage pg_numa_available pg_postmaster_start_time pg_trigger_depth
  session_user system_user version

  aclexplode mxid_age pg_blocking_pids pg_control_checkpoint pg_control_init pg_control_recovery pg_control_system
  pg_current_snapshot pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn
  pg_current_xact_id_if_assigned pg_get_wal_replay_pause_state pg_is_in_backup pg_is_in_recovery
  pg_is_wal_replay_paused pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp
  pg_safe_snapshot_blocking_pids pg_split_walfile_name pg_xact_status txid_current_if_assigned txid_current_snapshot
  txid_status
`);

/** These tell names, sizes, definitions, statistics or statements of what the persona may not see. */
export const CATALOGUE: ReadonlySet<string> = words(`
  col_description obj_description shobj_description format_type oidvectortypes current_query
  has_any_column_privilege has_column_privilege has_database_privilege has_foreign_data_wrapper_privilege
  has_function_privilege has_language_privilege has_largeobject_privilege has_parameter_privilege has_schema_privilege
  has_sequence_privilege has_server_privilege has_table_privilege has_tablespace_privilege has_type_privilege
  pg_has_role row_security_active

  pg_collation_is_visible pg_conversion_is_visible pg_function_is_visible pg_opclass_is_visible
  pg_operator_is_visible pg_opfamily_is_visible pg_statistics_obj_is_visible pg_table_is_visible
  pg_ts_config_is_visible pg_ts_dict_is_visible pg_ts_parser_is_visible pg_ts_template_is_visible pg_type_is_visible

  pg_get_acl pg_get_catalog_foreign_keys pg_get_constraintdef pg_get_expr pg_get_function_arg_default
  pg_get_function_arguments pg_get_function_identity_arguments pg_get_function_result pg_get_function_sqlbody
  pg_get_functiondef pg_get_indexdef pg_get_object_address pg_get_partition_constraintdef pg_get_partkeydef
  pg_get_publication_tables pg_get_replica_identity_index pg_get_replication_slots pg_get_ruledef
  pg_get_sequence_data pg_get_serial_sequence pg_get_statisticsobjdef pg_get_statisticsobjdef_columns
  pg_get_statisticsobjdef_expressions pg_get_triggerdef pg_get_userbyid pg_get_viewdef pg_get_wait_events
  pg_basetype pg_describe_object pg_identify_object pg_identify_object_as_address pg_index_column_has_property
  pg_index_has_property pg_indexam_has_property pg_options_to_table pg_settings_get_flags

  pg_column_is_updatable pg_column_toast_chunk_id pg_database_size pg_filenode_relation pg_indexes_size
  pg_mcv_list_items pg_partition_ancestors pg_partition_root pg_partition_tree pg_relation_filenode
  pg_relation_filepath pg_relation_is_publishable pg_relation_is_updatable pg_relation_size pg_sequence_last_value
  pg_sequence_parameters pg_table_size pg_tablespace_databases pg_tablespace_location pg_tablespace_size
  pg_total_relation_size

  regclass to_regclass to_regcollation to_regnamespace to_regoper to_regoperator to_regproc to_regprocedure to_regrole
  to_regtype to_regtypemod

  pg_available_extension_versions pg_available_extensions pg_collation_actual_version pg_cursor
  pg_database_collation_actual_version pg_extension_update_paths pg_lock_status pg_prepared_statement pg_prepared_xact
  pg_replication_origin_oid pg_show_replication_origin_status pg_current_logfile pg_available_wal_summaries
  pg_get_aios pg_get_backend_memory_contexts pg_get_loaded_modules pg_get_multixact_members pg_get_shmem_allocations
  pg_get_shmem_allocations_numa pg_get_wal_resource_managers pg_get_wal_summarizer_state pg_last_committed_xact
  pg_wal_summary_contents pg_xact_commit_timestamp pg_xact_commit_timestamp_origin

  pg_stat_have_stats pg_typeof
`);

/** Its value tells nothing, but would have a name or number beside it read as a type, as `coalesce` does. */
const HARMLESS_ALONE: ReadonlySet<string> = words('pg_typeof');

/** Whether a function of the catalogue tells nothing where it stands. */
export function isHarmlessAlone({ name, isAlone }: Pick<FunctionReference, 'name' | 'isAlone'>): boolean {
  return isAlone === true && HARMLESS_ALONE.has(name);
}

/** Functions of statistics; a new one of a later version is read before it is allowed. */
export const CATALOGUE_PATTERN = /^pg_stat_get_/;

/** Helpers that the views of information_schema are made with. */
export const INFORMATION_SCHEMA: ReadonlySet<string> = words(`
  _pg_char_max_length _pg_char_octet_length _pg_datetime_precision _pg_expandarray _pg_index_position _pg_interval_type
  _pg_numeric_precision _pg_numeric_precision_radix _pg_numeric_scale _pg_truetypid _pg_truetypmod
`);

/** Types that say names of objects. */
export const CATALOGUE_TYPES: ReadonlySet<string> = words(`
  regclass regnamespace regoper regoperator regproc regprocedure regrole regtype
`);

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter(Boolean));
}
