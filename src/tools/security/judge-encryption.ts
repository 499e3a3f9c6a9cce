import { SERVICES } from '../../postgres/managed-service.ts';
import { changeSettings, comment, type ConnectionFacts, type Finding } from '../kit/index.ts';
import type { EncryptionSetting, SessionTotals } from './session-encryption.ts';

const DOCS = 'https://www.postgresql.org/docs/current';

interface Encryption {
  readonly totals: SessionTotals | undefined;
  readonly settings: readonly EncryptionSetting[];
  readonly service: ConnectionFacts['service'];
}

export function judgeEncryption({ totals, settings, service }: Encryption): Finding[] {
  const values = new Map(settings.map(({ name, value }) => [name, value]));
  const offered = values.get('ssl') === 'on';
  return [
    ...(totals ? judgeSessions(totals, offered, service) : []),
    ...(totals ? judgeOldVersions(totals) : []),
    ...(offered ? judgeVersions(settings, service) : []),
  ];
}

const WHO =
  'SELECT a.usename, a.datname, a.client_addr, count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE NOT s.ssl AND a.client_addr IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 4 DESC;';

/** A server that offers encryption cannot make its clients use it, but for a hostssl rule in pg_hba.conf. */
function judgeSessions(totals: SessionTotals, offered: boolean, service: Encryption['service']): Finding[] {
  const { unencrypted_over_network: count, unencrypted_public, over_network } = totals;
  if (count === 0) return [];
  const sessions = `${count} of ${over_network} ${over_network === 1 ? 'session' : 'sessions'} over the network`;
  return [
    {
      severity: unencrypted_public > 0 ? 'warning' : 'notice',
      claim: offered
        ? `${sessions} ${count === 1 ? 'is' : 'are'} not encrypted, though the server offers TLS.`
        : `${sessions} ${count === 1 ? 'is' : 'are'} not encrypted: TLS is off.`,
      object: '"ssl"',
      evidence: { ssl: offered, over_network, unencrypted_over_network: count, unencrypted_public },
      why: `${DOCS}/ssl-tcp.html`,
      next_step: [WHO, stepTo(offered, service)].join('\n'),
    },
  ];
}

function stepTo(offered: boolean, service: Encryption['service']): string {
  if (service !== null) {
    return comment(
      `then have ${SERVICES[service].name} refuse clients without TLS, and sslmode=verify-full in the clients`,
    );
  }
  return offered
    ? '-- then hostssl instead of host in pg_hba.conf, and sslmode=verify-full in the clients'
    : '-- then a certificate in ssl_cert_file and ssl_key_file, and ssl = on, which a reload brings into force';
}

function judgeOldVersions({ old_tls }: SessionTotals): Finding[] {
  if (old_tls === 0) return [];
  return [
    {
      severity: 'warning',
      claim: `${old_tls} ${old_tls === 1 ? 'session uses' : 'sessions use'} a version of TLS before 1.2, which is broken.`,
      object: '"ssl_min_protocol_version"',
      evidence: { old_tls },
      why: `${DOCS}/runtime-config-connection.html#GUC-SSL-MIN-PROTOCOL-VERSION`,
      next_step:
        "SELECT a.usename, a.client_addr, s.version, count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE s.version IN ('SSLv3', 'TLSv1', 'TLSv1.1') GROUP BY 1, 2, 3;",
    },
  ];
}

/** Before PostgreSQL 13 the default was TLSv1, which nobody chose. */
function judgeVersions(settings: readonly EncryptionSetting[], service: ConnectionFacts['service']): Finding[] {
  return settings
    .filter(({ name, value, set }) => set && /^ssl_(?:min|max)_protocol_version$/.test(name) && isOld(name, value))
    .map(({ name, value }) => ({
      severity: 'warning' as const,
      claim:
        name === 'ssl_min_protocol_version'
          ? `${name} allows ${value === '' ? 'every version of TLS' : value}, and what is before TLS 1.2 is broken.`
          : `${name} allows no more than ${value}, and what is before TLS 1.2 is broken.`,
      object: `"${name}"`,
      evidence: { [name]: value },
      why: `${DOCS}/runtime-config-connection.html#GUC-SSL-MIN-PROTOCOL-VERSION`,
      next_step: changeSettings(service, [
        name === 'ssl_min_protocol_version' ? { name, value: "'TLSv1.2'" } : { name, value: "''", note: 'no limit' },
      ]),
    }));
}

function isOld(name: string, value: string | null): boolean {
  return value === 'TLSv1' || value === 'TLSv1.1' || (value === '' && name === 'ssl_min_protocol_version');
}
