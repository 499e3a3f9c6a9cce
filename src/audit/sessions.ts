import { isoTime } from '../store/iso-time.ts';
import { allConditionsOf, createBindings, type AuditFilters } from './filters.ts';
import type { StoreReader } from './store-reader.ts';

/** Calls of one caller by one client and transport, with no pause of half an hour between them. */
export interface AuditSession {
  readonly principal: string | null;
  readonly client: string | null;
  readonly transport: string | null;
  readonly first: string;
  readonly last: string;
  readonly calls: number;
  readonly denied: number;
  readonly failed: number;
  readonly servers: readonly string[];
  /** The names of what was called. */
  readonly tools: readonly string[];
}

const PAUSE = `interval '30 minutes'`;

/** Sessions of the calls that match, the one that went on last first; one that began before `since` is cut there. */
export async function readSessions(reader: StoreReader, filters: AuditFilters, limit: number): Promise<AuditSession[]> {
  const { bind, values } = createBindings();
  const conditions = [`e.kind = 'ended'`, ...allConditionsOf(filters, bind)];
  const caller = 'principal_issuer, principal_subject, principal_client, client_name, transport';
  const text = `
    select principal_subject, coalesce(client_name, principal_client), transport, ${isoTime('min(at)')}, ${isoTime('max(at)')},
           count(*), count(*) filter (where decision = 'deny'),
           count(*) filter (where outcome is distinct from 'OK' and decision is distinct from 'deny'),
           to_json(coalesce(array_agg(distinct server) filter (where server is not null), '{}'))::text,
           to_json(coalesce(array_agg(distinct operation) filter (where operation is not null), '{}'))::text
      from (select *, count(*) filter (where begins) over (partition by ${caller} order by at, id) as session
              from (select ${caller}, e.at, e.id, e.server, e.operation, e.outcome, e.decision,
                           e.at - lag(e.at) over (partition by ${caller} order by e.at, e.id) > ${PAUSE} is not false as begins
                      from howdah.audit_event e where ${conditions.join(' and ')}) as call) as numbered
     group by ${caller}, session
     order by max(at) desc limit ${bind(String(limit))}::bigint`;
  const rows = await reader.ask({ text, values });
  return rows.map(([principal, client, transport, first, last, calls, denied, failed, servers, tools]) => ({
    principal: principal ?? null,
    client: client ?? null,
    transport: transport ?? null,
    first: first ?? '',
    last: last ?? '',
    calls: Number(calls),
    denied: Number(denied),
    failed: Number(failed),
    servers: JSON.parse(servers ?? '[]') as string[],
    tools: JSON.parse(tools ?? '[]') as string[],
  }));
}
