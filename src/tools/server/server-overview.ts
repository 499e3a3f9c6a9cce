import { z } from 'zod';
import { defineTool, readParts, sharedInputs, statementsOf, tellWithheld, type Finding } from '../kit/index.ts';
import { SERVICES } from '../../postgres/managed-service.ts';
import {
  connectedAs,
  connections,
  judgeConnections,
  judgeOldestTransaction,
  oldestTransaction,
} from './connections.ts';
import { databases, judgeDamage, judgeWraparound, totals, unmeasured } from './databases.ts';
import { describeInstance, instance, instanceShape, judgeInstance } from './instance.ts';
import {
  archiver,
  judgeArchiver,
  judgePrepared,
  judgeReceivers,
  preparedTransactions,
  receivers,
  wal,
} from './replication.ts';
import { judgeSlots } from './judge-slots.ts';
import { slots } from './slots.ts';
import { extensions, judgeExtensions, judgeLogin, judgeSettings, settings, showSettings } from './settings.ts';

const PARTS = {
  instance,
  connections,
  connectedAs,
  oldestTransaction,
  totals,
  databases,
  archiver,
  wal,
  slots,
  receivers,
  preparedTransactions,
  settings,
  extensions,
};

export default defineTool({
  name: 'server_overview',
  area: 'server',
  title: 'Server overview',
  description:
    'First look: version, connections, databases, wraparound, WAL, replication, dangerous settings, extensions.',
  alsoKnownAs: { get_server_info: {}, get_current_database_info: { database_name: 'database' } },
  clusterWide: true,
  input: {
    // clients repeat it in the header Mcp-Param-Server, by which a proxy can route; a client that has not listed this
    // tool is refused without it, so that no other tool asks for it
    server: sharedInputs.server.meta({ 'x-mcp-header': 'Server' }),
    limit: z.int().min(1).max(500).default(20),
  },
  thresholds: {
    max_connection_percent: z.number().min(0).max(100).default(80).describe('Warn when more connections are taken.'),
    max_wraparound_percent: z
      .number()
      .min(0)
      .max(100)
      .default(50)
      .describe('Warn when more transaction ids are used up.'),
    max_slot_size: z.int().min(0).default(1_073_741_824).describe('Warn of slots that keep more WAL, in bytes.'),
    max_lag_s: z.number().min(0).default(60).describe('Warn of standbys that are further behind.'),
    long_transaction_s: z
      .number()
      .min(0)
      .default(600)
      .describe('Warn of transactions, also prepared, that are open for longer.'),
  },
  output: {
    instance: instanceShape.nullable(),
    managed_service: z.string().nullable().describe('Who operates the server, where that is recognised.'),
    login: z.object({ user: z.string(), superuser: z.boolean(), member_of: z.array(z.string()) }),
    connections: connections.shape.nullable(),
    connected_as: z.array(connectedAs.shape),
    oldest_transaction: oldestTransaction.shape.nullable(),
    totals: totals.shape.nullable(),
    databases: z.array(databases.shape).describe('The one asked first, then by age.'),
    archiver: archiver.shape.nullable(),
    wal: wal.shape.nullable(),
    slots: z.array(slots.shape),
    receivers: z.array(receivers.shape),
    prepared_transactions: z.array(preparedTransactions.shape),
    settings: z.array(settings.shape).describe('Those that endanger data or wait for a restart.'),
    extensions: z.array(extensions.shape),
  },
  sees: [
    {
      what: 'states of connections, the oldest transaction and lags of standbys',
      privilege: 'pg_read_all_stats',
    },
  ],
  statements: statementsOf(PARTS),
  async run(input, target, { persona }) {
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, { limit: input.limit });
    const [server] = parts.instance;
    const described = server ? describeInstance(server, facts.major) : null;
    const findings: Finding[] = [
      ...(described ? judgeInstance(described, facts, input.max_lag_s) : []),
      ...judgeDamage(parts.totals[0]),
      ...judgeSettings(parts.settings, facts.service),
      ...judgeWraparound(parts.databases, input.max_wraparound_percent),
      ...judgeConnections(parts.connections[0], input.max_connection_percent),
      ...judgeOldestTransaction(parts.oldestTransaction[0], input.long_transaction_s),
      ...judgePrepared(parts.preparedTransactions, input.long_transaction_s),
      ...judgeArchiver(parts.archiver[0]),
      ...judgeSlots(parts.slots, input.max_slot_size),
      ...judgeReceivers(parts.receivers, input.max_lag_s),
      ...judgeExtensions(parts.extensions),
      ...judgeLogin(facts.role),
    ];
    return {
      instance: described,
      managed_service: facts.service && SERVICES[facts.service].name,
      login: { user: facts.role.name, superuser: facts.role.superuser, member_of: [...facts.role.predefinedRoles] },
      connections: parts.connections[0] ?? null,
      connected_as: [...parts.connectedAs],
      oldest_transaction: parts.oldestTransaction[0] ?? null,
      totals: parts.totals[0] ?? null,
      databases: [...parts.databases],
      archiver: parts.archiver[0] ?? null,
      wal: parts.wal[0] ?? null,
      slots: [...parts.slots],
      receivers: [...parts.receivers],
      prepared_transactions: [...parts.preparedTransactions],
      settings: showSettings(parts.settings),
      extensions: [...parts.extensions],
      facts,
      findings,
      not_examined: [
        ...tellWithheld(sum(withheld.values()), persona.name, [...withheld.keys()]),
        ...unreadable,
        ...unmeasured(parts.databases),
      ],
    };
  },
});

function sum(counts: Iterable<number>): number {
  return [...counts].reduce((all, count) => all + count, 0);
}
