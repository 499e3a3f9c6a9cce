import { z } from 'zod';
import { Finding, NotExamined } from '../../contract/finding.ts';
import type { Tool } from '../kit/index.ts';
import { judgePoolers, judgeServers, notContacted } from './judge-servers.ts';
import { describePoolers, describeServer, poolerRow, serverRow } from './server-row.ts';

export default {
  kind: 'tool',
  name: 'list_servers',
  area: 'server',
  accessClass: 'schema',
  title: 'Servers',
  description: 'The PostgreSQL servers that you may use: address, version, primary or standby, whether reachable.',
  alsoKnownAs: {},
  reaches: 'nothing',
  statements: [],
  input: z.strictObject({ limit: z.int().min(1).max(500).default(100) }),
  output: z.object({
    findings: z.array(Finding),
    not_examined: z.array(NotExamined).optional(),
    rows: z.array(z.object(serverRow)),
    truncated: z.boolean(),
    total: z.int().min(0),
    poolers: z
      .array(z.object(poolerRow))
      .optional()
      .describe('The PgBouncers before them; left out where there is none.'),
  }),
  run(context) {
    const servers = context.servers();
    const described = servers.all.map((server) => describeServer(server, servers));
    const limit = Number(context.input['limit']);
    const gaps = notContacted(described);
    const poolers = servers.all.slice(0, limit).flatMap(describePoolers);
    return Promise.resolve({
      findings: [...judgeServers(described), ...judgePoolers(poolers)],
      ...(gaps.length > 0 && { not_examined: gaps }),
      rows: described.slice(0, limit),
      truncated: described.length > limit,
      total: described.length,
      ...(poolers.length > 0 && { poolers }),
    });
  },
} satisfies Tool;
