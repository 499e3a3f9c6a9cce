import type { MaskName } from '../contract/persona.ts';
import { quoteIdentifier } from '../postgres/sql.ts';
import type { ColumnFacts } from './facts.ts';

/** What a column shows in its place: a mask of the rules, or itself as a text, where its type would tell names. */
export type Shown = MaskName | 'as text';

/** What is left of a column: nothing, or what is shown. */
export type Hiding = 'denied' | Shown;

/** The setting that the key of `hash` is read from: the two padded blocks of HMAC-SHA-256 (RFC 2104), in hexadecimal. */
export const MASK_KEY = 'howdah.mask_key';
export const MASK_KEY_LENGTH = 256;

/** OIDs of pg_type, the same in every version. */
const OID = { bytea: 17, date: 1082, timestamp: 1114, timestamptz: 1184, uuid: 2950 };
/** "char", name, text, bpchar, varchar */
const TEXTS: ReadonlySet<number> = new Set([18, 19, 25, 1042, 1043]);
/** int8, int2, int4, numeric */
const NUMBERS: ReadonlySet<number> = new Set([20, 21, 23, 1700]);
/** regclass, regnamespace, regoper, regoperator, regproc, regprocedure, regrole, regtype, and arrays of them */
export const TELLING_TYPES: ReadonlySet<number> = new Set([
  2205, 4089, 2203, 2204, 24, 2202, 4096, 2206, 2210, 4090, 2208, 2209, 1008, 2207, 4097, 2211,
]);
/** FirstNormalObjectId: those below are made by initdb. */
const FIRST_OF_USERS = 16_384;
/** Longer than any address of e-mail; a regular expression over megabytes would take its time. */
const LONGEST_ADDRESS = 320;

const DOMAIN_PATTERN = '@[^@[:space:].]+([.][^@[:space:].]+)+$';

/**
 * SQL that shows a column of the only relation in its scope through a mask: of a type that is the column's own where that
 * can be, and null where the column is. Nothing in it is looked up by the search path.
 */
export function maskExpression(column: ColumnFacts, mask: Shown): string {
  const masks = { redact, hash, last4, partial, null: nothing, year, 'as text': ({ text }: Source) => asText(text) };
  return masks[mask](sourceOf(column));
}

interface Source {
  readonly name: string;
  readonly oid: number;
  readonly isText: boolean;
  /** The value as text, by PostgreSQL's own output function or cast alone. */
  readonly text: string;
}

function sourceOf({ name, typeOid, baseType }: ColumnFacts): Source {
  const oid = baseType?.oid ?? typeOid;
  const column = quoteIdentifier(name);
  return {
    name: column,
    oid,
    isText: TEXTS.has(oid) || (oid >= FIRST_OF_USERS && baseType?.category === 'S'),
    // a cast of a type of users could call a function of theirs
    text: oid < FIRST_OF_USERS ? `${column}::pg_catalog.text` : `pg_catalog.format('%s', ${column})`,
  };
}

/** Null of the type of the column, whose name need not be known for that; a text where names would be read beside it. */
function nothing({ name, oid }: Source): string {
  if (TELLING_TYPES.has(oid)) return asText('NULL::pg_catalog.text');
  return `CASE WHEN true THEN NULL ELSE ${name} END`;
}

function redact(source: Source): string {
  if (!source.isText) return nothing(source);
  return asText(`CASE WHEN ${source.name} IS NOT NULL THEN '[redacted]'::pg_catalog.text END`);
}

function last4(source: Source): string {
  if (!source.isText && !NUMBERS.has(source.oid) && source.oid !== OID.uuid) return nothing(source);
  const { name, text } = source;
  return asText(
    `CASE WHEN ${compare(`pg_catalog.length(${text})`, '>=', '8')} THEN ${join(`'****'`, `pg_catalog.right(${text}, 4)`)}` +
      ` WHEN ${name} IS NOT NULL THEN '****'::pg_catalog.text END`,
  );
}

