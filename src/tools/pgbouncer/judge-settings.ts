import { comment, quoteIdentifier, type Finding } from '../kit/index.ts';
import type { Budget } from './budget.ts';
import type { RoomRow } from './setting-row.ts';

const DOCS = 'https://www.pgbouncer.org';

/** Whether the pools before a server may open more connections than it has; one finding for all poolers. */
export function judgeBudgets(budgets: readonly Budget[], room: RoomRow | undefined): Finding[] {
  const here = budgets.filter(({ this_server }) => this_server === true);
  const [possible, possible_all, pools] = (['possible', 'possible_all', 'pools'] as const).map((field) =>
    here.reduce((sum, budget) => sum + budget[field], 0),
  ) as [number, number, number];
  if (!room || possible_all <= room.max - room.reserved) return [];
  const { max: max_connections, reserved, used } = room;
  const left = max_connections - reserved;
  const poolers = new Set(here.map(({ pooler }) => pooler)).size;
  return [
    {
      severity: possible > left ? 'warning' : 'notice',
      claim:
        possible > left
          ? `The pools may open ${possible} connections to the server, which has ${left} for them.`
          : `If all databases of the poolers were used, their pools might open ${possible_all} connections to the server, which has ${left}.`,
      object: '"max_connections"',
      evidence: { possible, possible_all, max_connections, reserved, used, pools, poolers },
      why: `${DOCS}/config.html#max_db_connections`,
      next_step: [
        'SHOW DATABASES; -- on the console',
        comment(
          `lower default_pool_size and pool_size, or set max_db_connections, in pgbouncer.ini until all pools together stay below ${left}, and RELOAD`,
        ),
      ].join('\n'),
    },
  ];
}

/** How one pooler is set, and how Howdah goes through it, if it does. */
export interface Setup {
  readonly pooler: string;
  readonly config: ReadonlyMap<string, string | null>;
  readonly through: Passage | undefined;
}

/** The way that Howdah's own connections to a server take. */
export interface Passage {
  readonly server: string;
  readonly database: string;
  /** Of the database that it asks for. */
  readonly poolMode: string | null;
  /** As the configuration of Howdah says. */
  readonly pooling: 'session' | 'transaction';
}

export function judgeSetup(setup: Setup): Finding[] {
  return [...judgePassage(setup), ...judgeEntry(setup), ...judgeReset(setup), ...judgeTimeout(setup)];
}

function judgePassage({ pooler, through }: Setup): Finding[] {
  if (!through) return [];
  const { server, database, poolMode, pooling } = through;
  const isShared = poolMode === 'transaction' || poolMode === 'statement';
  if (poolMode === null || (poolMode !== 'statement' && isShared === (pooling === 'transaction'))) return [];
  const name = quoteIdentifier(database);
  const common = {
    object: name,
    evidence: { pooler, pool_mode: poolMode, pooling },
    why: `${DOCS}/config.html#pool_mode`,
  };
  if (poolMode === 'statement') {
    const claim = `Howdah reaches ${name} by this pooler in statement mode, where its transactions are not allowed.`;
    const step = `give it an entry of [databases] in pgbouncer.ini with pool_mode = transaction, or the address of the server itself as servers.${server}.url`;
    return [{ severity: 'warning', claim, ...common, next_step: comment(step) }];
  }
  const needed = isShared ? 'transaction' : 'session';
  return [
    {
      severity: isShared ? 'warning' : 'notice',
      claim: `Howdah reaches ${name} by this pooler in ${poolMode} mode, and its own configuration says ${pooling}.`,
      ...common,
      next_step: comment(`in the configuration of Howdah, then restart it: servers.${server}.pooling: ${needed}`),
    },
  ];
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

function judgeEntry({ pooler, config }: Setup): Finding[] {
  const type = config.get('auth_type');
  const addresses = (config.get('listen_addr') ?? '').split(',').map((address) => address.trim());
  const isOpen = addresses.some((address) => address !== '' && !LOOPBACK.test(address));
  if ((type !== 'any' && type !== 'trust') || !isOpen) return [];
  return [
    {
      severity: 'warning',
      claim: `The PgBouncer ${quoteIdentifier(pooler)} asks nobody for a password, and listens beyond its own machine.`,
      object: quoteIdentifier(pooler),
      evidence: { auth_type: type, listen_addr: config.get('listen_addr') ?? null },
      why: `${DOCS}/config.html#auth_type`,
      next_step: comment(
        'in pgbouncer.ini, with the users in auth_file or found by auth_query: auth_type = scram-sha-256',
      ),
    },
  ];
}

function judgeReset({ pooler, config }: Setup): Finding[] {
  const isUnset = config.has('server_reset_query') && (config.get('server_reset_query') ?? '') === '';
  if (!isUnset || config.get('pool_mode') !== 'session') return [];
  return [
    {
      severity: 'warning',
      claim: `Clients of the PgBouncer ${quoteIdentifier(pooler)} inherit settings, locks and temporary tables of those before them.`,
      object: quoteIdentifier(pooler),
      evidence: { pool_mode: 'session', server_reset_query: '' },
      why: `${DOCS}/config.html#server_reset_query`,
      next_step: comment('in pgbouncer.ini, then RELOAD: server_reset_query = DISCARD ALL'),
    },
  ];
}

function judgeTimeout({ pooler, config }: Setup): Finding[] {
  if (config.get('query_wait_timeout') !== '0') return [];
  return [
    {
      severity: 'notice',
      claim: `Clients of the PgBouncer ${quoteIdentifier(pooler)} wait for a server connection without end.`,
      object: quoteIdentifier(pooler),
      evidence: { query_wait_timeout: 0 },
      why: `${DOCS}/config.html#query_wait_timeout`,
      next_step: comment(
        'in pgbouncer.ini, then RELOAD: query_wait_timeout = 120, or what the patience of the clients is',
      ),
    },
  ];
}
