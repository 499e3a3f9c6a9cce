import { z } from 'zod';
import { maskSetting } from '../../sqltext/secret-settings.ts';
import { closedLast, byServerVersion, definePart, param, sql, type RowOf, type Sql } from '../kit/index.ts';
import { isOfServerOrDatabase } from '../server/setting-source.ts';

/** Where a client is, by its address; null is the Unix socket. */
export const NETWORKS = ['local', 'loopback', 'private', 'public'] as const;

/** https://www.rfc-editor.org/rfc/rfc1918, rfc4193, rfc6598, rfc3927 and rfc4291 say which addresses nobody routes. */
export function networkOf(address: Sql): Sql {
  return sql`case when ${address} is null then 'local'
                  when ${address} <<= any (array['127.0.0.0/8', '::1/128', '::ffff:127.0.0.0/104']::inet[]) then 'loopback'
                  when ${address} <<= any (array['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', 'fc00::/7', 'fe80::/10',
                         '::ffff:10.0.0.0/104', '::ffff:172.16.0.0/108', '::ffff:192.168.0.0/112']::inet[]) then 'private'
                  else 'public' end`;
}

const count = z.int().min(0);
const text = z.string().nullable();

/** Sessions that are alike; those of others are hidden from a role that may not read all statistics. */
export const sessionGroups = definePart({
  what: 'encryption of sessions',
  row: {
    user: text,
    database: text.meta({ names: 'database' }).describe('Null for replication.'),
    network: z.enum(NETWORKS).describe('By the address of the client; local is the Unix socket.'),
    encryption: z.enum(['none', 'tls', 'gss']),
    version: text,
    cipher: text,
    bits: z.int().nullable(),
    client_certificate: text.meta({ names: 'text' }).describe('Its subject.'),
    sessions: count,
    clients: count.describe('Different addresses.'),
    client_address: text.describe('One of them.'),
    total_rows: z.int(),
  },
  sql: byServerVersion({
    12: sql`
      select q.*, pg_catalog.count(*) over () as total_rows
        from (
          select a.usename as user, a.datname as database, ${networkOf(sql`a.client_addr`)} as network,
                 case when s.ssl then 'tls' when g.encrypted then 'gss' else 'none' end as encryption,
                 s.version, s.cipher, s.bits, s.client_dn as client_certificate,
                 pg_catalog.count(*) as sessions, pg_catalog.count(distinct a.client_addr) as clients,
                 pg_catalog.host(pg_catalog.min(a.client_addr)) as client_address
            from pg_catalog.pg_stat_activity a
            left join pg_catalog.pg_stat_ssl s on s.pid = a.pid
            left join pg_catalog.pg_stat_gssapi g on g.pid = a.pid
           -- null where it is hidden
           where a.backend_type in ('client backend', 'walsender')
           group by 1, 2, 3, 4, 5, 6, 7, 8
        ) q
       order by ${closedLast(sql`q.database`)}, q.encryption <> 'none', q.network = 'public' desc, q.network = 'private' desc, q.sessions desc, q.user, q.database
       limit ${param('limit')}`,
  }),
});

export const sessionTotals = definePart({
  what: 'how many sessions are encrypted',
  row: {
    sessions: count,
    hidden: count.describe('Of other roles, about which the login sees nothing.'),
    over_network: count,
    unencrypted_over_network: count,
    unencrypted_public: count.describe('Of those, from addresses that are no private ones.'),
    old_tls: count.describe('With a version before TLS 1.2.'),
    certificates: count.describe('With a certificate of the client.'),
  },
  sql: byServerVersion({
    12: sql`
      select pg_catalog.count(*) as sessions, pg_catalog.count(*) filter (where q.hidden) as hidden,
             pg_catalog.count(*) filter (where q.remote) as over_network,
             pg_catalog.count(*) filter (where q.remote and not q.encrypted) as unencrypted_over_network,
             pg_catalog.count(*) filter (where q.network = 'public' and not q.encrypted) as unencrypted_public,
             pg_catalog.count(*) filter (where q.version in ('SSLv3', 'TLSv1', 'TLSv1.1')) as old_tls,
             pg_catalog.count(q.client_dn) as certificates
        from (
          select a.backend_type is null as hidden, n.network, n.network in ('private', 'public') and a.backend_type is not null as remote,
                 coalesce(s.ssl, false) or coalesce(g.encrypted, false) as encrypted, s.version, s.client_dn
            from pg_catalog.pg_stat_activity a
            left join pg_catalog.pg_stat_ssl s on s.pid = a.pid
            left join pg_catalog.pg_stat_gssapi g on g.pid = a.pid
           cross join lateral (select ${networkOf(sql`a.client_addr`)} as network) n
           where a.backend_type in ('client backend', 'walsender') or (a.backend_type is null and a.usesysid is not null)
        ) q`,
  }),
});
export type SessionTotals = RowOf<typeof sessionTotals>;

/** What the server offers; files by name only. */
export const encryptionSettings = definePart({
  what: 'settings of encryption',
  row: { name: z.string(), value: z.string().nullable(), set: z.boolean().describe('Somebody set it.') },
  sql: byServerVersion({
    12: sql`
      select s.name, case when s.name ~ '_file$' then pg_catalog.regexp_replace(s.setting, '^.*[/\\\\]', '') else s.setting end as value,
             s.source <> 'default' as set
        from pg_catalog.pg_settings s
       where (s.name in ('ssl', 'listen_addresses', 'krb_server_keyfile') or s.name ~ '^ssl_(?!passphrase|renegotiation)')
         and ${isOfServerOrDatabase(sql`s.source`)}
       order by s.name <> 'ssl', s.name`,
  }),
});
export type EncryptionSetting = RowOf<typeof encryptionSettings>;

export function showEncryptionSetting({ name, value, ...row }: EncryptionSetting): EncryptionSetting {
  return { name, value: name.endsWith('file') ? value : maskSetting(name, value), ...row };
}
