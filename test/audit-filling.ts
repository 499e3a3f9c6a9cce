/** Fills an audit log with events as they come of a team at work: many of few kinds, few of many. */
import type { StoreDatabase } from './store-kit.ts';

export interface Filling {
  readonly events: number;
  /** Over how many days until now they are spread. */
  readonly days: number;
  /** How many rows one statement makes. */
  readonly batch: number;
}

export const PRINCIPALS = 200;
export const OPERATIONS = 85;
export const SERVERS = 12;

/** $1: first number, $2: last, $3: number of all, $4: days. A square of chance takes low numbers often. */
const INSERT = `
  insert into howdah.audit_event (id, at, kind, call_id, principal_issuer, principal_subject, principal_method,
    principal_client, principal_roles, persona, policy_version, operation, access_class, server, database, input, sql_text,
    decision, rule, outcome, rows, bytes, truncated, duration_ms, purpose, transport, protocol_version, client_name,
    client_version, source_address, chain, sequence, previous_hash, hash)
  select ('01a22dd9-7d50-7' || substr(digest, 1, 3) || '-8' || substr(digest, 4, 3) || '-' || substr(digest, 7, 12))::uuid,
         now() - make_interval(secs => $4::float8 * 86400 * ($3::bigint - i) / $3::bigint),
         case when begins < 0.1 then 'begun' else 'ended' end, 'call-' || i, 'key', 'user-' || principal, 'api_key', null,
         '{dba}', 'persona-' || principal % 5, digest, 'operation_' || operation,
         case when operation % 10 = 9 then 'query' else 'diagnostic' end, 'server-' || floor(${SERVERS} * server * server), 'shop',
         '{"limit":20,"server":"shop","min_size":1048576}'::json,
         case when operation % 10 = 9 then 'select * from orders where customer = $1 and placed_at > $2' end,
         case when outcome >= 0.975 and outcome < 0.987 then 'deny' else 'allow' end, 'persona dba: tools.allow area:tables',
         case when begins < 0.1 then null when outcome < 0.955 then 'OK' when outcome < 0.975 then 'QUERY_FAILED' when outcome < 0.987 then 'FORBIDDEN'
              when outcome < 0.995 then 'INVALID_INPUT' when outcome < 0.999 then 'TIMEOUT' else 'INTERNAL' end,
         i % 50, i % 5000, false, case when begins >= 0.1 then 1 + (i % 977)::float8 ^ 2 / 4000 end,
         case when i % 7 = 0 then 'looking into ticket ' || i % 1000 end, 'http', '2025-11-25',
         'client-' || principal % 9, '1.0', '10.0.7.7', 'chain-' || i % 4, i / 4, digest || digest, digest || digest
    from (select i, md5(i::text) as digest, floor(${PRINCIPALS} * power(random(), 2))::int as principal,
                 floor(${OPERATIONS} * power(random(), 2))::int as operation, random() as server, random() as begins, random() as outcome
            from generate_series($1::bigint, $2::bigint) as i offset 0) as e`;

/** As the owner; the indexes are made anew behind it, which is quicker. */
export async function fillAuditLog(database: StoreDatabase, { events, days, batch }: Filling): Promise<void> {
  await database.asOwner(
    `select howdah.make_partition('audit_event', (current_date - d)::date) from generate_series(0, $1 + 31, 25) as d`,
    [days],
  );
  const { rows: indexes } = await database.asOwner(
    `select c.relname as name, pg_get_indexdef(c.oid) as text from pg_index i join pg_class c on c.oid = i.indexrelid
      where i.indrelid = 'howdah.audit_event'::regclass`,
  );
  for (const { name } of indexes) await database.asOwner(`drop index howdah.${name}`);
  await database.asOwner(
    `insert into howdah.audit_chain (chain, secret_hash, writer) select 'chain-' || n, sha256(n::text::bytea), '{}' from generate_series(0, 3) n`,
  );
  for (let from = 0; from < events; from += 2 * batch) {
    const insert = (first: number) =>
      first >= events
        ? undefined
        : database.asOwner(INSERT, [first, Math.min(events, first + batch) - 1, events, days]);
    await Promise.all([insert(from), insert(from + batch)]);
  }
  for (const { text } of indexes) await database.asOwner(text.replace(' ON ONLY ', ' ON '));
  await database.asOwner('analyze howdah.audit_event');
}
