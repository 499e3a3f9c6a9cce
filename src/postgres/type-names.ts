/** OIDs of built-in types by the names that SQL has for them; these never change. https://www.postgresql.org/docs/current/datatype.html */
const TYPES: Readonly<Record<string, { readonly oid: number; readonly array: number }>> = {
  boolean: { oid: 16, array: 1000 },
  bytea: { oid: 17, array: 1001 },
  '"char"': { oid: 18, array: 1002 },
  name: { oid: 19, array: 1003 },
  bigint: { oid: 20, array: 1016 },
  smallint: { oid: 21, array: 1005 },
  integer: { oid: 23, array: 1007 },
  text: { oid: 25, array: 1009 },
  oid: { oid: 26, array: 1028 },
  json: { oid: 114, array: 199 },
  xml: { oid: 142, array: 143 },
  point: { oid: 600, array: 1017 },
  cidr: { oid: 650, array: 651 },
  real: { oid: 700, array: 1021 },
  'double precision': { oid: 701, array: 1022 },
  money: { oid: 790, array: 791 },
  macaddr: { oid: 829, array: 1040 },
  inet: { oid: 869, array: 1041 },
  character: { oid: 1042, array: 1014 },
  'character varying': { oid: 1043, array: 1015 },
  date: { oid: 1082, array: 1182 },
  'time without time zone': { oid: 1083, array: 1183 },
  'timestamp without time zone': { oid: 1114, array: 1115 },
  'timestamp with time zone': { oid: 1184, array: 1185 },
  interval: { oid: 1186, array: 1187 },
  'time with time zone': { oid: 1266, array: 1270 },
  bit: { oid: 1560, array: 1561 },
  'bit varying': { oid: 1562, array: 1563 },
  numeric: { oid: 1700, array: 1231 },
  uuid: { oid: 2950, array: 2951 },
  pg_lsn: { oid: 3220, array: 3221 },
  tsvector: { oid: 3614, array: 3643 },
  tsquery: { oid: 3615, array: 3645 },
  jsonb: { oid: 3802, array: 3807 },
  int4range: { oid: 3904, array: 3905 },
  numrange: { oid: 3906, array: 3907 },
  tsrange: { oid: 3908, array: 3909 },
  tstzrange: { oid: 3910, array: 3911 },
  daterange: { oid: 3912, array: 3913 },
  int8range: { oid: 3926, array: 3927 },
  jsonpath: { oid: 4072, array: 4073 },
};

const SHORT_NAMES: Readonly<Record<string, string>> = {
  bool: 'boolean',
  int2: 'smallint',
  int4: 'integer',
  int: 'integer',
  int8: 'bigint',
  decimal: 'numeric',
  float4: 'real',
  float8: 'double precision',
  float: 'double precision',
  varchar: 'character varying',
  char: 'character',
  bpchar: 'character',
  time: 'time without time zone',
  timetz: 'time with time zone',
  timestamp: 'timestamp without time zone',
  timestamptz: 'timestamp with time zone',
  varbit: 'bit varying',
};

/** What to name a type by. */
export const TYPE_NAMES: readonly string[] = [...Object.keys(TYPES), ...Object.keys(SHORT_NAMES)];

/** The OID of a built-in type, or of its array with `[]` behind; undefined for what is none, or has a modifier. */
export function oidOfType(name: string): number | undefined {
  const [, element = '', brackets = ''] = /^\s*(.*?)\s*((?:\[\s*\])?)\s*$/.exec(name) ?? [];
  const plain = element.toLowerCase().replaceAll(/\s+/g, ' ');
  const standard = Object.hasOwn(SHORT_NAMES, plain) ? SHORT_NAMES[plain] : plain;
  const type = standard !== undefined && Object.hasOwn(TYPES, standard) ? TYPES[standard] : undefined;
  return brackets === '' ? type?.oid : type?.array;
}