function partial(source: Source): string {
  if (!source.isText) return nothing(source);
  const { name, text } = source;
  const domain = join(`'***@'`, `pg_catalog.split_part(${inC(text)}, '@', 2)`);
  const first = `pg_catalog.left(${text}, 1)`;
  const length = `pg_catalog.length(${text})`;
  const isAddress = (local: string) =>
    `${compare(length, '<=', String(LONGEST_ADDRESS))} AND ${compare(inC(text), '~', `'^${local}${DOMAIN_PATTERN}'`)}`;
  return asText(
    `CASE WHEN ${isAddress('[^@[:space:]]{2,}')} THEN ${join(first, domain)}` +
      ` WHEN ${isAddress('[^@[:space:]]')} THEN ${domain}` +
      ` WHEN ${compare(length, '>=', '4')} THEN ${join(first, `'***'`)}` +
      ` WHEN ${name} IS NOT NULL THEN '***'::pg_catalog.text END`,
  );
}

/** A year that a timestamp cannot hold, and one that has begun before the first day there is, are shown as null. */
function year(source: Source): string {
  const { name, oid } = source;
  const since = (type: string) => compare(name, '>=', `'4713-01-01 BC'::pg_catalog.${type}`);
  if (oid === OID.date) {
    const fits = `${since('date')} AND ${compare(name, '<', `'294276-01-01'::pg_catalog.date`)}`;
    return `CASE WHEN ${fits} THEN pg_catalog.date_trunc('year', ${name}::pg_catalog.timestamp)::pg_catalog.date END`;
  }
  const type = oid === OID.timestamp ? 'timestamp' : 'timestamptz';
  if (oid !== OID.timestamp && oid !== OID.timestamptz) return nothing(source);
  return `CASE WHEN ${since(type)} THEN pg_catalog.date_trunc('year', ${name}::pg_catalog.${type}) END`;
}

/** The first 128 bits of HMAC-SHA-256. Without a whole key it shows null, never a hash that anybody could make. */
function hash({ name, oid, text }: Source): string {
  const key = `pg_catalog.current_setting('${MASK_KEY}')`;
  const block = (from: number) =>
    `pg_catalog.decode(pg_catalog.substr(${key}, ${from}, ${MASK_KEY_LENGTH / 2}), 'hex')`;
  const message = oid === OID.bytea ? `${name}::pg_catalog.bytea` : `pg_catalog.convert_to(${text}, 'UTF8')`;
  const inner = `pg_catalog.sha256(${join(block(1), message)})`;
  const mac = `pg_catalog.sha256(${join(block(1 + MASK_KEY_LENGTH / 2), inner)})`;
  const shown =
    oid === OID.bytea
      ? `pg_catalog.substr(${mac}, 1, 16)`
      : `pg_catalog.substr(pg_catalog.encode(${mac}, 'hex'), 1, 32)`;
  const hasKey = compare(`pg_catalog.length(${key})`, '=', String(MASK_KEY_LENGTH));
  const when = `CASE WHEN ${name} IS NOT NULL AND ${hasKey} THEN`;
  if (oid === OID.bytea) return `${when} ${shown} END`;
  return oid === OID.uuid ? `${when} ${shown}::pg_catalog.uuid END` : asText(`${when} ${shown} END`);
}

function compare(left: string, operator: string, right: string): string {
  return `(${left} OPERATOR(pg_catalog.${operator}) ${right})`;
}

function join(left: string, right: string): string {
  return `(${left} OPERATOR(pg_catalog.||) ${right})`;
}

/** Regular expressions and searches do not work under a collation that is not deterministic. */
function inC(text: string): string {
  return `(${text} COLLATE pg_catalog."C")`;
}

/** Of the collation that texts have by default, so that it can be compared and sorted with any other. */
function asText(expression: string): string {
  return `(${expression}) COLLATE pg_catalog."default"`;
}
