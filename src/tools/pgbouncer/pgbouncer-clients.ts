import { z } from 'zod';
import { commandsOf, defineTool, limitInput, readPoolers } from '../kit/index.ts';
import { disclosureOf, scrubTexts } from '../kit/disclosure.ts';
import { connectionsRow, holdingRow, waitingRow } from './client-row.ts';
import { readClients } from './clients.ts';
import { judgeClients } from './judge-clients.ts';
import { poolerInput } from './pool-row.ts';

export default defineTool({
  name: 'pgbouncer_clients',
  area: 'pgbouncer',
  title: 'PgBouncer clients',
  description: 'Connections by state, database, user and application; who waits longest, and for whom.',
  clusterWide: true,
  input: { pooler: poolerInput, limit: limitInput() },
  seldom: ['pooler'],
  thresholds: {
    // https://www.pgbouncer.org/usage.html#show-pools
    max_wait_s: z.number().min(0).default(1).describe('Others matter once somebody has waited for longer.'),
    // https://www.pgbouncer.org/config.html#idle_transaction_timeout
    max_silent_s: z.int().min(0).default(60).describe('Warn of clients that hold a connection in silence for longer.'),
  },
  output: {
    rows: z.array(z.object(connectionsRow)).describe('The most connections first.'),
    truncated: z.boolean(),
    total: z.int().min(0),
    waiting: z.array(z.object(waitingRow)).describe('The longest waiting first.'),
    holding: z.array(z.object(holdingRow)).describe('Who has the server connections of databases whose clients wait.'),
  },
  statements: commandsOf('clients', 'servers', 'databases'),
  async run({ pooler, limit, ...thresholds }, target, { persona }) {
    const { read, unreadable } = await readPoolers(target, pooler, (session, each) =>
      readClients(session, each, (database) => target.mayShow(database)),
    );
    const rows = read.flatMap((each) => each.rows).toSorted((a, b) => b.connections - a.connections);
    const waiting = read.flatMap((each) => each.waiting).toSorted((a, b) => (b.wait_s ?? 0) - (a.wait_s ?? 0));
    const holding = read.flatMap((each) => each.holding).toSorted((a, b) => (b.silent_s ?? 0) - (a.silent_s ?? 0));
    scrubTexts(rows, disclosureOf(connectionsRow));
    scrubTexts(waiting, disclosureOf(waitingRow));
    scrubTexts(holding, disclosureOf(holdingRow));
    const cut = Math.max(0, waiting.length - limit) + Math.max(0, holding.length - limit);
    return {
      rows: rows.slice(0, limit),
      truncated: rows.length > limit,
      total: rows.length,
      waiting: waiting.slice(0, limit),
      holding: holding.slice(0, limit),
      facts: undefined,
      findings: judgeClients({ waiting, holding }, thresholds),
      not_examined: [
        ...read.flatMap(({ sight }) => sight.told(persona.name)),
        ...unreadable,
        ...(cut > 0 ? [{ what: `${cut} more who wait or hold`, reason: 'The lists end at the limit.' }] : []),
      ],
    };
  },
});
